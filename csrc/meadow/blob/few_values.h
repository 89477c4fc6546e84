// Finds out whether the groups of a matrix of floats have few distinct values, as after simulated
// quantisation, and how their records are then cut.
#pragma once

#include <optional>

#include "meadow/blob/blob.h"

namespace meadow {

// kGrid with its scales if every group has one, else kPalette if that looks worthwhile. Nothing for
// values like those of any other weight, which a few of them show at once.
struct FewValues {
  Layout layout;
  std::vector<float> scales;
};

std::optional<FewValues> few_values_of(const TensorBytes& tensor, FloatType type, FloatType content,
                                       unsigned threads);

// The planes of groups of `group` values.
Layout grid_layout(FloatType stored, FloatType content, unsigned group);
Layout palette_layout(unsigned value_bytes, unsigned group, unsigned entries);

}  // namespace meadow
