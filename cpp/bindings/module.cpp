// The extension module's table of contents: one bind_*.cpp a concept.
#include <pybind11/pybind11.h>

#include "bind.h"

PYBIND11_MODULE(_core, module) {
    module.doc() =
        "C++ core of matcher: WSQ decoding, fingerprint and iris scoring, fingerprint descriptors and votes, "
        "rows of "
        "searches, products of "
        "shares. Private; use the matcher package.";
    matcher::bindings::bind_fingerprint(module);
    matcher::bindings::bind_fingerprint_describe(module);
    matcher::bindings::bind_fingerprint_records(module);
    matcher::bindings::bind_fingerprint_votes(module);
    matcher::bindings::bind_gallery(module);
    matcher::bindings::bind_iris(module);
    matcher::bindings::bind_privacy(module);
    matcher::bindings::bind_wsq(module);
}
