// exp(x) for x <= 0 in F32 with only additions, multiplications and shifts: the bits are the same
// everywhere, and loops over it vectorise.
#pragma once

#include <bit>
#include <cstdint>

namespace meadow {

// Within 2 units in the last place for -87 <= x <= 0, and 1 at 0; 0 below -87, where exp is nearly
// denormal. Not monotone in the last bit.
inline float exponential(float x) noexcept {
  constexpr float kToInteger = 0x1.8p23F;  // adding it puts the nearest integer in the low bits
  constexpr float kLog2E = 0x1.715476p0F;
  constexpr float kLn2High = 0x1.62e4p-1F;    // 15 bits: its product with 7 bits is exact
  constexpr float kLn2Low = 0x1.7f7d1cp-20F;  // ln 2 - kLn2High
  const float clamped = x < -87.0F ? -87.0F : x;
  const float shifted = clamped * kLog2E + kToInteger;
  const float exponent = shifted - kToInteger;                           // -126 to 0
  const float r = (clamped - exponent * kLn2High) - exponent * kLn2Low;  // |r| <= 0.35
  // The Taylor series: its next term, r^8 / 40320, is below 6e-9 of the sum.
  float sum = 1.0F / 5040;
  sum = sum * r + 1.0F / 720;
  sum = sum * r + 1.0F / 120;
  sum = sum * r + 1.0F / 24;
  sum = sum * r + 1.0F / 6;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  const auto bits = std::bit_cast<std::uint32_t>(shifted) << 23U;  // its low byte is the exponent
  const float power = std::bit_cast<float>(bits + 0x3f800000U);
  return x < -87.0F ? 0.0F : sum * power;
}

}  // namespace meadow
