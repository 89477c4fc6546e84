// Inputs to INT8 as plain loops without branches: the scalar file compiles them one element at
// a time, and the files of the ISAs let the compiler vectorise them. Everything is in an anonymous
// namespace, so that each file has its own copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "meadow/kernels/float_bits.h"
#include "meadow/kernels/integer/integer.h"

namespace meadow::kernels {
namespace {

// The bits of magnitudes are ordered like the magnitudes, with infinities and NaN above all others.
std::uint32_t greatest_magnitude(const float* x, std::size_t columns) noexcept {
  std::uint32_t top = 0;
  for (std::size_t c = 0; c < columns; ++c) {
    const std::uint32_t magnitude = bits_of(x[c]) & 0x7FFFFFFFU;
    top = magnitude > top ? magnitude : top;
  }
  return top;
}

// Adding 1.5 * 2^23 leaves no bits below one, so the addition itself rounds half to even. Only with
// a denormal scale, which is itself rounded, can a quotient exceed 127 by more than rounding
// removes.
void divide_and_round(const float* x, std::size_t columns, float scale,
                      std::int8_t* codes) noexcept {
  constexpr float kMagic = 12582912.0F;
  for (std::size_t c = 0; c < columns; ++c) {
    float steps = x[c] / scale;
    steps = steps > -127.0F ? steps : -127.0F;
    steps = steps < 127.0F ? steps : 127.0F;
    codes[c] = static_cast<std::int8_t>(static_cast<std::int32_t>((steps + kMagic) - kMagic));
  }
}

void add_blocks(const std::int8_t* codes, std::size_t blocks, std::int32_t* sums) noexcept {
  for (std::size_t b = 0; b < blocks; ++b) {
    std::int32_t sum = 0;
    for (std::size_t c = 0; c < kBlockColumns; ++c) sum += codes[b * kBlockColumns + c];
    sums[b] = sum;
  }
}

float quantize(const float* x, std::size_t columns, std::size_t stride, std::int8_t* codes,
               std::int32_t* block_sums) noexcept {
  const std::uint32_t top = greatest_magnitude(x, columns);
  if (top >= 0x7F800000U) {
    std::memset(codes, 0, stride);
    std::memset(block_sums, 0, stride / kBlockColumns * sizeof *block_sums);
    return float_of(0x7FC00000U);
  }
  float scale = float_of(top) / 127.0F;
  scale = scale > 0.0F ? scale : 1.0F;
  divide_and_round(x, columns, scale, codes);
  std::memset(codes + columns, 0, stride - columns);
  add_blocks(codes, stride / kBlockColumns, block_sums);
  return scale;
}

}  // namespace
}  // namespace meadow::kernels
