// Products of BF16 weights and BF16 inputs, by the instruction that takes two of each at a
// time. The scalar file is the specification. This header is included by files of every ISA: it
// must define no code.
//
// The contract is that of kernels/product, with denormals taken as zeros everywhere: in the inputs
// and in every result. So a CPU without the instruction gets the same bits from the product kernels
// if they flush denormals and the inputs are rounded to BF16.
//
// Columns are stored in pairs: of every 32, word i holds column 16 + i in its lower half and column
// i in its upper half, because the instruction adds the product of the upper halves first. The last
// column is followed by weights of 0 and inputs of -0, whose products change no sum, not even
// -0.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_planes/bf16_planes.h"
#include "meadow/kernels/product/product.h"

namespace meadow::kernels {

constexpr std::size_t kPairColumns = 32;

// The place of a column in its row.
constexpr std::size_t place_in_pairs(std::size_t column) noexcept {
  const std::size_t within = column % kPairColumns;
  return column - within + within % kLanes * 2 + (within < kLanes ? 1 : 0);
}

// The rows of a tile, multiplied with many tokens: kTileRows of them in pairs.
struct PairTile {
  const std::uint16_t* rows;  // [kTileRows, stride], `units` * kPairColumns of each
  std::size_t stride;
  std::size_t units;
};

struct Bf16DotKernels {
  // Adds to lanes[token][row of the tile][kLanes]; `x` starts at the tile's first unit.
  void (*accumulate)(const PairTile& tile, std::size_t tokens, const std::uint16_t* x,
                     std::size_t x_stride, float* lanes) noexcept;
  // Weights of a row, followed by zeros, to pairs[units of columns * kPairColumns].
  void (*pair)(const std::uint16_t* row, std::size_t columns, std::uint16_t* pairs) noexcept;
  // Inputs, rounded to the nearest BF16, ties to even, followed by -0.
  void (*round)(const float* x, std::size_t columns, std::uint16_t* pairs) noexcept;
  // Units [begin, end) of a packed group to pairs[row * stride + (unit - begin) * kPairColumns].
  // Columns after the last one are undefined.
  void (*unpack)(const Bf16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
                 std::uint16_t* pairs, std::size_t stride) noexcept;
};

// Null where the product kernels are the better choice.
const Bf16DotKernels* bf16_dot_kernels(Isa isa) noexcept;

extern const Bf16DotKernels bf16_dot_scalar;
extern const Bf16DotKernels bf16_dot_avx512;

}  // namespace meadow::kernels
