// Iris comparison: check dtype and shape, release the GIL, call the core.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "bind.h"
#include "matcher/iris.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;
using iris::Kind;
using iris::Probe;

// No forcecast: an array of another dtype is the caller's error, never a silent copy.
using Words = py::array_t<std::uint64_t, py::array::c_style>;
using Numbers = py::array_t<std::int64_t, py::array::c_style>;

const std::uint64_t* resident(const char* name, const Words& words) {
    if (words.ndim() != 1 || words.size() != iris::kResidentWords) {
        throw std::invalid_argument(std::string(name) + ": expected one dimension of " +
                                    std::to_string(iris::kResidentWords) + " words");
    }
    return words.data();
}

py::tuple compare(const Probe& probe, const Words& candidate, bool full) {
    const std::uint64_t* words = resident("candidate", candidate);
    const iris::ScoreParts parts =
        full ? probe.compare_full(words + iris::kSearchWords) : probe.compare_search(words);
    return py::make_tuple(parts.raw, parts.turn, parts.common, parts.differing);
}

// Candidates lie at `places`, positions of their first words in `words`.
py::array_t<float> score_many(const Probe& probe, const Words& words, const Numbers& places, bool full,
                              int threads) {
    if (words.ndim() != 1) throw std::invalid_argument("words: expected one dimension");
    if (places.ndim() != 1) throw std::invalid_argument("places: expected one dimension");
    const iris::Records records{words.data(), static_cast<std::size_t>(words.size()), places.data(),
                                static_cast<std::size_t>(places.size())};
    py::array_t<float> out(places.size());
    float* out_data = out.mutable_data();
    {
        // Comparing touches no Python object: other threads may run, and call in here, meanwhile.
        py::gil_scoped_release release;
        iris::score_many(probe, full ? Kind::full : Kind::search, records, threads, out_data);
    }
    return out;
}

}  // namespace

void bind_iris(py::module_& module) {
    module.attr("IRIS_TURNS") = iris::kTurns;
    module.attr("IRIS_SEARCH_WORDS") = iris::kSearchWords;
    module.attr("IRIS_RESIDENT_WORDS") = iris::kResidentWords;
    module.attr("IRIS_MINIMUM_SHARE") = iris::kMinimumShare;
    module.attr("IRIS_REMAINDERS") = py::make_tuple(iris::kRemainders[0], iris::kRemainders[1],
                                                    iris::kRemainders[2], iris::kRemainders[3]);
    py::class_<Probe>(module, "IrisProbe")
        .def(py::init([](const Words& words) { return Probe(resident("probe", words)); }),
             py::arg("words").noconvert())
        .def("compare", &compare, py::arg("candidate").noconvert(), py::arg("full"))
        .def("score_many", &score_many, py::arg("words").noconvert(), py::arg("places").noconvert(),
             py::arg("full"), py::arg("threads"));
}

}  // namespace matcher::bindings
