// Inputs as integers: symmetric INT8 with one scale per token.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/base/raw_vector.h"
#include "meadow/kernels/integer/integer.h"
#include "meadow/kernels/isa.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

// The INT8 codes of one x [tokens, columns].
class TokenCodes {
 public:
  TokenCodes(const float* x, std::size_t columns, std::size_t tokens, InputRounding rounding);

  static bool wanted(const Matrix& matrix, std::size_t tokens, InputRounding rounding) noexcept;
  void prepare(std::size_t token) noexcept;
  void add_to(Inputs& x) const noexcept;

 private:
  const kernels::IntegerKernels& kernels_ = kernels::integer_kernels(active_isa());
  const float* x_;
  std::size_t columns_;
  std::size_t stride_;
  RawVector<std::int8_t> codes_;
  RawVector<float> scales_;
  RawVector<std::int32_t> block_sums_;
};

}  // namespace meadow
