// A weight stored by inputs: all values of one input lie together, so that those of inputs that are
// 0 need not be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "meadow/matrix/matrix.h"

namespace meadow {

class InputMajorMatrix : public Matrix {
 public:
  using Matrix::Matrix;

  // y[r] += the sum of weight[r, i] * x[i] over the inputs i in `inputs`, in ascending order, for
  // one token; x has columns() values and y has rows().
  //
  // The sum follows the contract of kernels/product: input i is added to lane i mod 16, in the
  // order of the inputs, by a fused multiply-add, and lanes are added in the fixed order. As long
  // as its weights are finite, an input of 0 changes no lane except one of -0, which becomes 0. So
  // if the omitted inputs are 0 and y was +0, y equals the whole product plus 0: bit for bit, with
  // 0 instead of -0. Lanes are spread over the threads, which change no bit.
  void add_rows(std::span<const std::uint32_t> inputs, const float* x, float* y, unsigned threads,
                InputRounding rounding = InputRounding::kNone) const;

 protected:
  // The same, after its preconditions have been checked.
  virtual void do_add_rows(std::span<const std::uint32_t> inputs, const float* x, float* y,
                           unsigned threads, InputRounding rounding) const = 0;
};

// Refers to memory that must outlive it: the values [columns, rows] of a weight [rows, columns],
// not copied. Products of all inputs equal those of dense_matrix bit for bit, except that NaN may
// differ.
std::unique_ptr<InputMajorMatrix> input_major_matrix(DenseType type, const void* values,
                                                     std::size_t rows, std::size_t columns);

// Made from the part "values", [columns, rows]; see matrix_of.
std::unique_ptr<Matrix> input_major_matrix_of(const MatrixParts& parts);

}  // namespace meadow
