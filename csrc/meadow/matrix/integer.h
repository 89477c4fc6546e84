// Weights in integers as they are multiplied: dense or packed, with activations in INT8 or F32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "meadow/codec/integer_planes.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

// Symmetric codes [rows, columns] and their scales, of the tensor, of rows, or of groups.
struct IntegerWeight {
  const std::int8_t* codes;
  std::size_t rows;
  std::size_t columns;
  std::size_t per_scale;  // columns that share a scale; 0: the whole weight, columns: a row
  const float* scales;    // 1, [rows], or [rows, groups]; with coded scales [rows]
  const std::uint8_t* coded_scales;  // null, or [rows, groups]: a scale is coded * scales[row]
};

// How many scales a row has: 1 for the tensor too. Throws InvalidArgument where groups are neither
// whole rows nor multiples of 32 columns.
std::size_t scales_of_row(const IntegerWeight& weight);

enum class ActivationForm {
  kInt8,    // symmetric, one scale for each token
  kFloats,  // F32: the weight's codes are widened
};

// A copy in strips, see kernels/integer/integer.h; `weight` may go.
std::unique_ptr<Matrix> integer_matrix(const IntegerWeight& weight, PlaneWidths widths,
                                       ActivationForm activations, unsigned threads);

std::unique_ptr<Matrix> integer_matrix_of(const MatrixParts& parts);

}  // namespace meadow
