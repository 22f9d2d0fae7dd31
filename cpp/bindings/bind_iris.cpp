// Iris comparison: check dtype and shape, release the GIL, call the core.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "bind.h"
#include "matcher/iris.h"
#include "matcher/iris_search.h"

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

py::array_t<float> among(const std::vector<Words>& eyes) {
    std::vector<const std::uint64_t*> forms;
    for (const Words& words : eyes) forms.push_back(resident("eyes", words));
    const auto count = static_cast<py::ssize_t>(forms.size());
    py::array_t<float> out({count, count});
    float* out_data = out.mutable_data();
    {
        py::gil_scoped_release release;
        iris::score_among(forms, out_data);
    }
    return out;
}

const std::uint64_t* records(const char* name, const Words& words) {
    if (words.ndim() != 2 || words.shape(1) != iris::kSearchWords) {
        throw std::invalid_argument(std::string(name) + ": expected rows of " +
                                    std::to_string(iris::kSearchWords) + " words");
    }
    return words.data();
}

// (probe, row, raw) of the hits, and the stages' work: pairs, rotations let through, pairs scored.
py::tuple search(const Words& probes, const Words& gallery, const py::object& bitmap, std::size_t begin,
                 std::size_t end, int reach, float least_raw, std::size_t most, int threads,
                 const py::object& strictness) {
    iris::Query query;
    query.probes = records("probes", probes);
    query.probe_count = static_cast<std::size_t>(probes.shape(0));
    query.records = records("records", gallery);
    query.begin = begin;
    query.end = end;
    query.reach = reach;
    query.least_raw = least_raw;
    query.most = most;
    query.threads = threads;
    if (end > static_cast<std::size_t>(gallery.shape(0)) || begin > end) {
        throw std::out_of_range("begin, end: expected a range of rows");
    }
    if (reach < 0 || reach > iris::kReach) throw std::out_of_range("reach: expected 0 to 15");
    Words bits;
    if (!bitmap.is_none()) {
        bits = bitmap.cast<Words>();
        if (bits.ndim() != 1 || static_cast<std::size_t>(bits.size()) < (end + 63) / 64) {
            throw std::out_of_range("bitmap: expected a bit for every row up to the end");
        }
        query.bitmap = bits.data();
    }
    if (!strictness.is_none()) {
        const auto how = strictness.cast<std::array<float, 6>>();
        query.strictness = {false, how[0], how[1], how[2], how[3], how[4], how[5]};
    }
    std::vector<iris::Hit> hits;
    iris::Work work;
    {
        // Searching touches no Python object: other threads may run, and call in here, meanwhile.
        py::gil_scoped_release release;
        hits = iris::search(query, &work);
    }
    const auto count = static_cast<py::ssize_t>(hits.size());
    Numbers probe(count), row(count);
    py::array_t<float> raw(count);
    for (py::ssize_t h = 0; h < count; ++h) {
        const iris::Hit& hit = hits[static_cast<std::size_t>(h)];
        probe.mutable_at(h) = hit.probe;
        row.mutable_at(h) = hit.row;
        raw.mutable_at(h) = hit.raw;
    }
    return py::make_tuple(probe, row, raw, py::make_tuple(work.pairs, work.turns_passed, work.scored));
}

py::array_t<float> coarse_statistics(const Words& probes, const Words& gallery) {
    const std::uint64_t* one = records("probes", probes);
    const std::uint64_t* two = records("records", gallery);
    if (probes.shape(0) != gallery.shape(0))
        throw std::invalid_argument("records: expected one for each probe");
    py::array_t<float> out(probes.shape(0));
    float* out_data = out.mutable_data();
    {
        py::gil_scoped_release release;
        iris::coarse_statistics(one, two, static_cast<std::size_t>(probes.shape(0)), out_data);
    }
    return out;
}

std::uint64_t read_sum(const Words& words) {
    py::gil_scoped_release release;
    return iris::read_sum(words.data(), static_cast<std::size_t>(words.size()));
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
    module.def("iris_among", &among, py::arg("eyes").noconvert());
    module.def("iris_search", &search, py::arg("probes").noconvert(), py::arg("records").noconvert(),
               py::arg("bitmap"), py::arg("begin"), py::arg("end"), py::arg("reach"), py::arg("least_raw"),
               py::arg("most"), py::arg("threads"), py::arg("strictness"));
    module.def("iris_coarse_statistics", &coarse_statistics, py::arg("probes").noconvert(),
               py::arg("records").noconvert());
    module.def("read_sum", &read_sum, py::arg("words").noconvert(),
               "Sum of all words, modulo 2**64: as fast as memory is read.");
}

}  // namespace matcher::bindings
