#include "meadow/number/convert.h"

#include <bit>

namespace meadow {
namespace {

// F16: 5 exponent bits of bias 15, 10 mantissa bits. F32: bias 127, 23 mantissa bits. BF16 is the
// upper half of F32.
constexpr std::uint32_t kRebias = 127 - 15;

// A denormal F16 is m * 2^-24; its highest bit h makes it 1.x * 2^(h - 24).
std::uint32_t f32_of_denormal(std::uint32_t mantissa) noexcept {
  if (mantissa == 0) return 0;
  const auto highest = static_cast<std::uint32_t>(std::bit_width(mantissa)) - 1;
  return ((highest + 127 - 24) << 23) | ((mantissa << (23 - highest)) & 0x7FFFFF);
}

std::uint32_t widened(std::uint16_t half) noexcept {
  const std::uint32_t sign = std::uint32_t{half & 0x8000U} << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1F;
  const std::uint32_t mantissa = half & 0x3FF;
  if (exponent == 0) return sign | f32_of_denormal(mantissa);
  const std::uint32_t wide = exponent == 0x1F ? 0xFF : exponent + kRebias;
  return sign | wide << 23 | mantissa << 13;
}

std::uint16_t narrowed(std::uint32_t bits) noexcept {
  const std::uint32_t sign = (bits >> 16) & 0x8000;
  const std::uint32_t exponent = (bits >> 23) & 0xFF;
  const std::uint32_t mantissa = bits & 0x7FFFFF;
  if (exponent == 0xFF) return static_cast<std::uint16_t>(sign | 0x7C00 | mantissa >> 13);
  if (exponent > kRebias) {
    return static_cast<std::uint16_t>(sign | (exponent - kRebias) << 10 | mantissa >> 13);
  }
  // Below 2^-14 (exponent 113): a multiple of 2^-24, or zero.
  const std::uint32_t below = exponent == 0 ? 31 : 126 - exponent;
  const std::uint32_t shifted = below > 23 ? 0 : (mantissa | 0x800000) >> below;
  return static_cast<std::uint16_t>(sign | shifted);
}

}  // namespace

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

}  // namespace meadow
