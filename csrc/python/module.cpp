#include "bind.h"
#include "meadow/base/error.h"

namespace py = pybind11;

namespace {

PyObject* exception_for(meadow::ErrorKind kind) {
  switch (kind) {
    case meadow::ErrorKind::kInvalidArgument:
      return PyExc_ValueError;
    case meadow::ErrorKind::kWrongDtype:
      return PyExc_TypeError;
    default:
      // Kept for ever: the interpreter may raise it as late as its own end.
      static PyObject* const format_error =
          py::object(py::module_::import("meadow_py.errors").attr("FormatError")).release().ptr();
      return format_error;
  }
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  // NOLINTNEXTLINE(performance-unnecessary-value-param): pybind11 names this type
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const meadow::Error& error) {
      PyErr_SetString(exception_for(error.kind()), error.what());
    }
  });
  meadow::python::bind_config(module);
  meadow::python::bind_number(module);
  meadow::python::bind_stats(module);
  meadow::python::bind_codec(module);
}
