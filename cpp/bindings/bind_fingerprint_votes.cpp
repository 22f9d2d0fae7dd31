// Fingerprint votes: check dtype, shape and length, release the GIL, call the core.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <stdexcept>
#include <string>

#include "bind.h"
#include "matcher/fingerprint_support.h"
#include "matcher/fingerprint_votes.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

// No forcecast: an array of another dtype is the caller's error, never a silent copy.
template <class Number>
using Array = py::array_t<Number, py::array::c_style>;
using Bytes = Array<std::uint8_t>;
using Shorts = Array<std::uint16_t>;
using Rows = Array<std::int32_t>;

void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

template <class Number>
std::size_t length(const Array<Number>& array) {
    require(array.ndim() == 1, "expected one dimension");
    return static_cast<std::size_t>(array.size());
}

fingerprint::VoteProbe probe_of(const Bytes& tables, const Bytes& bases, const Rows& lists,
                                const Bytes& weights) {
    require(lists.ndim() == 2, "lists: expected two dimensions");
    const auto voters = static_cast<std::size_t>(lists.shape(0));
    require(voters <= fingerprint::kMaxVoters, "lists: too many minutiae");
    require(static_cast<std::size_t>(tables.size()) == voters * fingerprint::kTableBytes,
            "tables: expected 256 bytes a minutia");
    require(length(bases) == voters, "bases: expected one a minutia");
    require(length(weights) == 256 && weights.data()[255] == 0, "weights: expected 256, the last of them 0");
    return {tables.data(),
            bases.data(),
            lists.data(),
            weights.data(),
            static_cast<int>(voters),
            static_cast<int>(lists.shape(1))};
}

fingerprint::RowTable table_of(const Rows& numbers, const Bytes& minutiae, const Shorts& factors) {
    const std::size_t rows = length(numbers);
    require(rows <= fingerprint::kSegmentRows, "numbers: too many rows");
    require(length(minutiae) == rows, "minutiae: expected one number a row");
    require(length(factors) == 256, "factors: expected 256");
    return {numbers.data(), minutiae.data(), factors.data(), rows};
}

void vote_lists(const Bytes& tables, const Bytes& bases, const Rows& lists, const Bytes& weights,
                const Bytes& codes, const Shorts& rows, const Array<std::uint32_t>& offsets,
                const Rows& numbers, const Bytes& minutiae, const Shorts& factors, Shorts& out) {
    const auto probe = probe_of(tables, bases, lists, weights);
    const auto table = table_of(numbers, minutiae, factors);
    require(length(offsets) > 0, "offsets: expected at least one");
    const std::size_t count = length(rows);
    require(offsets.data()[offsets.size() - 1] == count, "offsets: expected to end with the postings");
    require(length(codes) >= count * fingerprint::kCodeBytes + fingerprint::kOverread,
            "codes: expected 8 bytes a posting and 64 more");
    const fingerprint::Postings postings{codes.data(), rows.data(), offsets.data(),
                                         static_cast<std::size_t>(offsets.size() - 1)};
    std::uint16_t* votes = out.mutable_data();
    const std::size_t size = length(out);
    // Voting touches no Python object: other threads may run, and call in here, meanwhile.
    py::gil_scoped_release release;
    fingerprint::vote(probe, postings, table, votes, size);
}

void vote_tail(const Bytes& tables, const Bytes& bases, const Rows& lists, const Bytes& weights,
               const Bytes& codes, const Shorts& places, const Shorts& rows, std::size_t count,
               const Rows& numbers, const Bytes& minutiae, const Shorts& factors, Shorts& out) {
    const auto probe = probe_of(tables, bases, lists, weights);
    const auto table = table_of(numbers, minutiae, factors);
    const std::size_t stride = length(rows);
    require(count <= stride, "count: expected postings within the rows");
    require(length(codes) >= stride * fingerprint::kCodeBytes + fingerprint::kOverread,
            "codes: expected 8 bytes a posting and 64 more");
    require(length(places) == stride, "places: expected one a posting");
    const fingerprint::TailPostings postings{codes.data(), stride, places.data(), rows.data(), count};
    std::uint16_t* votes = out.mutable_data();
    const std::size_t size = length(out);
    py::gil_scoped_release release;
    fingerprint::vote(probe, postings, table, votes, size);
}

