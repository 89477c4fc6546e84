#include "bind.h"
#include "meadow/base/error.h"

namespace py = pybind11;

namespace {

// Kept for ever: it may be raised as late as the interpreter's own end.
PyObject* format_error = nullptr;

PyObject* exception_for(meadow::ErrorKind kind) {
  switch (kind) {
    case meadow::ErrorKind::kInvalidArgument:
      return PyExc_ValueError;
    case meadow::ErrorKind::kWrongDtype:
      return PyExc_TypeError;
    default:
      return format_error;
  }
}

}  // namespace

PYBIND11_MODULE(_core, module) {
  format_error =
      py::object(py::module_::import("meadow_py.errors").attr("FormatError")).release().ptr();
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
