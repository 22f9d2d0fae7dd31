// One declaration per bind_*.cpp, called by module.cpp.
#pragma once
#include <pybind11/pybind11.h>

namespace matcher::bindings {
void bind_wsq(pybind11::module_& module);
void bind_fingerprint(pybind11::module_& module);
void bind_fingerprint_describe(pybind11::module_& module);
void bind_fingerprint_records(pybind11::module_& module);
void bind_fingerprint_votes(pybind11::module_& module);
void bind_gallery(pybind11::module_& module);
void bind_iris(pybind11::module_& module);
void bind_privacy(pybind11::module_& module);
}  // namespace matcher::bindings