const std::uint8_t* places_of(const Bytes& places, std::size_t count) {
    require(length(places) == count * fingerprint::kPlaceBytes, "places: expected 3 bytes a minutia");
    return places.data();
}

void support_lists(const Bytes& tables, const Bytes& bases, const Rows& lists, const Bytes& weights,
                   const Bytes& probe_places, const Bytes& codes, const Bytes& places, const Shorts& rows,
                   const Array<std::uint32_t>& offsets, const Rows& numbers, const Bytes& minutiae,
                   const Shorts& factors, const Array<std::uint64_t>& chosen, Shorts& out) {
    const auto probe = probe_of(tables, bases, lists, weights);
    const auto table = table_of(numbers, minutiae, factors);
    require(length(offsets) > 0, "offsets: expected at least one");
    const std::size_t count = length(rows);
    require(offsets.data()[offsets.size() - 1] == count, "offsets: expected to end with the postings");
    require(length(codes) >= count * fingerprint::kCodeBytes, "codes: expected 8 bytes a posting");
    const auto* own = places_of(places, count);
    const auto* its = places_of(probe_places, static_cast<std::size_t>(probe.voters));
    const fingerprint::Postings postings{codes.data(), rows.data(), offsets.data(),
                                         static_cast<std::size_t>(offsets.size() - 1)};
    const fingerprint::ChosenRows some{chosen.data(), length(chosen)};
    std::uint16_t* votes = out.mutable_data();
    const std::size_t size = length(out);
    py::gil_scoped_release release;
    fingerprint::support(probe, its, postings, own, table, some, votes, size);
}

void support_tail(const Bytes& tables, const Bytes& bases, const Rows& lists, const Bytes& weights,
                  const Bytes& probe_places, const Bytes& codes, const Bytes& places,
                  const Shorts& posting_lists, const Shorts& rows, std::size_t count, const Rows& numbers,
                  const Bytes& minutiae, const Shorts& factors, const Array<std::uint64_t>& chosen,
                  Shorts& out) {
    const auto probe = probe_of(tables, bases, lists, weights);
    const auto table = table_of(numbers, minutiae, factors);
    const std::size_t stride = length(rows);
    require(count <= stride, "count: expected postings within the rows");
    require(length(codes) >= stride * fingerprint::kCodeBytes, "codes: expected 8 bytes a posting");
    require(length(posting_lists) == stride, "lists: expected one a posting");
    const auto* own = places_of(places, stride);
    const auto* its = places_of(probe_places, static_cast<std::size_t>(probe.voters));
    const fingerprint::TailPostings postings{codes.data(), stride, posting_lists.data(), rows.data(), count};
    const fingerprint::ChosenRows some{chosen.data(), length(chosen)};
    std::uint16_t* votes = out.mutable_data();
    const std::size_t size = length(out);
    py::gil_scoped_release release;
    fingerprint::support(probe, its, postings, own, table, some, votes, size);
}

void add_votes(const Shorts& votes, const Array<bool>& alive, const py::object& allowed,
               const py::object& owners, Shorts& totals) {
    const std::size_t rows = length(votes);
    require(length(alive) >= rows, "alive: expected one mark a row");
    Array<std::uint64_t> bits;
    Rows owner;
    if (!allowed.is_none()) {
        bits = allowed.cast<Array<std::uint64_t>>();
        require(length(bits) * 64 >= rows, "allowed: expected one bit a row");
    }
    if (!owners.is_none()) {
        owner = owners.cast<Rows>();
        require(length(owner) >= rows, "owners: expected one a row");
    }
    const fingerprint::RowVotes given{votes.data(), reinterpret_cast<const std::uint8_t*>(alive.data()),
                                      allowed.is_none() ? nullptr : bits.data(),
                                      owners.is_none() ? nullptr : owner.data(), rows};
    std::uint16_t* sums = totals.mutable_data();
    const std::size_t count = length(totals);
    py::gil_scoped_release release;
    fingerprint::add_votes(given, sums, count);
}

