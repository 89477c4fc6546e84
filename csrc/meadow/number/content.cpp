#include "meadow/number/content.h"

#include <atomic>
#include <cstdint>

#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/kernels/convert/convert.h"
#include "meadow/kernels/isa.h"

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

// No early exit inside a block, so that the compiler can vectorise.
template <bool (*kHolds)(std::uint32_t)>
bool block_holds(const std::uint32_t* values, std::size_t count) noexcept {
  bool holds = true;
  for (std::size_t i = 0; i < count; ++i) holds &= kHolds(values[i]);
  return holds;
}

template <typename Bits>
bool all_hold(bool (*block_holds_them)(const Bits*, std::size_t), const void* values,
              std::size_t count, unsigned threads) {
  std::atomic<bool> holds{true};
  parallel_for(block_count(count, kBlock), threads, [&](std::size_t n) {
    if (!holds.load(std::memory_order_relaxed)) return;
    const Block block = nth_block(n, count, kBlock);
    if (!block_holds_them(static_cast<const Bits*>(values) + block.begin,
                          block.end - block.begin)) {
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
    return all_hold<std::uint16_t>(kernels::convert_kernels(active_isa()).f16_is_bf16, values,
                                   count, threads)
               ? FloatType::kBF16
               : type;
  }
  if (all_hold(block_holds<f32_is_bf16>, values, count, threads)) return FloatType::kBF16;
  if (all_hold(block_holds<f32_is_f16>, values, count, threads)) return FloatType::kF16;
  return type;
}

}  // namespace meadow
