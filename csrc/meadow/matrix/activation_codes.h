// Activations in integers, found once and shared by the products that want them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/base/raw_vector.h"
#include "meadow/kernels/integer/integer.h"
#include "meadow/kernels/isa.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

// The integers of one x [tokens, columns].
class TokenCodes {
 public:
  TokenCodes(const float* x, std::size_t columns, std::size_t tokens);

  [[nodiscard]] bool is_of(const Product& product) const noexcept;
  void quantize(std::size_t token) noexcept;
  void add_to(Activations& x) const noexcept;

 private:
  const kernels::IntegerKernels& kernels_ = kernels::integer_kernels(active_isa());
  const float* x_;
  std::size_t columns_;
  std::size_t stride_;
  RawVector<std::int8_t> codes_;
  RawVector<float> scales_;
  RawVector<std::int32_t> block_sums_;
};

// Those of every x that some product wants in integers.
class AllTokenCodes {
 public:
  AllTokenCodes(std::span<const Product> products, std::size_t tokens, unsigned threads);

  // Null for a product that wants none.
  [[nodiscard]] const TokenCodes* of(const Product& product) const noexcept;

 private:
  std::vector<TokenCodes> all_;
};

}  // namespace meadow
