#include <cmath>
#include <cstddef>
#include <cstdint>

#include "meadow/kernels/float_bits.h"
#include "meadow/kernels/product/product.h"

namespace meadow::kernels {
namespace {

float widened(float value) noexcept { return value; }

float of_bf16(std::uint16_t bits) noexcept { return float_of(std::uint32_t{bits} << 16); }

float reduced(const float* from) noexcept {
  float lanes[kLanes];
  for (std::size_t j = 0; j < kLanes; ++j) lanes[j] = from[j];
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

template <typename T, typename Widen>
void multiply(const DenseRows<T>& rows, const Tokens& tokens, const Widen& widen) noexcept {
  for (std::size_t r = 0; r < rows.rows; ++r) {
    const T* row = rows.values + r * rows.stride;
    for (std::size_t t = 0; t < tokens.count; ++t) {
      const float* x = tokens.x + t * tokens.x_stride;
      float lanes[kLanes] = {};
      for (std::size_t c = 0; c < rows.columns; ++c) {
        lanes[c % kLanes] = std::fma(widen(row[c]), x[c], lanes[c % kLanes]);
      }
      tokens.y[t * tokens.y_stride + r] = reduced(lanes);
    }
  }
}

void f32(const DenseRows<float>& rows, const Tokens& tokens) noexcept {
  multiply(rows, tokens, widened);
}
void bf16(const DenseRows<std::uint16_t>& rows, const Tokens& tokens) noexcept {
  multiply(rows, tokens, of_bf16);
}
void f16(const DenseRows<std::uint16_t>& rows, const Tokens& tokens) noexcept {
  multiply(rows, tokens, float_of_f16);
}

void accumulate(const Tile& tile, std::size_t tokens, const float* x, std::size_t x_stride,
                float* lanes) noexcept {
  for (std::size_t t = 0; t < tokens; ++t) {
    for (std::size_t r = 0; r < kTileRows; ++r, lanes += kLanes) {
      const float* row = tile.rows + r * tile.stride;
      for (std::size_t c = 0; c < tile.columns; ++c) {
        lanes[c % kLanes] = std::fma(row[c], x[t * x_stride + c], lanes[c % kLanes]);
      }
    }
  }
}

void reduce(const float* lanes, std::size_t count, float* results) noexcept {
  for (std::size_t i = 0; i < count; ++i) results[i] = reduced(lanes + i * kLanes);
}

void widen_bf16(const std::uint16_t* values, std::size_t count, float* to) noexcept {
  for (std::size_t i = 0; i < count; ++i) to[i] = of_bf16(values[i]);
}

void widen_f16(const std::uint16_t* values, std::size_t count, float* to) noexcept {
  for (std::size_t i = 0; i < count; ++i) to[i] = float_of_f16(values[i]);
}

}  // namespace

const ProductKernels product_scalar = {f32, bf16, f16, accumulate, reduce, widen_bf16, widen_f16};

}  // namespace meadow::kernels
