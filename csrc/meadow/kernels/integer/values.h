// Products with inputs in F32, for the vector files: codes are put in their places in a tile,
// from which the lanes of product.h are computed. See frame.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "meadow/kernels/integer/frame.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kGroupCodes = kStripRows * kLanes;  // 16 columns of a tile

// The codes of some blocks, at most a tile, in the layout of IntegerKernels::decode.
template <typename Ops>
void decode_blocks(const IntegerStrip& strip, Blocks blocks, EscapeCursor& cursor,
                   std::int8_t* codes) noexcept {
  const std::size_t count = blocks.end - blocks.begin;
  if (strip.width == 8) {
    const std::uint8_t* from = strip.fields + blocks.begin * kBlockCodes;
    return Ops::place(reinterpret_cast<const std::int8_t*>(from), count, codes);
  }
  alignas(64) std::int8_t tile[kTileCodes];
  unpack_codes<Ops>(strip, blocks, cursor, tile);
  Ops::place(tile, count, codes);
}

template <typename Ops>
void decode(const IntegerStrip& strip, std::int8_t* codes) noexcept {
  EscapeCursor cursor{strip.escapes, strip.escapes + strip.escape_count};
  for (std::size_t b = 0; b < strip.blocks; b += kTileBlocks) {
    const std::size_t left = strip.blocks - b;
    const Blocks blocks{b, b + (left < kTileBlocks ? left : kTileBlocks)};
    decode_blocks<Ops>(strip, blocks, cursor, codes + b * kBlockCodes);
  }
}

// The factors of the codes before the product; null if there are none.
const float* inner_scales(const StripScales& scales, std::size_t block, float* found) noexcept {
  if (scales.per_scale == 0) return nullptr;
  scales_of_group(scales, block / scales.per_scale, found);
  if (scales.coded == nullptr) return found;
  for (std::size_t r = 0; r < kStripRows; ++r) found[r] *= scales.outer[r];
  return found;
}

// The last columns, fewer than 16.
void add_tail(const std::int8_t* codes, std::size_t columns, const float* scales,
              const ValuesFrom& x, float* lanes) noexcept {
  for (std::size_t t = 0; t < x.count; ++t) {
    for (std::size_t r = 0; r < kStripRows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        float& lane = lanes[(t * kStripRows + r) * kLanes + c];
        float weight = static_cast<float>(codes[r * kLanes + c]);
        if (scales != nullptr) weight *= scales[r];
        lane = __builtin_fmaf(weight, x.values[t * x.stride + c], lane);
      }
    }
  }
}

template <typename Ops>
void add_columns(const std::int8_t* codes, std::size_t columns, const float* scales,
                 const ValuesFrom& x, float* lanes) noexcept {
  const std::size_t groups = columns / kLanes;
  if (groups != 0) Ops::add_lanes(codes, groups, scales, x, lanes);
  const std::size_t done = groups * kLanes;
  if (done == columns) return;
  add_tail(codes + groups * kGroupCodes, columns - done, scales,
           {x.values + done, x.stride, x.count}, lanes);
}

float reduced(float* lanes) noexcept {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

// The blocks of a tile with at most one scale per row.
std::size_t tile_blocks(const StripScales& scales, std::size_t block, std::size_t blocks) noexcept {
  const std::size_t size = blocks - block < kTileBlocks ? blocks - block : kTileBlocks;
  if (scales.per_scale == 0) return size;
  const std::size_t same = scales.per_scale - block % scales.per_scale;
  return same < size ? same : size;
}

template <typename Ops>
void multiply_some_values(const IntegerStrip& strip, const StripScales& scales, std::size_t rows,
                          const InputValues& x) noexcept {
  alignas(64) std::int8_t codes[kTileCodes];
  alignas(64) float lanes[kValueTokensAtOnce * kStripRows * kLanes] = {};
  float factors[kStripRows];
  EscapeCursor cursor{strip.escapes, strip.escapes + strip.escape_count};
  for (std::size_t b = 0; b < strip.blocks;) {
    const std::size_t size = tile_blocks(scales, b, strip.blocks);
    decode_blocks<Ops>(strip, {b, b + size}, cursor, codes);
    const std::size_t from = b * kBlockColumns;
    const std::size_t left = x.columns - from;
    const std::size_t columns = left < size * kBlockColumns ? left : size * kBlockColumns;
    add_columns<Ops>(codes, columns, inner_scales(scales, b, factors),
                     {x.values + from, x.columns, x.count}, lanes);
    b += size;
  }
  for (std::size_t t = 0; t < x.count; ++t) {
    for (std::size_t r = 0; r < rows; ++r) {
      const float sum = reduced(lanes + (t * kStripRows + r) * kLanes);
      x.y[t * x.y_stride + r] = scales.coded != nullptr ? sum : scales.outer[r] * sum;
    }
  }
}

template <typename Ops>
void multiply_values(const IntegerStrip& strip, const StripScales& scales, std::size_t rows,
                     const InputValues& x) noexcept {
  for (std::size_t t = 0; t < x.count; t += kValueTokensAtOnce) {
    InputValues some = x;
    some.count = x.count - t < kValueTokensAtOnce ? x.count - t : kValueTokensAtOnce;
    some.values += t * x.columns;
    some.y += t * x.y_stride;
    multiply_some_values<Ops>(strip, scales, rows, some);
  }
}

}  // namespace
}  // namespace meadow::kernels
