// The bits of an F32. Included by files of every ISA, so everything is in an anonymous namespace:
// std::bit_cast would be one function that all of them share, built for any of them.
#pragma once

#include <cstdint>
#include <cstring>

namespace meadow::kernels {
namespace {

[[maybe_unused]] std::uint32_t bits_of(float value) noexcept {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

[[maybe_unused]] float float_of(std::uint32_t bits) noexcept {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// 2^112 takes an exponent of F16 to that of F32; of infinities and NaN it is 255. A denormal is so
// many 2^-24, whether the CPU takes denormals of F32 for zeros or not.
[[maybe_unused]] float float_of_f16(std::uint16_t bits) noexcept {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000U} << 16;
  const std::uint32_t magnitude = bits & 0x7FFFU;
  if (magnitude >= 0x7C00U) return float_of(sign | 0x7F800000U | (magnitude & 0x3FFU) << 13);
  const float value = magnitude < 0x400U ? static_cast<float>(magnitude) * 0x1p-24F
                                         : float_of((magnitude << 13) + (112U << 23));
  return float_of(sign | bits_of(value));
}

// To the nearest BF16, ties to even, in the upper half; a NaN becomes quiet. The lower half is
// anything.
[[maybe_unused]] std::uint32_t rounded_to_bf16(std::uint32_t bits) noexcept {
  const std::uint32_t near = bits + 0x7FFF + (bits >> 16 & 1);
  return (bits & 0x7FFFFFFF) > 0x7F800000 ? bits | 0x400000 : near;
}

}  // namespace
}  // namespace meadow::kernels
