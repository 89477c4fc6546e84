#include <cmath>
#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_dot/bf16_dot.h"
#include "meadow/kernels/float_bits.h"

namespace meadow::kernels {
namespace {

constexpr std::uint16_t kMinusZero = 0x8000;

float flushed(float value) noexcept {
  const bool tiny = (bits_of(value) & 0x7F800000) == 0;
  return tiny ? float_of(bits_of(value) & 0x80000000) : value;
}

float widened(std::uint16_t value) noexcept {
  return flushed(float_of(static_cast<std::uint32_t>(value) << 16));
}

void add(const std::uint16_t* weights, const std::uint16_t* x, float* lanes) noexcept {
  for (std::size_t i = 0; i < kLanes; ++i) {
    for (std::size_t n = 0; n < 2; ++n) {
      const std::size_t at = 2 * i + 1 - n;
      lanes[i] = flushed(std::fma(widened(weights[at]), widened(x[at]), flushed(lanes[i])));
    }
  }
}

void accumulate(const PairTile& tile, std::size_t tokens, const std::uint16_t* x,
                std::size_t x_stride, float* lanes) noexcept {
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t r = 0; r < kTileRows; ++r, lanes += kLanes) {
      for (std::size_t u = 0; u < tile.units; ++u) {
        add(tile.rows + r * tile.stride + u * kPairColumns, x + t * x_stride + u * kPairColumns,
            lanes);
      }
    }
  }
}

void fill_behind(std::size_t columns, std::uint16_t value, std::uint16_t* pairs) noexcept {
  for (std::size_t c = columns; c % kPairColumns != 0; ++c) pairs[place_in_pairs(c)] = value;
}

void pair(const std::uint16_t* row, std::size_t columns, std::uint16_t* pairs) noexcept {
  for (std::size_t c = 0; c < columns; ++c) pairs[place_in_pairs(c)] = row[c];
  fill_behind(columns, 0, pairs);
}

void round(const float* x, std::size_t columns, std::uint16_t* pairs) noexcept {
  for (std::size_t c = 0; c < columns; ++c) {
    pairs[place_in_pairs(c)] = static_cast<std::uint16_t>(rounded_to_bf16(bits_of(x[c])) >> 16);
  }
  fill_behind(columns, kMinusZero, pairs);
}

void unpack(const Bf16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
            std::uint16_t* pairs, std::size_t stride) noexcept {
  float unit[kGroupRows * kUnitColumns];
  for (std::size_t n = begin; n < end; ++n) {
    bf16_planes_scalar.widen(weight, group, n, n + 1, unit, kUnitColumns);
    for (std::size_t i = 0; i < kGroupRows * kUnitColumns; ++i) {
      const std::size_t row = i / kUnitColumns;
      std::uint16_t* to = pairs + row * stride + (n - begin) * kPairColumns;
      to[place_in_pairs(i % kUnitColumns)] = static_cast<std::uint16_t>(bits_of(unit[i]) >> 16);
    }
  }
}

}  // namespace

const Bf16DotKernels bf16_dot_scalar = {accumulate, pair, round, unpack};

}  // namespace meadow::kernels
