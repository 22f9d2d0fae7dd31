// Fingerprint scoring: check dtype and shape, release the GIL, call the core.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <stdexcept>
#include <vector>

#include "bind.h"
#include "matcher/fingerprint.h"
#include "matcher/fingerprint_packed.h"
#include "matcher/simd.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;
using fingerprint::Probe;

// No forcecast: an array of another dtype is the caller's error, never a silent copy.
using Words = py::array_t<std::uint64_t, py::array::c_style>;
using Numbers = py::array_t<std::int64_t, py::array::c_style>;

// Candidates that are scored without giving the GIL away: the fingers of one person.
constexpr std::size_t kFew = 4;

template <class Array>
void require_vector(const char* name, const Array& array) {
    if (array.ndim() != 1) throw std::invalid_argument(std::string(name) + ": expected one dimension");
}

py::tuple compare(const Probe& probe, const Words& words) {
    require_vector("candidate", words);
    const auto resident = fingerprint::open_resident(words.data(), static_cast<std::size_t>(words.size()));
    const fingerprint::ScoreParts parts = probe.compare(resident);
    return py::make_tuple(parts.raw, parts.local, parts.relaxed, parts.consensus, parts.paired);
}

Numbers paired(const Probe& probe, const Words& words) {
    require_vector("candidate", words);
    fingerprint::Pairing pairing;
    probe.compare(fingerprint::open_resident(words.data(), static_cast<std::size_t>(words.size())), &pairing);
    Numbers out({static_cast<py::ssize_t>(pairing.size()), py::ssize_t{2}});
    auto view = out.mutable_unchecked<2>();
    for (std::size_t p = 0; p < pairing.size(); ++p) {
        view(static_cast<py::ssize_t>(p), 0) = pairing[p].first;
        view(static_cast<py::ssize_t>(p), 1) = pairing[p].second;
    }
    return out;
}

Words expand(const Words& words) {
    require_vector("packed", words);
    std::vector<std::uint64_t> room(fingerprint::kMaxResidentWords);
    const std::uint64_t* packed = words.data();
    const auto count = static_cast<std::size_t>(words.size());
    // Some 40 us. Who gives the GIL away for so short a time waits longer to have it back.
    const std::size_t size = fingerprint::expand(packed, count, room.data());
    return Words(static_cast<py::ssize_t>(size), room.data());
}

py::array_t<float> score_many(const Probe& probe, const Words& words, const Numbers& offsets,
                              const py::object& rows, int threads) {
    require_vector("words", words);
    require_vector("offsets", offsets);
    if (offsets.size() < 1) throw std::invalid_argument("offsets: expected at least one number");
    const fingerprint::Gallery gallery{words.data(), static_cast<std::size_t>(words.size()), offsets.data(),
                                       static_cast<std::size_t>(offsets.size() - 1)};
    Numbers chosen;
    if (!rows.is_none()) {
        chosen = rows.cast<Numbers>();
        require_vector("rows", chosen);
    }
    const std::int64_t* row_data = rows.is_none() ? nullptr : chosen.data();
    const std::size_t count =
        rows.is_none() ? gallery.gallery_count : static_cast<std::size_t>(chosen.size());
    py::array_t<float> out(static_cast<py::ssize_t>(count));
    float* out_data = out.mutable_data();
    if (count <= kFew) {
        // Some 40 us. Who gives the GIL away for so short a time waits longer to have it back.
        fingerprint::score_many(probe, gallery, row_data, count, 1, out_data);
        return out;
    }
    {
        // Scoring touches no Python object: other threads may run, and call in here, meanwhile.
        py::gil_scoped_release release;
        fingerprint::score_many(probe, gallery, row_data, count, threads, out_data);
    }
    return out;
}

py::array_t<float> among(const std::vector<Words>& prints, float share, float least) {
    std::vector<fingerprint::Print> forms;
    for (const Words& words : prints) {
        require_vector("prints", words);
        forms.push_back({words.data(), static_cast<std::size_t>(words.size())});
    }
    const auto count = static_cast<py::ssize_t>(forms.size());
    py::array_t<float> out({count, count});
    float* out_data = out.mutable_data();
    {
        py::gil_scoped_release release;
        fingerprint::score_among(forms, {share, least}, out_data);
    }
    return out;
}

}  // namespace

void bind_fingerprint(py::module_& module) {
    py::register_exception<fingerprint::CorruptResident>(module, "CorruptResidentError", PyExc_ValueError);
    py::register_exception<SimdError>(module, "SimdError", PyExc_RuntimeError);
    module.attr("RESIDENT_MAGIC") = fingerprint::kMagic;
    module.attr("RESIDENT_VERSION") = fingerprint::kVersion;
    module.attr("RESIDENT_PLANES") = fingerprint::kPlanes;
    module.attr("RESIDENT_CELLS") = fingerprint::kCells;
    module.attr("RESIDENT_MINUTIAE") = fingerprint::kMaxMinutiae;
    module.attr("PACKED_MAGIC") = fingerprint::kPackedMagic;
    module.attr("PACKED_VERSION") = fingerprint::kPackedVersion;
    module.def("fingerprint_expand", &expand, py::arg("packed").noconvert());
    module.def("fingerprint_among", &among, py::arg("prints").noconvert(), py::arg("share"),
               py::arg("least"));
    module.def("simd_level", [] { return simd_level_name(simd_level()); });
    py::class_<Probe>(module, "FingerprintProbe")
        .def(py::init([](const Words& words) {
                 require_vector("probe", words);
                 return Probe(words.data(), static_cast<std::size_t>(words.size()));
             }),
             py::arg("words").noconvert())
        .def_property_readonly("minutia_count", &Probe::minutia_count)
        .def("compare", &compare, py::arg("candidate").noconvert())
        .def("paired", &paired, py::arg("candidate").noconvert())
        .def("score_many", &score_many, py::arg("words").noconvert(), py::arg("offsets").noconvert(),
             py::arg("rows"), py::arg("threads"));
}

}  // namespace matcher::bindings
