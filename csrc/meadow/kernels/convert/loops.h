// The family as plain loops without branches: the scalar file compiles them one element at a time,
// and the files of the ISAs let the compiler vectorise them. Everything is in an anonymous
// namespace, so that each file has its own copy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/convert/convert.h"
#include "meadow/kernels/float_bits.h"

namespace meadow::kernels {
namespace {

// F16: 5 exponent bits of bias 15, 10 mantissa bits. F32: bias 127, 23 mantissa bits. BF16 is the
// upper half of F32.
constexpr std::uint32_t kRebias = 127 - 15;

// Both directions compute all candidate results and select one without a branch, so that the
// compiler can vectorise. Float arithmetic here is exact: sums of multiples of 2^-24 below 2^-13.

// Selects by a mask: `?` before float arithmetic would be compiled to a branch again.
std::uint32_t either(bool first, std::uint32_t a, std::uint32_t b) noexcept {
  return b ^ ((a ^ b) & (0U - static_cast<std::uint32_t>(first)));
}

// A denormal F16 is m * 2^-24. With m in the low bits, the float 2^-14 becomes 2^-14 + m * 2^-24.
constexpr std::uint32_t kSmallest = std::uint32_t{113} << 23;  // 2^-14

std::uint32_t f32_of_denormal(std::uint32_t mantissa) noexcept {
  const float value = float_of(kSmallest | mantissa << 13);
  return bits_of(value - float_of(kSmallest));
}

std::uint32_t widened(std::uint16_t half) noexcept {
  const std::uint32_t magnitude = half & 0x7FFFU;
  const std::uint32_t normal = (magnitude << 13) + (kRebias << 23);
  const std::uint32_t special = normal + (kRebias << 23);  // exponent 31 to 255
  const std::uint32_t denormal = f32_of_denormal(magnitude & 0x3FF);
  const std::uint32_t finite = either(magnitude < 0x400, denormal, normal);
  return std::uint32_t{half & 0x8000U} << 16 | either(magnitude >= 0x7C00, special, finite);
}

// Below 2^-14, where F16 has multiples of 2^-24: added to 2^-14, the multiple is in bits 13 and up.
std::uint32_t f16_of_small(std::uint32_t magnitude) noexcept {
  const float sum = float_of(magnitude) + float_of(kSmallest);
  return (bits_of(sum) - kSmallest) >> 13;
}

std::uint16_t narrowed(std::uint32_t bits) noexcept {
  const std::uint32_t magnitude = bits & 0x7FFFFFFF;
  const std::uint32_t normal = (magnitude - (kRebias << 23)) >> 13;
  const std::uint32_t special = 0x7C00 | (magnitude & 0x7FFFFF) >> 13;
  const std::uint32_t small = f16_of_small(either(magnitude < kSmallest, magnitude, 0));
  const std::uint32_t finite = either(magnitude < kSmallest, small, normal);
  const std::uint32_t chosen = either(magnitude >= 0x7F800000, special, finite);
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000) | chosen);
}

void bf16_of_f16(const std::uint16_t* from, std::size_t count, std::uint16_t* to) noexcept {
  for (std::size_t i = 0; i < count; ++i)
    to[i] = static_cast<std::uint16_t>(widened(from[i]) >> 16);
}

void f16_of_bf16(const std::uint16_t* from, std::size_t count, std::uint16_t* to) noexcept {
  for (std::size_t i = 0; i < count; ++i) to[i] = narrowed(std::uint32_t{from[i]} << 16);
}

void f16_of_f32(const std::uint32_t* from, std::size_t count, std::uint16_t* to) noexcept {
  for (std::size_t i = 0; i < count; ++i) to[i] = narrowed(from[i]);
}

void f32_of_f16(const std::uint16_t* from, std::size_t count, std::uint32_t* to) noexcept {
  for (std::size_t i = 0; i < count; ++i) to[i] = widened(from[i]);
}

// No early exit, so that the compiler can vectorise. BF16 drops the lower half of the F32.
bool f16_is_bf16(const std::uint16_t* values, std::size_t count) noexcept {
  std::uint32_t lost = 0;
  for (std::size_t i = 0; i < count; ++i) lost |= widened(values[i]) & 0xFFFF;
  return lost == 0;
}

}  // namespace
}  // namespace meadow::kernels
