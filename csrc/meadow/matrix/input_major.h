// A weight stored by inputs: all that an input adds to the outputs lies together, so that inputs of
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

  // y[r] += the sum of weight[r, i] * x[i] over the inputs i of `inputs`, which ascend; x has
  // columns() values, y rows(), and one token is taken.
  //
  // A sum is that of the contract in kernels/product: input i goes into lane i mod 16, in the order
  // of the inputs, by a fused multiply-add, and lanes are added in the fixed order. An input of 0
  // changes no lane but one of -0, which becomes 0, as long as its weights are finite. So, where
  // the inputs that are left out are 0 and y was +0, y is what the whole product gives, plus 0: bit
  // for bit, with 0 for -0. Lanes are spread over the threads, which change no bit.
  void add_rows(std::span<const std::uint32_t> inputs, const float* x, float* y, unsigned threads,
                ActivationType type = ActivationType::kF32) const;

 protected:
  // The same, once its preconditions are checked.
  virtual void do_add_rows(std::span<const std::uint32_t> inputs, const float* x, float* y,
                           unsigned threads, ActivationType type) const = 0;
};

// Over memory that outlives it: the values [columns, rows] of a weight [rows, columns], not copied.
// Products of all inputs are those of dense_matrix, bit for bit, except that a NaN may be another.
std::unique_ptr<InputMajorMatrix> input_major_matrix(DenseType type, const void* values,
                                                     std::size_t rows, std::size_t columns);

// From the part "values", [columns, rows]; see matrix_of.
std::unique_ptr<Matrix> input_major_matrix_of(const MatrixParts& parts);

}  // namespace meadow
