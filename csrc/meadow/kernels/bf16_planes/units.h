// Products of units that are decoded already, for the scalar files of bf16_planes and f16_planes.
// Everything is in an anonymous namespace, so that each file has its own copy.
#pragma once

#include <cmath>
#include <cstddef>

#include "meadow/kernels/bf16_planes/bf16_planes.h"

namespace meadow::kernels {
namespace {

struct Unit {
  float values[kGroupRows][kUnitColumns];
};

float reduced(float* lanes) noexcept {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

// `for_each_unit(each)` calls each(n, unit) for all units of a group in order.
template <typename ForEachUnit>
void multiply_units(std::size_t columns, std::size_t rows, const Tokens& tokens,
                    const ForEachUnit& for_each_unit) noexcept {
  for (std::size_t t = 0; t < tokens.count; ++t) {
    const float* x = tokens.x + t * tokens.x_stride;
    float lanes[kGroupRows][kLanes] = {};
    for_each_unit([&](std::size_t n, const Unit& unit) noexcept {
      const std::size_t begin = n * kUnitColumns;
      for (std::size_t c = begin; c < begin + kUnitColumns && c < columns; ++c) {
        for (std::size_t row = 0; row < rows; ++row) {
          float& lane = lanes[row][c % kLanes];
          lane = std::fma(unit.values[row][c - begin], x[c], lane);
        }
      }
    });
    float* y = tokens.y + t * tokens.y_stride;
    for (std::size_t row = 0; row < rows; ++row) y[row] = reduced(lanes[row]);
  }
}

// The 32 columns of each row; `widened` is that of the first row.
void widen_unit(const Unit& unit, float* widened, std::size_t stride) noexcept {
  for (std::size_t row = 0; row < kGroupRows; ++row) {
    for (std::size_t c = 0; c < kUnitColumns; ++c) widened[row * stride + c] = unit.values[row][c];
  }
}

}  // namespace
}  // namespace meadow::kernels
