#include "bind.h"
#include "meadow/base/cancellation.h"
#include "meadow/base/error.h"

namespace py = pybind11;

namespace {

// Never released: it may be raised as late as at the interpreter's exit.
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

// Looked up on first use: importing concurrent.futures would slow down the import of this module.
void raise_cancelled() {
  const auto futures =
      py::reinterpret_steal<py::object>(PyImport_ImportModule("concurrent.futures"));
  if (!futures) return;  // then that error is raised
  const auto error =
      py::reinterpret_steal<py::object>(PyObject_GetAttrString(futures.ptr(), "CancelledError"));
  if (error) PyErr_SetString(error.ptr(), "ended by meadow_py._core.cancel_running()");
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
    } catch (const meadow::Cancelled&) {
      raise_cancelled();
    }
  });
  meadow::python::bind_config(module);
  meadow::python::bind_number(module);
  meadow::python::bind_sampling(module);
  meadow::python::bind_stats(module);
  meadow::python::bind_codec(module);
  meadow::python::bind_blob(module);
  meadow::python::bind_planes(module);
  meadow::python::bind_matrix(module);
  meadow::python::bind_parts(module);
  meadow::python::bind_integer(module);
  meadow::python::bind_measure(module);
  meadow::python::bind_engine(module);
}
