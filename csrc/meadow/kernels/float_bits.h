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

}  // namespace
}  // namespace meadow::kernels
