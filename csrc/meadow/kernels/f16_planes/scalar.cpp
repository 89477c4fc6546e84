#include <cmath>
#include <cstddef>
#include <cstdint>

#include "meadow/kernels/f16_planes/strip.h"
#include "meadow/kernels/float_bits.h"

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

struct UpperBytes {
  std::uint8_t of[kStripBytes];
};

UpperBytes upper_bytes(const F16Strip& strip, const std::uint8_t* table) noexcept {
  UpperBytes upper;
  for (std::size_t i = 0; i < strip.units * kUnitLower; ++i) {
    const std::uint8_t* codes = strip.codes + i / kUnitLower * kF16UnitCodes;
    upper.of[i] = table[code_of(codes, i / kUnitColumns % kGroupRows, i % kUnitColumns)];
  }
  put_in_place(strip, upper.of);
  return upper;
}

Unit unit_of(const F16Strip& strip, const UpperBytes& upper, std::size_t n) noexcept {
  Unit unit;
  for (std::size_t i = 0; i < kUnitLower; ++i) {
    const std::size_t at = n * kUnitLower + i;
    const auto bits = static_cast<std::uint16_t>(upper.of[at] << 8 | strip.lower[at]);
    unit.values[i / kUnitColumns][f16_column_of_byte(i % kUnitColumns)] = float_of_f16(bits);
  }
  return unit;
}

// Calls each(unit of the group, its weights) for units [begin, end) in order.
template <typename Each>
void for_each_unit(const F16PlaneRows& weight, std::size_t group, std::size_t begin,
                   std::size_t end, const Each& each) noexcept {
  for (; begin < end; begin += kStripUnits) {
    const F16Strip strip = f16_strip_of(weight, group, begin, end);
    const UpperBytes upper = upper_bytes(strip, f16_table_of(weight, group));
    for (std::size_t n = 0; n < strip.units; ++n) each(begin + n, unit_of(strip, upper, n));
  }
}

float reduced(float* lanes) noexcept {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

void multiply_one(const F16PlaneRows& weight, std::size_t group, std::size_t rows, const float* x,
                  float* y) noexcept {
  float lanes[kGroupRows][kLanes] = {};
  const auto add = [&](std::size_t n, const Unit& unit) noexcept {
    const std::size_t begin = n * kUnitColumns;
    for (std::size_t c = begin; c < begin + kUnitColumns && c < weight.columns; ++c) {
      for (std::size_t row = 0; row < rows; ++row) {
        float& lane = lanes[row][c % kLanes];
        lane = std::fma(unit.values[row][c - begin], x[c], lane);
      }
    }
  };
  for_each_unit(weight, group, 0, units_of(weight.columns), add);
  for (std::size_t row = 0; row < rows; ++row) y[row] = reduced(lanes[row]);
}

void multiply(const F16PlaneRows& weight, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  for (std::size_t t = 0; t < tokens.count; ++t) {
    multiply_one(weight, group, rows, tokens.x + t * tokens.x_stride,
                 tokens.y + t * tokens.y_stride);
  }
}

void widen(const F16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  for_each_unit(weight, group, begin, end, [&](std::size_t n, const Unit& unit) noexcept {
    for (std::size_t row = 0; row < kGroupRows; ++row) {
      for (std::size_t c = 0; c < kUnitColumns; ++c) {
        widened[row * stride + (n - begin) * kUnitColumns + c] = unit.values[row][c];
      }
    }
  });
}

}  // namespace

const F16PlanesKernels f16_planes_scalar = {multiply, widen};

}  // namespace meadow::kernels
