// For classes whose objects are made only by functions, never by the class itself: a call of
// `__new__` alone would make pybind11 return an object without a C++ part.
#pragma once

#include <pybind11/pybind11.h>

namespace meadow::python {

// NOLINTNEXTLINE(misc-const-correctness): the signature is Python's
inline PyObject* refuse_new(PyTypeObject* type, PyObject* /*arguments*/, PyObject* /*keywords*/) {
  PyErr_Format(PyExc_TypeError, "%s is made by a function of meadow_py._core", type->tp_name);
  return nullptr;
}

inline pybind11::custom_type_setup made_by_functions() {
  return pybind11::custom_type_setup(
      [](PyHeapTypeObject* type) { type->ht_type.tp_new = refuse_new; });
}

}  // namespace meadow::python
