#include "meadow/number/content.h"

#include <atomic>
#include <bit>
#include <cstdint>

#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

constexpr std::size_t kBlock = 1 << 16;

constexpr bool f32_is_bf16(std::uint32_t bits) noexcept { return (bits & 0xFFFF) == 0; }

// F16 has 10 mantissa bits (13 fewer), exponents 2^-14 to 2^15, denormals down to 2^-24.
constexpr bool f32_is_f16(std::uint32_t bits) noexcept {
  const std::uint32_t exponent = (bits >> 23) & 0xFF;
  const std::uint32_t mantissa = bits & 0x7FFFFF;
  if (exponent == 0xFF || (exponent >= 113 && exponent <= 142)) return (mantissa & 0x1FFF) == 0;
  if (exponent == 0) return mantissa == 0;
  if (exponent < 103 || exponent > 142) return false;
  // 1.mantissa * 2^(exponent - 127) is a multiple of 2^-24 where the low bits below it are zero.
  const unsigned below = 126 - exponent;  // 14 to 23
  return ((mantissa | 0x800000) & ((1U << below) - 1)) == 0;
}

// A denormal F16 is m * 2^-24: at most 8 significant bits fit BF16.
constexpr bool f16_is_bf16(std::uint16_t bits) noexcept {
  const std::uint32_t magnitude = bits & 0x7FFF;
  if (magnitude >= 0x400) return (magnitude & 7) == 0;
  return magnitude == 0 ||
         static_cast<int>(std::bit_width(magnitude)) - std::countr_zero(magnitude) <= 8;
}

// No early exit inside a block, so that the compiler may use vectors.
template <typename Bits, bool (*kHolds)(Bits)>
bool block_holds(const Bits* values, Block block) noexcept {
  bool holds = true;
  for (std::size_t i = block.begin; i < block.end; ++i) holds &= kHolds(values[i]);
  return holds;
}

template <typename Bits, bool (*kHolds)(Bits)>
bool all_hold(const void* values, std::size_t count, unsigned threads) {
  std::atomic<bool> holds{true};
  parallel_for(block_count(count, kBlock), threads, [&](std::size_t n) {
    if (!holds.load(std::memory_order_relaxed)) return;
    if (!block_holds<Bits, kHolds>(static_cast<const Bits*>(values), nth_block(n, count, kBlock))) {
      holds.store(false, std::memory_order_relaxed);
    }
  });
  return holds;
}

}  // namespace

FloatType narrowest_type(const void* values, std::size_t count, FloatType type, unsigned threads) {
  if (type != FloatType::kF32 && type != FloatType::kF16 && type != FloatType::kBF16) {
    wrong_dtype("content: expected F32, F16 or BF16, found " + std::string(name_of(type)));
  }
  if (count == 0 || type == FloatType::kBF16) return type;
  if (type == FloatType::kF16) {
    return all_hold<std::uint16_t, f16_is_bf16>(values, count, threads) ? FloatType::kBF16 : type;
  }
  if (all_hold<std::uint32_t, f32_is_bf16>(values, count, threads)) return FloatType::kBF16;
  if (all_hold<std::uint32_t, f32_is_f16>(values, count, threads)) return FloatType::kF16;
  return type;
}

}  // namespace meadow
