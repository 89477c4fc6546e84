// Reads a config passed from Python.
#pragma once

#include <pybind11/pybind11.h>

#include "meadow/engine/config.h"

namespace meadow::python {

// Throws InvalidArgument for a missing or unknown key and for a value of the wrong kind.
ModelConfig model_config(const pybind11::dict& values);

}  // namespace meadow::python
