// Other forms of the inputs, for float products that do not take them as they come.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/base/line_vector.h"
#include "meadow/kernels/bf16_dot/bf16_dot.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

// F32 in rows that start at a cache line, for many tokens; or rounded to BF16, for any number.
class TokenRows {
 public:
  TokenRows(const float* x, std::size_t columns, std::size_t tokens, InputRounding rounding);

  static bool wanted(const Matrix& matrix, std::size_t tokens, InputRounding rounding) noexcept;
  void prepare(std::size_t token) noexcept;
  void add_to(Inputs& x) const noexcept;

 private:
  const float* x_;
  std::size_t columns_;
  std::size_t stride_;
  bool rounded_;
  LineVector<float> rows_;
};

// BF16 in pairs of columns, for many tokens on a CPU with an instruction for pairs.
class TokenPairs {
 public:
  TokenPairs(const float* x, std::size_t columns, std::size_t tokens, InputRounding rounding);

  static bool wanted(const Matrix& matrix, std::size_t tokens, InputRounding rounding) noexcept;
  void prepare(std::size_t token) noexcept;
  void add_to(Inputs& x) const noexcept;

 private:
  const kernels::Bf16DotKernels* kernels_;
  const float* x_;
  std::size_t columns_;
  std::size_t stride_;
  LineVector<std::uint16_t> pairs_;
};

}  // namespace meadow
