// The bits of an F32. Included by files of every ISA, so everything is in an anonymous namespace:
// std::bit_cast would be one function shared by all of them, compiled for any one of their ISAs.
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

// A factor of 2^112 turns an exponent of F16 into that of F32; for infinities and NaN it is 255. A
// denormal is a multiple of 2^-24, whether or not the CPU takes denormals of F32 for zeros.
[[maybe_unused]] float float_of_f16(std::uint16_t bits) noexcept {
  const std::uint32_t sign = std::uint32_t{bits & 0x8000U} << 16;
  const std::uint32_t magnitude = bits & 0x7FFFU;
  if (magnitude >= 0x7C00U) return float_of(sign | 0x7F800000U | (magnitude & 0x3FFU) << 13);
  const float value = magnitude < 0x400U ? static_cast<float>(magnitude) * 0x1p-24F
                                         : float_of((magnitude << 13) + (112U << 23));
  return float_of(sign | bits_of(value));
}

// The nearest BF16, ties to even, in the upper half; a NaN becomes quiet. The lower half is
// undefined.
[[maybe_unused]] std::uint32_t rounded_to_bf16(std::uint32_t bits) noexcept {
  const std::uint32_t near = bits + 0x7FFF + (bits >> 16 & 1);
  return (bits & 0x7FFFFFFF) > 0x7F800000 ? bits | 0x400000 : near;
}

}  // namespace
}  // namespace meadow::kernels
