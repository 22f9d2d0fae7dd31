#include "matcher/privacy.h"

#include "kernels/share_products.h"

namespace matcher::privacy {
namespace {

const kernels::Shares& chosen() {
    static const kernels::Shares functions = kernels::shares_for(simd_level());
    return functions;
}

}  // namespace

void products(const Products<std::uint16_t>& task) { chosen().products16(task); }
void products(const Products<std::uint32_t>& task) { chosen().products32(task); }

void slice(const std::uint16_t* values, std::size_t count, int width, std::uint64_t* planes) {
    chosen().slice(values, count, width, planes);
}

void and_share(const And& task) { chosen().and_share(task); }

std::uint64_t multiply_only(std::uint64_t rounds, std::uint32_t* sink) {
    return chosen().multiply_only(rounds, sink);
}

}  // namespace matcher::privacy
