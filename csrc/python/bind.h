// One function per topic; module.cpp calls them all.
#pragma once

#include <pybind11/pybind11.h>

namespace meadow::python {

void bind_config(pybind11::module_& module);
void bind_number(pybind11::module_& module);
void bind_sampling(pybind11::module_& module);
void bind_stats(pybind11::module_& module);
void bind_codec(pybind11::module_& module);
void bind_blob(pybind11::module_& module);
void bind_integer(pybind11::module_& module);
void bind_planes(pybind11::module_& module);
void bind_matrix(pybind11::module_& module);
void bind_parts(pybind11::module_& module);
void bind_measure(pybind11::module_& module);
void bind_engine(pybind11::module_& module);

}  // namespace meadow::python
