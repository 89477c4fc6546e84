// One float as the V of functions.h: the specification. For the scalar file and tests only, since
// it includes <cmath>.
#pragma once

#include <cmath>
#include <cstdint>

#include "meadow/kernels/float_bits.h"

namespace meadow::kernels {
namespace {

struct One {
  float value;

  static One all(float x) noexcept { return {x}; }
  static One add(One a, One b) noexcept { return {a.value + b.value}; }
  static One subtract(One a, One b) noexcept { return {a.value - b.value}; }
  static One multiply(One a, One b) noexcept { return {a.value * b.value}; }
  static One divide(One a, One b) noexcept { return {a.value / b.value}; }
  static One fma(One a, One b, One c) noexcept { return {std::fma(a.value, b.value, c.value)}; }
  static bool less(One a, One b) noexcept { return a.value < b.value; }
  static One choose(bool first, One a, One b) noexcept { return first ? a : b; }
  static One negative(One x) noexcept { return {float_of(bits_of(x.value) ^ 0x80000000U)}; }
  static One magnitude(One x) noexcept { return {float_of(bits_of(x.value) & 0x7FFFFFFFU)}; }
  // A positive x with the sign of `sign`.
  static One with_sign(One x, One sign) noexcept {
    return {float_of(bits_of(x.value) | (bits_of(sign.value) & 0x80000000U))};
  }
  // x * 2^n with n in the low 9 bits of `shifted`, as two factors: 2^floor(n / 2) and the rest.
  static One times_power(One x, One shifted) noexcept {
    const auto n = static_cast<std::int32_t>(bits_of(shifted.value) << 23) >> 23;
    return {x.value * power_of_two(n >> 1) * power_of_two(n - (n >> 1))};
  }
  static float power_of_two(std::int32_t n) noexcept {
    return float_of(static_cast<std::uint32_t>(n + 127) << 23);
  }
};

}  // namespace
}  // namespace meadow::kernels
