// Float types as they are stored, and where their fields lie.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace meadow {

enum class FloatType { kF64, kF32, kF16, kBF16, kF8E4M3, kF8E5M2 };

// sign | exponent | mantissa, from the highest bit down.
struct FloatLayout {
  unsigned bytes;
  unsigned exponent_bits;
  unsigned mantissa_bits;
};

constexpr FloatLayout layout_of(FloatType type) noexcept {
  switch (type) {
    case FloatType::kF64:
      return {8, 11, 52};
    case FloatType::kF32:
      return {4, 8, 23};
    case FloatType::kF16:
      return {2, 5, 10};
    case FloatType::kBF16:
      return {2, 8, 7};
    case FloatType::kF8E4M3:
      return {1, 4, 3};
    case FloatType::kF8E5M2:
      return {1, 5, 2};
  }
  return {0, 0, 0};
}

constexpr std::string_view name_of(FloatType type) noexcept {
  switch (type) {
    case FloatType::kF64:
      return "F64";
    case FloatType::kF32:
      return "F32";
    case FloatType::kF16:
      return "F16";
    case FloatType::kBF16:
      return "BF16";
    case FloatType::kF8E4M3:
      return "F8_E4M3";
    case FloatType::kF8E5M2:
      return "F8_E5M2";
  }
  return "";
}

}  // namespace meadow
