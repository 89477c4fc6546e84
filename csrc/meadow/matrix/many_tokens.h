// Products with many tokens, whatever stores the weight: rows are widened to F32 a tile at a time,
// into the innermost cache, and multiplied with all tokens before the next.
#pragma once

#include <algorithm>
#include <cstddef>

#include "meadow/base/raw_vector.h"
#include "meadow/kernels/isa.h"
#include "meadow/kernels/product/product.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

// Fewer are multiplied straight from memory.
constexpr std::size_t kManyTokens = 33;

namespace many_tokens {

// A tile of 16 KiB; activations of 144 KiB and sums of 144 KiB beside it, for a second-level cache
// of 512 KiB.
constexpr std::size_t kColumns = 1024;
constexpr std::size_t kTokens = 36;
constexpr std::size_t kTileLanes = kernels::kTileRows * kernels::kLanes;

struct Scratch {
  RawVector<float> tile;
  RawVector<float> lanes;
};

inline Scratch& scratch(std::size_t tiles) {
  thread_local Scratch memory;
  memory.tile.resize(kernels::kTileRows * kColumns);
  memory.lanes.resize(std::max(memory.lanes.size(), tiles * kTokens * kTileLanes));
  return memory;
}

// y[token * y_stride + row] of the rows that are there.
inline void reduce(const kernels::ProductKernels& kernels, const float* lanes, std::size_t tokens,
                   std::size_t rows, float* y, std::size_t y_stride) noexcept {
  float sums[kTokens * kernels::kTileRows];
  kernels.reduce(lanes, tokens * kernels::kTileRows, sums);
  for (std::size_t t = 0; t < tokens; ++t) {
    std::copy_n(sums + t * kernels::kTileRows, rows, y + t * y_stride);
  }
}

}  // namespace many_tokens

// widen(row, column, columns, to, stride) writes up to four rows from `row` on.
template <typename Widen>
void multiply_many(const Matrix& matrix, Block range, const Activations& x, float* y,
                   const Widen& widen) {
  using many_tokens::kColumns;
  using many_tokens::kTokens;
  const auto& kernels = kernels::product_kernels(active_isa());
  const std::size_t columns = matrix.columns();
  const std::size_t tiles = block_count(range.end - range.begin, kernels::kTileRows);
  auto& memory = many_tokens::scratch(tiles);
  const std::size_t per_tile = kTokens * many_tokens::kTileLanes;
  for (std::size_t token = 0; token < x.count; token += kTokens) {
    const std::size_t tokens = std::min(kTokens, x.count - token);
    std::fill_n(memory.lanes.begin(), tiles * per_tile, 0.0F);
    for (std::size_t column = 0; column < columns; column += kColumns) {
      const std::size_t count = std::min(kColumns, columns - column);
      for (std::size_t n = 0; n < tiles; ++n) {
        widen(range.begin + n * kernels::kTileRows, column, count, memory.tile.data(), kColumns);
        kernels.accumulate({memory.tile.data(), kColumns, count}, tokens,
                           x.values + token * columns + column, columns,
                           memory.lanes.data() + n * per_tile);
      }
    }
    for (std::size_t n = 0; n < tiles; ++n) {
      const Block rows = nth_block(n, range.end - range.begin, kernels::kTileRows);
      many_tokens::reduce(kernels, memory.lanes.data() + n * per_tile, tokens,
                          rows.end - rows.begin,
                          y + token * matrix.rows() + range.begin + rows.begin, matrix.rows());
    }
  }
}

}  // namespace meadow
