// A config as Python hands it over.
#pragma once

#include <pybind11/pybind11.h>

#include "meadow/engine/config.h"

namespace meadow::python {

// Throws InvalidArgument for a key that is missing or unknown and a value of another kind.
ModelConfig model_config(const pybind11::dict& values);

}  // namespace meadow::python
