// Search descriptors of fingerprints: check dtype and shape, release the GIL, call the core.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

#include "bind.h"
#include "matcher/fingerprint_describe.h"
#include "matcher/fingerprint_support.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;
using fingerprint::Describer;
using fingerprint::Neighbourhoods;

// No forcecast: an array of another dtype is the caller's error, never a silent copy.
using Words = py::array_t<std::uint64_t, py::array::c_style>;
using Floats = py::array_t<float, py::array::c_style>;

void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

std::size_t size_of(const Words& packed) {
    require(packed.ndim() == 1, "packed: expected one dimension");
    return static_cast<std::size_t>(packed.size());
}

template <class Number>
py::array_t<Number> array_of(const std::vector<Number>& numbers, const std::vector<py::ssize_t>& shape) {
    return py::array_t<Number>(shape, numbers.data());
}

Describer describer_of(const Floats& mean, const Floats& projection, const Floats& centres,
                       const Floats& coarse, float scale) {
    using fingerprint::kCodeParts;
    using fingerprint::kFeatures;
    using fingerprint::kPartCentres;
    require(mean.ndim() == 1 && mean.size() == kFeatures, "mean: expected one number a feature");
    require(projection.ndim() == 2 && projection.shape(0) == kFeatures,
            "projection: expected a row a feature");
    const auto dimensions = projection.shape(1);
    require(dimensions <= fingerprint::kMaxDimensions, "projection: expected at most 64 columns");
    require(centres.ndim() == 3 && centres.shape(0) == kCodeParts && centres.shape(1) == kPartCentres &&
                centres.shape(2) * kCodeParts == dimensions,
            "centres: expected 16 parts of 16 centres");
    require(coarse.ndim() == 2 && coarse.shape(1) == dimensions && coarse.shape(0) <= fingerprint::kMaxLists,
            "coarse: expected up to 65,536 centres of as many numbers as the projection has columns");
    return Describer({mean.data(), projection.data(), centres.data(), coarse.data(),
                      static_cast<int>(dimensions), static_cast<int>(coarse.shape(0)), scale});
}

Floats features(const Words& packed) {
    const std::size_t size = size_of(packed);
    std::vector<float> found;
    {
        // Describing touches no Python object: other threads may run, and call in here, meanwhile.
        py::gil_scoped_release release;
        found = fingerprint::features(packed.data(), size);
    }
    const auto count = static_cast<py::ssize_t>(found.size()) / fingerprint::kFeatures;
    return array_of(found, {count, fingerprint::kFeatures});
}

py::tuple neighbourhoods(const Describer& describer, const Words& packed) {
    const std::size_t size = size_of(packed);
    Neighbourhoods found;
    {
        py::gil_scoped_release release;
        found = describer.neighbourhoods(packed.data(), size);
    }
    return py::make_tuple(array_of(found.vectors, {found.count, describer.dimensions()}),
                          array_of(found.index, {found.count}));
}

// A print as a gallery takes it in.
struct Admitted {
    Neighbourhoods of;
    fingerprint::Descriptor found;
    std::vector<std::uint64_t> resident;
};

py::tuple described(const Admitted& print) {
    const py::ssize_t count = print.of.count;
    return py::make_tuple(array_of(print.found.lists, {count}),
                          array_of(print.found.codes, {count, fingerprint::kCodeBytes}),
                          array_of(print.of.places, {count, fingerprint::kPlaceBytes}));
}

py::tuple describe(const Describer& describer, const Words& packed) {
    const std::size_t size = size_of(packed);
    Admitted print;
    {
        py::gil_scoped_release release;
        print.of = describer.neighbourhoods(packed.data(), size);
        print.found = describer.describe(print.of);
    }
    return described(print);
}

// (descriptor's arrays, resident form) of each print.
py::list admit(const Describer& describer, const std::vector<Words>& packed) {
    std::vector<std::pair<const std::uint64_t*, std::size_t>> forms;
    for (const Words& one : packed) forms.emplace_back(one.data(), size_of(one));
    std::vector<Admitted> prints(forms.size());
    {
        // Once for all of them: whoever gives the GIL away waits to get it back.
        py::gil_scoped_release release;
        for (std::size_t n = 0; n < forms.size(); ++n) {
            Admitted& print = prints[n];
            print.of = describer.neighbourhoods(forms[n].first, forms[n].second, &print.resident);
            print.found = describer.describe(print.of);
        }
    }
    py::list out;
    for (const Admitted& print : prints) {
        const auto words = static_cast<py::ssize_t>(print.resident.size());
        out.append(py::make_tuple(described(print), array_of(print.resident, {words})));
    }
    return out;
}

py::tuple prepare(const Describer& describer, const Words& packed, int probed) {
    const std::size_t size = size_of(packed);
    require(probed >= 1 && probed <= describer.lists(), "probed: expected 1 to all lists");
    Neighbourhoods of;
    fingerprint::DescriptorTables found;
    {
        py::gil_scoped_release release;
        of = describer.neighbourhoods(packed.data(), size);
        found = describer.prepare(of, probed);
    }
    return py::make_tuple(
        array_of(found.tables, {of.count, fingerprint::kCodeParts, fingerprint::kPartCentres}),
        array_of(found.bases, {of.count}), array_of(found.lists, {of.count, probed}),
        array_of(of.places, {of.count, fingerprint::kPlaceBytes}));
}

}  // namespace

void bind_fingerprint_describe(py::module_& module) {
    module.attr("DESCRIBE_FEATURES") = fingerprint::kFeatures;
    module.def("fingerprint_features", &features, py::arg("packed").noconvert());
    py::class_<Describer>(module, "Describer")
        .def(py::init(&describer_of), py::arg("mean").noconvert(), py::arg("projection").noconvert(),
             py::arg("centres").noconvert(), py::arg("coarse").noconvert(), py::arg("scale"))
        .def("neighbourhoods", &neighbourhoods, py::arg("packed").noconvert())
        .def("describe", &describe, py::arg("packed").noconvert())
        .def("admit", &admit, py::arg("packed").noconvert())
        .def("prepare", &prepare, py::arg("packed").noconvert(), py::arg("probed"));
}

}  // namespace matcher::bindings
