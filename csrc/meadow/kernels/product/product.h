// Matrix products of weights in memory with activations in F32. The scalar file is the
// specification; the others equal it bit for bit. This header is read by files of every ISA: it
// must define no code.
//
// The contract of every product of floats, whatever stores the weight: a dot product has 16 lanes,
// all 0 at first. Column c is multiplied into lane c mod 16, in the order of the columns, by a
// fused multiply-add in F32: lane = fma(weight, activation, lane). Then lane j takes lane j + 8,
// for j below 8, then j + 4 below 4, j + 2 below 2, j + 1 below 1. So a result does not depend on
// the ISA, the number of tokens, the thread or the form in which a weight is stored.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

constexpr std::size_t kLanes = 16;

// Activations [tokens, columns] in F32 and results [tokens, rows of the whole matrix].
struct Tokens {
  std::size_t count;
  const float* x;
  std::size_t x_stride;  // floats from one token to the next
  float* y;              // of the first row of the call
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

// Rows of a tile, which many tokens are multiplied with: four of them, widened to F32.
constexpr std::size_t kTileRows = 4;

struct Tile {
  const float* rows;  // [kTileRows, stride], `columns` of each
  std::size_t stride;
  std::size_t columns;  // the first of them is one of lane 0
};

struct ProductKernels {
  // Few tokens, straight from memory.
  void (*f32)(const DenseRows<float>& rows, const Tokens& tokens) noexcept;
  void (*bf16)(const DenseRows<std::uint16_t>& rows, const Tokens& tokens) noexcept;
  void (*f16)(const DenseRows<std::uint16_t>& rows, const Tokens& tokens) noexcept;
  // Many tokens, a part of the columns after the other. lanes[token][row of the tile][kLanes] go on
  // from what they are; `x` is of the tile's first column.
  void (*accumulate)(const Tile& tile, std::size_t tokens, const float* x, std::size_t x_stride,
                     float* lanes) noexcept;
  // results[i] = the sum of lanes[i][kLanes], in the fixed order.
  void (*reduce)(const float* lanes, std::size_t count, float* results) noexcept;
  // Exact, NaN too.
  void (*widen_bf16)(const std::uint16_t* values, std::size_t count, float* widened) noexcept;
  void (*widen_f16)(const std::uint16_t* values, std::size_t count, float* widened) noexcept;
};

const ProductKernels& product_kernels(Isa isa) noexcept;

extern const ProductKernels product_scalar;
extern const ProductKernels product_avx2;
extern const ProductKernels product_avx512;
extern const ProductKernels product_neon;

}  // namespace meadow::kernels
