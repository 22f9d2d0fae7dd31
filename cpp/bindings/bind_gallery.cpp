// Rows of a search: check dtype and shape, call the core; of few rows the GIL is kept.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "bind.h"
#include "matcher/gallery.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

template <class T>
using Array = py::array_t<T, py::array::c_style>;
using Bools = Array<bool>;
using Bytes = Array<std::uint8_t>;
using Numbers = Array<std::int32_t>;
using Reals = Array<double>;

// Some ten microseconds' worth: who gives the GIL away for less waits longer to have it back.
constexpr py::ssize_t kFewRows = 8192;

template <class T>
void require_size(const char* name, const Array<T>& array, py::ssize_t size) {
    if (array.ndim() != 1 || array.size() != size) {
        throw std::invalid_argument(std::string(name) + ": expected one dimension of " +
                                    std::to_string(size));
    }
}

template <class Work>
void run(py::ssize_t rows, const Work& work) {
    std::optional<py::gil_scoped_release> release;
    if (rows > kFewRows) release.emplace();
    work();
}

template <class T>
py::array_t<T> array_of(const std::vector<T>& values) {
    return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

std::size_t size_of(const py::array& array) { return static_cast<std::size_t>(array.size()); }

py::tuple rows_of(const Numbers& encounters, const Bools& dead, const Numbers& asked, const Numbers& owners) {
    require_size("encounters", encounters, encounters.size());
    require_size("dead", dead, encounters.size());
    require_size("asked", asked, asked.size());
    require_size("owners", owners, asked.size());
    gallery::Found found;
    run(asked.size(), [&] {
        found = gallery::rows_of(encounters.data(), dead.data(), size_of(encounters), asked.data(),
                                 owners.data(), size_of(asked));
    });
    return py::make_tuple(array_of(found.rows), array_of(found.owners));
}

// (bits, how many pass)
py::tuple passing_bits(const Bools& allowed, const std::optional<Bytes>& position,
                       std::uint8_t wanted_position, const std::optional<Bytes>& extractor,
                       std::uint8_t wanted_extractor) {
    require_size("allowed", allowed, allowed.size());
    gallery::Wanted wanted;
    if (position) {
        require_size("position", *position, allowed.size());
        wanted.position = position->data();
        wanted.wanted_position = wanted_position;
    }
    if (extractor) {
        require_size("extractor", *extractor, allowed.size());
        wanted.extractor = extractor->data();
        wanted.wanted_extractor = wanted_extractor;
    }
    py::array_t<std::uint64_t> bits((allowed.size() + 63) / 64);
    std::uint64_t* const out = bits.mutable_data();
    std::size_t passing = 0;
    run(allowed.size(),
        [&] { passing = gallery::passing_bits(allowed.data(), size_of(allowed), wanted, out); });
    return py::make_tuple(bits, passing);
}

Reals interpolate(const Reals& values, const Reals& xs, const Reals& ys) {
    require_size("values", values, values.size());
    require_size("xs", xs, xs.size());
    require_size("ys", ys, xs.size());
    if (xs.size() < 2) throw std::invalid_argument("xs: expected two knots or more");
    py::array_t<double> out(values.size());
    double* const its = out.mutable_data();
    run(values.size(), [&] {
        gallery::interpolate(values.data(), size_of(values), xs.data(), ys.data(), size_of(xs), its);
    });
    return out;
}

void tally(const Numbers& owners, const Reals& scores, const Reals& cubes, Numbers& comparisons, Reals& sums,
           Reals& best) {
    require_size("owners", owners, owners.size());
    require_size("scores", scores, owners.size());
    require_size("cubes", cubes, owners.size());
    require_size("comparisons", comparisons, comparisons.size());
    require_size("sums", sums, comparisons.size());
    require_size("best", best, comparisons.size());
    std::int32_t* const counts = comparisons.mutable_data();
    double* const totals = sums.mutable_data();
    double* const highest = best.mutable_data();
    run(owners.size(), [&] {
        gallery::tally(owners.data(), scores.data(), cubes.data(), size_of(owners), counts, totals, highest,
                       size_of(comparisons));
    });
}

}  // namespace

void bind_gallery(py::module_& module) {
    module.def("rows_of", &rows_of, py::arg("encounters").noconvert(), py::arg("dead").noconvert(),
               py::arg("asked").noconvert(), py::arg("owners").noconvert());
    module.def("passing_bits", &passing_bits, py::arg("allowed").noconvert(), py::arg("position").noconvert(),
               py::arg("wanted_position"), py::arg("extractor").noconvert(), py::arg("wanted_extractor"));
    module.def("interpolate", &interpolate, py::arg("values").noconvert(), py::arg("xs").noconvert(),
               py::arg("ys").noconvert());
    module.def("tally", &tally, py::arg("owners").noconvert(), py::arg("scores").noconvert(),
               py::arg("cubes").noconvert(), py::arg("comparisons").noconvert(), py::arg("sums").noconvert(),
               py::arg("best").noconvert());
}

}  // namespace matcher::bindings
