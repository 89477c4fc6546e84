// Weights and inputs for products, and the contract of kernels/product written once more.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "support.h"

namespace meadow::test {

struct Shape {
  std::size_t rows;
  std::size_t columns;
};

// A tile and less, units and parts of them, more columns than a block of many tokens.
inline const std::vector<Shape> kShapes = {{1, 1},   {1, 15},  {3, 16},   {4, 17},   {5, 31},
                                           {8, 32},  {7, 33},  {65, 47},  {130, 64}, {2, 100},
                                           {6, 575}, {9, 576}, {4, 1024}, {5, 1055}, {3, 2100}};
inline const std::vector<std::size_t> kTokenCounts = {1, 2, 3, 4, 5, 7, 8, 9, 14, 31, 32, 33, 70};

inline float float_of_bits(std::uint32_t bits) {
  float value = 0.0F;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// Mostly Gaussian, with exponents far out, zeros of both signs and denormals in between.
inline std::vector<std::uint16_t> bf16_weights(std::size_t count, unsigned seed, unsigned odd_in) {
  auto random = generator(seed);
  std::normal_distribution<float> gaussian(0.0F, 0.02F);
  std::vector<std::uint16_t> bits(count);
  for (std::uint16_t& value : bits) {
    const float drawn = gaussian(random);
    std::uint32_t pattern = 0;
    std::memcpy(&pattern, &drawn, sizeof pattern);
    value = static_cast<std::uint16_t>(pattern >> 16);
    if (odd_in != 0 && random() % odd_in == 0) value = static_cast<std::uint16_t>(random());
    if ((value & 0x7F80U) == 0x7F80U) value &= 0xBFFFU;  // finite
  }
  return bits;
}

inline std::vector<float> random_inputs(std::size_t count, unsigned seed) {
  auto random = generator(seed);
  std::normal_distribution<float> gaussian;
  std::vector<float> values(count);
  for (float& value : values) value = gaussian(random);
  return values;
}

inline float specified_dot(const std::vector<float>& weights, std::size_t row, const float* x,
                           std::size_t columns) {
  float lanes[16] = {};
  for (std::size_t c = 0; c < columns; ++c) {
    lanes[c % 16] = std::fma(weights[row * columns + c], x[c], lanes[c % 16]);
  }
  for (std::size_t half = 8; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

// [tokens, rows]
inline std::vector<float> specified(const std::vector<float>& weights, Shape shape,
                                    const std::vector<float>& x) {
  std::vector<float> y;
  for (std::size_t t = 0; t < x.size() / shape.columns; ++t) {
    for (std::size_t r = 0; r < shape.rows; ++r) {
      y.push_back(specified_dot(weights, r, x.data() + t * shape.columns, shape.columns));
    }
  }
  return y;
}

}  // namespace meadow::test
