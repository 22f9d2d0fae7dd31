// Shares: check dtype and shape, release the GIL, call the core.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "bind.h"
#include "matcher/privacy.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

// No forcecast: an array of another dtype is the caller's error, never a silent copy.
template <typename T>
using Array = py::array_t<T, py::array::c_style>;
using Words = Array<std::uint64_t>;

template <typename T>
Array<T> products(const Array<T>& rows, const Array<T>& probes, const Array<std::int64_t>& places) {
    if (rows.ndim() != 2) throw std::invalid_argument("rows: expected two dimensions");
    if (probes.ndim() != 1) throw std::invalid_argument("probes: expected one dimension");
    if (places.ndim() != 1) throw std::invalid_argument("places: expected one dimension");
    const py::ssize_t length = rows.shape(1);
    for (py::ssize_t t = 0; t < places.size(); ++t) {
        if (places.at(t) < 0 || places.at(t) > probes.size() - length) {
            throw std::out_of_range("places: a probe's vector leaves its array");
        }
    }
    Array<T> out({places.size(), rows.shape(0)});
    const privacy::Products<T> task{rows.data(),
                                    static_cast<std::size_t>(rows.shape(0)),
                                    static_cast<std::size_t>(length),
                                    static_cast<std::size_t>(length),
                                    probes.data(),
                                    places.data(),
                                    static_cast<std::size_t>(places.size()),
                                    out.mutable_data()};
    {
        // Multiplying touches no Python object: other threads may run, and call in here, meanwhile.
        py::gil_scoped_release release;
        privacy::products(task);
    }
    return out;
}

Words slice(const Array<std::uint16_t>& values, int width) {
    if (values.ndim() != 1) throw std::invalid_argument("values: expected one dimension");
    if (width < 1 || width > 16) throw std::invalid_argument("width: expected 1 to 16");
    const auto count = static_cast<std::size_t>(values.size());
    Words planes({static_cast<py::ssize_t>(width),
                  static_cast<py::ssize_t>((count + privacy::kWordBits - 1) / privacy::kWordBits)});
    std::uint64_t* out = planes.mutable_data();
    {
        py::gil_scoped_release release;
        privacy::slice(values.data(), count, width, out);
    }
    return planes;
}

Words and_share(const Words& x0, const Words& x1, const Words& y0, const Words& y1, const Words& zero) {
    for (const Words* one : {&x1, &y0, &y1, &zero}) {
        if (one->size() != x0.size()) throw std::invalid_argument("expected arrays of one size");
    }
    Words out(x0.size());
    const privacy::And task{x0.data(),         x1.data(),   y0.data(),
                            y1.data(),         zero.data(), static_cast<std::size_t>(x0.size()),
                            out.mutable_data()};
    {
        py::gil_scoped_release release;
        privacy::and_share(task);
    }
    return out;
}

std::uint64_t multiply_only(std::uint64_t rounds) {
    std::uint32_t sink = 1;
    py::gil_scoped_release release;
    return privacy::multiply_only(rounds, &sink);
}

}  // namespace

void bind_privacy(py::module_& module) {
    module.def("share_products16", &products<std::uint16_t>, py::arg("rows").noconvert(),
               py::arg("probes").noconvert(), py::arg("places").noconvert());
    module.def("share_products32", &products<std::uint32_t>, py::arg("rows").noconvert(),
               py::arg("probes").noconvert(), py::arg("places").noconvert());
    module.def("share_slice", &slice, py::arg("values").noconvert(), py::arg("width"));
    module.def("share_and", &and_share, py::arg("x0").noconvert(), py::arg("x1").noconvert(),
               py::arg("y0").noconvert(), py::arg("y1").noconvert(), py::arg("zero").noconvert());
    module.def("share_multiply_only", &multiply_only, py::arg("rounds"),
               "Multiplications done, by nothing but the products' own instruction on registers.");
}

}  // namespace matcher::bindings
