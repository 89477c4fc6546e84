// Matrix products of weights in memory with inputs in F32. The scalar file is the
// specification; the others equal it bit for bit. This header is included by files of every ISA: it
// must define no code.
//
// The contract of every float product, whatever form the weight is stored in: a dot product has 16
// lanes, all 0 at first. Column c is added to lane c mod 16, in the order of the columns, by a
// fused multiply-add in F32: lane = fma(weight, input, lane). Then lane j + 8 is added to lane
// j for j below 8, lane j + 4 for j below 4, lane j + 2 for j below 2, and lane 1 to lane 0. So a
// result does not depend on the ISA, the number of tokens, the thread or the form of the weight.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

constexpr std::size_t kLanes = 16;

// Inputs [tokens, columns] in F32 and results [tokens, rows of the whole matrix].
struct Tokens {
  std::size_t count;
  const float* x;
  std::size_t x_stride;  // floats from one token to the next
  float* y;              // result of the first row of the call
  std::size_t y_stride;
};

// Rows in file order, `stride` elements from one to the next.
template <typename T>
struct DenseRows {
  const T* values;
  std::size_t stride;
  std::size_t rows;
  std::size_t columns;
};

// The rows of a tile, multiplied with many tokens: four of them, widened to F32.
constexpr std::size_t kTileRows = 4;

struct Tile {
  const float* rows;  // [kTileRows, stride], `columns` of each
  std::size_t stride;
  std::size_t columns;  // the first one belongs to lane 0
};

struct ProductKernels {
  // Few tokens, straight from memory.
  void (*f32)(const DenseRows<float>& rows, const Tokens& tokens) noexcept;
  void (*bf16)(const DenseRows<std::uint16_t>& rows, const Tokens& tokens) noexcept;
  void (*f16)(const DenseRows<std::uint16_t>& rows, const Tokens& tokens) noexcept;
  // Many tokens, one part of the columns after another. Adds to lanes[token][row of the
  // tile][kLanes]; `x` starts at the tile's first column.
  void (*accumulate)(const Tile& tile, std::size_t tokens, const float* x, std::size_t x_stride,
                     float* lanes) noexcept;
  // results[i] = the sum of lanes[i][kLanes] in the fixed order.
  void (*reduce)(const float* lanes, std::size_t count, float* results) noexcept;
  // Exact, including NaN.
  void (*widen_bf16)(const std::uint16_t* values, std::size_t count, float* widened) noexcept;
  void (*widen_f16)(const std::uint16_t* values, std::size_t count, float* widened) noexcept;
};

const ProductKernels& product_kernels(Isa isa) noexcept;

extern const ProductKernels product_scalar;
extern const ProductKernels product_avx2;
extern const ProductKernels product_avx512;
extern const ProductKernels product_neon;

}  // namespace meadow::kernels
