// Stored minutiae: check, allocate, call the core.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string_view>

#include "bind.h"
#include "matcher/fingerprint_records.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

// Most minutiae of a template; bounds what is allocated.
constexpr py::ssize_t kMaxRecords = 255;

template <class T>
py::array_t<T> sealed(py::array_t<T> array) {
    py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
    return array;
}

// Microseconds for some dozen records: the GIL is kept, giving it away would take as long.
py::tuple read_records(const py::bytes& packed, py::ssize_t count, int x_bits, int y_bits, int direction_bits,
                       int kind_bits, int quality_bits) {
    if (count < 0 || count > kMaxRecords) throw std::invalid_argument("records: expected 0 to 255");
    const std::string_view data = packed;
    py::array_t<std::int16_t> x(count), y(count);
    py::array_t<std::uint8_t> direction(count), kind(count), quality(count);
    fingerprint::read_records(
        reinterpret_cast<const unsigned char*>(data.data()), data.size(), static_cast<std::size_t>(count),
        {x_bits, y_bits, direction_bits, kind_bits, quality_bits}, x.mutable_data(), y.mutable_data(),
        direction.mutable_data(), kind.mutable_data(), quality.mutable_data());
    return py::make_tuple(sealed(x), sealed(y), sealed(direction), sealed(kind), sealed(quality));
}

}  // namespace

void bind_fingerprint_records(py::module_& module) {
    module.def("fingerprint_records", &read_records, py::arg("packed"), py::arg("count"), py::arg("x_bits"),
               py::arg("y_bits"), py::arg("direction_bits"), py::arg("kind_bits"), py::arg("quality_bits"));
}

}  // namespace matcher::bindings
