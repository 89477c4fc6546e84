// Integer weights as matrices: dense or packed, with inputs in INT8 or F32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "meadow/codec/integer_planes.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

// Symmetric codes [rows, columns] and their scales: for the tensor, for rows or for groups.
struct IntegerWeight {
  const std::int8_t* codes;
  std::size_t rows;
  std::size_t columns;
  std::size_t per_scale;             // columns that share a scale; 0: the weight has one
  const float* scales;               // [1], [rows] or [rows, groups]; with coded scales [rows]
  const std::uint8_t* coded_scales;  // null or [rows, groups]: a scale is coded * scales[row]
};

// The number of scales of a row; 1 also if the tensor has one scale. Throws InvalidArgument if
// groups are neither whole rows nor multiples of 32 columns.
std::size_t scales_of_row(const IntegerWeight& weight);

enum class InputForm {
  kInt8,    // symmetric, one scale for each token
  kFloats,  // F32: the weight's codes are widened
};

// Copies the weight into strips, see kernels/integer/integer.h; `weight` need not outlive it.
std::unique_ptr<Matrix> integer_matrix(const IntegerWeight& weight, PlaneWidths widths,
                                       InputForm input_form, unsigned threads);

std::unique_ptr<Matrix> integer_matrix_of(const MatrixParts& parts);

}  // namespace meadow
