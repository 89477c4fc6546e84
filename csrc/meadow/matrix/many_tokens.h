// Products with many tokens, whatever form the weight is stored in: four rows at a time are brought
// into the kernel's form in the innermost cache and multiplied with all tokens before the next
// four.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "meadow/base/line_vector.h"
#include "meadow/kernels/bf16_dot/bf16_dot.h"
#include "meadow/kernels/isa.h"
#include "meadow/kernels/product/product.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

// Fewer tokens are multiplied straight from memory.
constexpr std::size_t kManyTokens = 33;

namespace many_tokens {

constexpr std::size_t kTokens = 144;
constexpr std::size_t kTileLanes = kernels::kTileRows * kernels::kLanes;

// Rows of a tile or of tokens at a distance of a multiple of 4 KiB would share one set of the
// innermost cache, so they are made one line longer.
template <typename Element>
constexpr std::size_t padded(std::size_t columns) noexcept {
  constexpr std::size_t kLine = kLineBytes / sizeof(Element);
  return (columns + kLine - 1) / kLine * kLine + kLine;
}

// Inputs in F32 with weights widened to F32, in the order of the columns.
class Widened {
 public:
  explicit Widened(const Inputs& /*x*/) {}

  using Element = float;
  // A tile has 16 KiB, and inputs and sums have 144 KiB each, for a second-level cache of 512
  // KiB.
  static constexpr std::size_t kColumns = 1024;

  static const float* x_of(const Inputs& x) noexcept { return x.values; }
  static std::size_t stride_of(const Inputs& x) noexcept { return x.stride; }

  void accumulate(const float* tile, std::size_t columns, std::size_t tokens, const float* x,
                  std::size_t x_stride, float* lanes) const noexcept {
    kernels_.accumulate({tile, padded<float>(kColumns), columns}, tokens, x, x_stride, lanes);
  }

 private:
  const kernels::ProductKernels& kernels_ = kernels::product_kernels(active_isa());
};

// Both in BF16, in pairs of columns.
class Paired {
 public:
  explicit Paired(const Inputs& x) : kernels_(x.pair_kernels) {}

  using Element = std::uint16_t;
  static constexpr std::size_t kColumns = 2048;

  static const std::uint16_t* x_of(const Inputs& x) noexcept { return x.pairs; }
  static std::size_t stride_of(const Inputs& x) noexcept { return x.pair_stride; }

  void accumulate(const std::uint16_t* tile, std::size_t columns, std::size_t tokens,
                  const std::uint16_t* x, std::size_t x_stride, float* lanes) const noexcept {
    kernels_->accumulate(
        {tile, padded<std::uint16_t>(kColumns), block_count(columns, kernels::kPairColumns)},
        tokens, x, x_stride, lanes);
  }

 private:
  const kernels::Bf16DotKernels* kernels_;
};

template <typename Element>
struct Scratch {
  LineVector<Element> tile;
  LineVector<float> lanes;
  LineVector<float> sums;
};

template <typename Form>
Scratch<typename Form::Element>& scratch(std::size_t tiles) {
  thread_local Scratch<typename Form::Element> memory;
  memory.tile.grow(kernels::kTileRows * padded<typename Form::Element>(Form::kColumns));
  memory.lanes.grow(tiles * kTokens * kTileLanes);
  memory.sums.grow(tiles * kTokens * kernels::kTileRows);
  return memory;
}

// Writes sums[token][tile][row of the tile]: all rows of a token lie side by side, because the rows
// of the results are so far apart that each write of a few values would miss the cache.
inline void reduce(const kernels::ProductKernels& kernels, const float* lanes, std::size_t tokens,
                   std::size_t tiles, float* sums) noexcept {
  float of_tile[kTokens * kernels::kTileRows];
  for (std::size_t n = 0; n < tiles; ++n) {
    kernels.reduce(lanes + n * kTokens * kTileLanes, tokens * kernels::kTileRows, of_tile);
    for (std::size_t t = 0; t < tokens; ++t) {
      std::copy_n(of_tile + t * kernels::kTileRows, kernels::kTileRows,
                  sums + (t * tiles + n) * kernels::kTileRows);
    }
  }
}

}  // namespace many_tokens

// fill(row, column, columns, to, stride) brings up to four rows, starting at `row`, into the form.
template <typename Form, typename Fill>
void multiply_many(const Matrix& matrix, Block range, const Inputs& x, float* y, const Fill& fill) {
  using many_tokens::kTokens;
  const Form form(x);
  const auto& kernels = kernels::product_kernels(active_isa());
  const std::size_t tiles = block_count(range.end - range.begin, kernels::kTileRows);
  auto& memory = many_tokens::scratch<Form>(tiles);
  const std::size_t stride = many_tokens::padded<typename Form::Element>(Form::kColumns);
  const std::size_t x_stride = Form::stride_of(x);
  const std::size_t per_tile = kTokens * many_tokens::kTileLanes;
  for (std::size_t token = 0; token < x.count; token += kTokens) {
    const std::size_t tokens = std::min(kTokens, x.count - token);
    std::fill_n(memory.lanes.data(), tiles * per_tile, 0.0F);
    for (std::size_t column = 0; column < matrix.columns(); column += Form::kColumns) {
      const std::size_t count = std::min(Form::kColumns, matrix.columns() - column);
      for (std::size_t n = 0; n < tiles; ++n) {
        fill(range.begin + n * kernels::kTileRows, column, count, memory.tile.data(), stride);
        form.accumulate(memory.tile.data(), count, tokens,
                        Form::x_of(x) + token * x_stride + column, x_stride,
                        memory.lanes.data() + n * per_tile);
      }
    }
    many_tokens::reduce(kernels, memory.lanes.data(), tokens, tiles, memory.sums.data());
    for (std::size_t t = 0; t < tokens; ++t) {
      std::copy_n(memory.sums.data() + t * tiles * kernels::kTileRows, range.end - range.begin,
                  y + (token + t) * matrix.rows() + range.begin);
    }
  }
}

}  // namespace meadow
