#include "wsq_coefficients.h"

#include "matcher/wsq.h"

namespace matcher::wsq {

CoefficientSink::CoefficientSink(const Tree& tree, const Quantiser& quantiser, int width,
                                 std::vector<float>& values)
    : tree_(tree), quantiser_(quantiser), stride_(static_cast<std::size_t>(width)), values_(values) {
    enter_band();
}

void CoefficientSink::too_many() {
    throw WsqError(Fault::kCorrupt, "there are more coefficients than pixels");
}

// A band is coded where its bins have a width and it has samples at all.
void CoefficientSink::enter_band() {
    for (; !full(); ++band_) {
        const Region& region = tree_.subbands[band_];
        if (quantiser_.bin[band_] != 0.0F && region.width > 0 && region.height > 0) {
            columns_ = static_cast<std::size_t>(region.width);
            rows_ = static_cast<std::size_t>(region.height);
            column_ = row_ = 0;
            return;
        }
    }
}

// Annex A, dequantisation: the middle of the bin, moved towards zero by the centre C.
void CoefficientSink::push(int coefficient) {
    if (full()) too_many();
    if (coefficient != 0) {
        const float half_zero = quantiser_.zero_bin[band_] / 2.0F;
        const auto steps = static_cast<float>(coefficient);
        const float centre = quantiser_.centre;
        const float bin = quantiser_.bin[band_];
        const float value =
            coefficient > 0 ? bin * (steps - centre) + half_zero : bin * (steps + centre) - half_zero;
        const Region& region = tree_.subbands[band_];
        values_[(static_cast<std::size_t>(region.y) + row_) * stride_ + static_cast<std::size_t>(region.x) +
                column_] = value;
    }
    advance(1);
}

void CoefficientSink::skip_zeros(int count) { advance(static_cast<std::size_t>(count)); }

void CoefficientSink::advance(std::size_t count) {
    while (count > 0) {
        if (full()) too_many();
        const std::size_t done = row_ * columns_ + column_ + count;
        const std::size_t size = rows_ * columns_;
        if (done < size) {
            row_ = done / columns_;
            column_ = done % columns_;
            return;
        }
        count = done - size;
        ++band_;
        enter_band();
    }
}

}  // namespace matcher::wsq