py::tuple most_votes(const Shorts& totals, std::size_t most) {
    const std::size_t count = length(totals);
    std::vector<std::pair<std::int32_t, std::uint16_t>> found;
    {
        py::gil_scoped_release release;
        found = fingerprint::most_votes(totals.data(), count, most);
    }
    Rows places(static_cast<py::ssize_t>(found.size()));
    Shorts votes(static_cast<py::ssize_t>(found.size()));
    for (std::size_t i = 0; i < found.size(); ++i) {
        places.mutable_data()[i] = found[i].first;
        votes.mutable_data()[i] = found[i].second;
    }
    return py::make_tuple(places, votes);
}

}  // namespace

void bind_fingerprint_votes(py::module_& module) {
    module.attr("VOTE_CODE_BYTES") = fingerprint::kCodeBytes;
    module.attr("VOTE_SEGMENT_ROWS") = fingerprint::kSegmentRows;
    module.attr("VOTE_OVERREAD") = fingerprint::kOverread;
    module.attr("VOTE_FACTOR_SHIFT") = fingerprint::kFactorShift;
    module.attr("VOTE_MAX_VOTERS") = fingerprint::kMaxVoters;
    module.def("vote_lists", &vote_lists, py::arg("tables").noconvert(), py::arg("bases").noconvert(),
               py::arg("lists").noconvert(), py::arg("weights").noconvert(), py::arg("codes").noconvert(),
               py::arg("rows").noconvert(), py::arg("offsets").noconvert(), py::arg("numbers").noconvert(),
               py::arg("minutiae").noconvert(), py::arg("factors").noconvert(), py::arg("out").noconvert());
    module.def("vote_tail", &vote_tail, py::arg("tables").noconvert(), py::arg("bases").noconvert(),
               py::arg("lists").noconvert(), py::arg("weights").noconvert(), py::arg("codes").noconvert(),
               py::arg("places").noconvert(), py::arg("rows").noconvert(), py::arg("count"),
               py::arg("numbers").noconvert(), py::arg("minutiae").noconvert(),
               py::arg("factors").noconvert(), py::arg("out").noconvert());
    module.attr("VOTE_PLACE_UNIT") = fingerprint::kPlaceUnit;
    module.attr("VOTE_PLACE_BYTES") = fingerprint::kPlaceBytes;
    module.def("support_lists", &support_lists, py::arg("tables").noconvert(), py::arg("bases").noconvert(),
               py::arg("lists").noconvert(), py::arg("weights").noconvert(),
               py::arg("probe_places").noconvert(), py::arg("codes").noconvert(),
               py::arg("places").noconvert(), py::arg("rows").noconvert(), py::arg("offsets").noconvert(),
               py::arg("numbers").noconvert(), py::arg("minutiae").noconvert(),
               py::arg("factors").noconvert(), py::arg("chosen").noconvert(), py::arg("out").noconvert());
    module.def("support_tail", &support_tail, py::arg("tables").noconvert(), py::arg("bases").noconvert(),
               py::arg("lists").noconvert(), py::arg("weights").noconvert(),
               py::arg("probe_places").noconvert(), py::arg("codes").noconvert(),
               py::arg("places").noconvert(), py::arg("posting_lists").noconvert(),
               py::arg("rows").noconvert(), py::arg("count"), py::arg("numbers").noconvert(),
               py::arg("minutiae").noconvert(), py::arg("factors").noconvert(), py::arg("chosen").noconvert(),
               py::arg("out").noconvert());
    module.def("add_votes", &add_votes, py::arg("votes").noconvert(), py::arg("alive").noconvert(),
               py::arg("allowed"), py::arg("owners"), py::arg("totals").noconvert());
    module.def("most_votes", &most_votes, py::arg("totals").noconvert(), py::arg("most"));
}

}  // namespace matcher::bindings
