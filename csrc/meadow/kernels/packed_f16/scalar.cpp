#include <cmath>
#include <cstddef>
#include <cstdint>

#include "meadow/kernels/float_bits.h"
#include "meadow/kernels/packed_f16/planes.h"

namespace meadow::kernels {
namespace {

struct Unit {
  float values[kGroupRows][kUnitColumns];
};

unsigned code_of(const std::uint8_t* codes, std::size_t row, std::size_t byte) noexcept {
  const unsigned pair = codes[row / 2 * kUnitColumns + byte];
  const unsigned low = row % 2 == 0 ? pair & 15 : pair >> 4;
  const unsigned high = codes[kF16HighCodes + byte] >> 2 * row & 3;
  return high << 4 | low;
}

// Units are to be decoded one after another.
Unit decoded(F16GroupPlanes& planes, std::size_t n) noexcept {
  const std::uint8_t* codes = planes.codes + n * kF16UnitCodes;
  const std::uint8_t* lower = planes.lower + n * kUnitLower;
  Unit unit;
  for (std::size_t row = 0; row < kGroupRows; ++row) {
    for (std::size_t byte = 0; byte < kUnitColumns; ++byte) {
      unsigned upper = planes.table[code_of(codes, row, byte)];
      if (upper == kF16Escaped) upper = *planes.escape++;
      const unsigned bits = upper << 8 | lower[row * kUnitColumns + byte];
      unit.values[row][f16_column_of_byte(byte)] = float_of_f16(static_cast<std::uint16_t>(bits));
    }
  }
  return unit;
}

float reduced(float* lanes) noexcept {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

void multiply_one(const PackedF16Rows& packed, std::size_t group, std::size_t rows, const float* x,
                  float* y) noexcept {
  F16GroupPlanes planes = f16_planes_of(packed, group, 0);
  float lanes[kGroupRows][kLanes] = {};
  for (std::size_t n = 0; n < units_of(packed.columns); ++n) {
    const Unit unit = decoded(planes, n);
    const std::size_t begin = n * kUnitColumns;
    for (std::size_t c = begin; c < begin + kUnitColumns && c < packed.columns; ++c) {
      for (std::size_t row = 0; row < rows; ++row) {
        float& lane = lanes[row][c % kLanes];
        lane = std::fma(unit.values[row][c - begin], x[c], lane);
      }
    }
  }
  for (std::size_t row = 0; row < rows; ++row) y[row] = reduced(lanes[row]);
}

void multiply(const PackedF16Rows& packed, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  for (std::size_t t = 0; t < tokens.count; ++t) {
    multiply_one(packed, group, rows, tokens.x + t * tokens.x_stride,
                 tokens.y + t * tokens.y_stride);
  }
}

void widen(const PackedF16Rows& packed, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  F16GroupPlanes planes = f16_planes_of(packed, group, begin);
  for (std::size_t n = begin; n < end; ++n) {
    const Unit unit = decoded(planes, n);
    for (std::size_t row = 0; row < kGroupRows; ++row) {
      for (std::size_t c = 0; c < kUnitColumns; ++c) {
        widened[row * stride + (n - begin) * kUnitColumns + c] = unit.values[row][c];
      }
    }
  }
}

}  // namespace

const PackedF16Kernels packed_f16_scalar = {multiply, widen};

}  // namespace meadow::kernels
