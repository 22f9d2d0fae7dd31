// WSQ decoding as Python sees it: bytes in, (H, W) uint8 out, faults as the package's own errors.
#include <pybind11/numpy.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bind.h"
#include "matcher/wsq.h"

namespace matcher::bindings {
namespace {

namespace py = pybind11;

[[noreturn]] void raise(const wsq::WsqError& error) {
    const char* name = "ImageCorruptError";
    if (error.fault() == wsq::Fault::kTruncated) name = "ImageTruncatedError";
    if (error.fault() == wsq::Fault::kTooLarge) name = "ImageTooLargeError";
    const py::object type = py::module_::import("matcher.errors").attr(name);
    const py::object instance = type("WSQ: " + std::string(error.what()) + ".");
    PyErr_SetObject(type.ptr(), instance.ptr());
    throw py::error_already_set();
}

// The view stays valid without the GIL: the caller's reference keeps the immutable bytes object alive.
struct View {
    explicit View(const py::bytes& bytes) {
        char* start = nullptr;
        Py_ssize_t length = 0;
        if (PyBytes_AsStringAndSize(bytes.ptr(), &start, &length) != 0) throw py::error_already_set();
        data = reinterpret_cast<const std::uint8_t*>(start);
        size = static_cast<std::size_t>(length);
    }
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
};

py::tuple header(const py::bytes& bytes) {
    const View view(bytes);
    try {
        const wsq::Header found = wsq::read_header(view.data, view.size);
        return py::make_tuple(found.width, found.height, found.ppi);
    } catch (const wsq::WsqError& error) {
        raise(error);
    }
}

py::array_t<std::uint8_t> decode(const py::bytes& bytes) {
    const View view(bytes);
    try {
        const wsq::Header found = wsq::read_header(view.data, view.size);
        std::vector<std::uint8_t> pixels;
        {
            // Milliseconds of work on bytes that nobody can change: other threads may run.
            const py::gil_scoped_release release;
            pixels = wsq::decode(view.data, view.size);
        }
        py::array_t<std::uint8_t> image({found.height, found.width});
        std::copy(pixels.begin(), pixels.end(), image.mutable_data());
        return image;
    } catch (const wsq::WsqError& error) {
        raise(error);
    }
}

}  // namespace

void bind_wsq(py::module_& module) {
    module.def("wsq_header", &header, py::arg("data").noconvert(),
               "Width, height (pixels) and resolution (ppi, 0 where none is stated) of a WSQ file.");
    module.def("wsq_decode", &decode, py::arg("data").noconvert(),
               "Pixels of a WSQ file, uint8 (height, width), 0 black. Releases the GIL.");
}

}  // namespace matcher::bindings
