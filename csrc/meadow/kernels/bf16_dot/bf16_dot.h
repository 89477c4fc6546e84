// Products of weights and activations that both are BF16, by the instruction that takes two of each
// at a time. The scalar file is the specification. This header is read by files of every ISA: it
// must define no code.
//
// The contract is that of kernels/product, with denormals taken as zeros wherever they come up: in
// what is read, and in every result. So a CPU without the instruction gets the same bits from the
// kernels of products, told to flush denormals, with activations rounded to BF16.
//
// Columns stand in pairs: of every 32, word i holds column 16 + i in its lower half and column i in
// its upper one, because the instruction adds the product of the upper halves first. Behind the
// last column are weights of 0 and activations of -0, whose products change no sum, not even -0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/packed/packed.h"
#include "meadow/kernels/product/product.h"

namespace meadow::kernels {

constexpr std::size_t kPairColumns = 32;

// Where a column stands in its row.
constexpr std::size_t place_in_pairs(std::size_t column) noexcept {
  const std::size_t within = column % kPairColumns;
  return column - within + within % kLanes * 2 + (within < kLanes ? 1 : 0);
}

// Rows of a tile, which many tokens are multiplied with: kTileRows of them in pairs.
struct PairTile {
  const std::uint16_t* rows;  // [kTileRows, stride], `units` * kPairColumns of each
  std::size_t stride;
  std::size_t units;
};

struct Bf16DotKernels {
  // lanes[token][row of the tile][kLanes] go on from what they are; `x` is of the tile's first
  // unit.
  void (*accumulate)(const PairTile& tile, std::size_t tokens, const std::uint16_t* x,
                     std::size_t x_stride, float* lanes) noexcept;
  // Weights of a row, zeros behind them: pairs[units of columns * kPairColumns].
  void (*pair)(const std::uint16_t* row, std::size_t columns, std::uint16_t* pairs) noexcept;
  // Activations, rounded to the nearest BF16, ties to even; -0 behind them.
  void (*round)(const float* x, std::size_t columns, std::uint16_t* pairs) noexcept;
  // Units [begin, end) of a packed group: pairs[row * stride + (unit - begin) * kPairColumns].
  // Columns behind the last hold anything.
  void (*unpack)(const PackedRows& packed, std::size_t group, std::size_t begin, std::size_t end,
                 std::uint16_t* pairs, std::size_t stride) noexcept;
};

// Null where the kernels of products are the better way.
const Bf16DotKernels* bf16_dot_kernels(Isa isa) noexcept;

extern const Bf16DotKernels bf16_dot_scalar;
extern const Bf16DotKernels bf16_dot_avx512;

}  // namespace meadow::kernels
