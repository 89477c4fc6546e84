// Shared by the vector files: the loops over a strip, in tiles that stay in the first-level cache,
// and the scalar work. `Ops` has the vector operations of one ISA. Everything is in an anonymous
// namespace, so that each file has its own copy.
//
// Ops:
//   kSignedOffset         added to the codes that add_dots multiplies, gives the codes passed to it
//   unpack(strip, blocks, codes)    some blocks of width 2 to 7 to codes in the layout of width 8
//   add_dots(codes, blocks, x, sums)    sums[16 t + r] += dot products with codes of width 8
//   add_fed_dots(strip, x, feed, sums)  a whole strip of width 2 to 7 and one token, with escapes
//                         but without the offset
//   kAddsGroups, add_groups(strip, scales, x, totals)
//                         whether it has its own sums over groups, for one token and a strip
//                         without escapes: totals[r], before `outer` is applied
//   place(codes, blocks, placed)    codes of width 8 to the layout of IntegerKernels::decode
//   add_lanes(codes, groups, scales, x, lanes)    lanes of product.h, 16 columns at a time
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "meadow/kernels/integer/integer.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kTileBlocks = 8;
constexpr std::size_t kTileCodes = kTileBlocks * kBlockCodes;
constexpr std::size_t kTokensAtOnce = 128;
constexpr std::size_t kValueTokensAtOnce = 4;
constexpr std::size_t kLanes = 16;

// The codes of some tokens, from a column on.
struct CodesFrom {
  const std::int8_t* codes;
  std::size_t stride;
  std::size_t count;
};

struct ValuesFrom {
  const float* values;
  std::size_t stride;
  std::size_t count;
};

// Blocks of a strip.
struct Blocks {
  std::size_t begin;
  std::size_t end;
};

struct EscapeCursor {
  const std::uint16_t* at;
  const std::uint16_t* end;
  std::size_t column = 0;  // of the previous escape
};

// Calls see(column, row, addend) for each escape before column `until`.
template <typename See>
void for_escapes(EscapeCursor& cursor, std::size_t until, const See& see) noexcept {
  const std::uint16_t* at = cursor.at;
  std::size_t column = cursor.column;
  for (; at != cursor.end; ++at) {
    const std::uint32_t escape = *at;
    const std::size_t next = column + (escape & 31);
    if (next >= until) break;
    column = next;
    see(column, (escape >> 5) & 15, static_cast<std::int16_t>(escape) >> 9);
  }
  cursor.at = at;
  cursor.column = column;
}

// Adds as unsigned, because only the final sum has to fit.
std::int32_t wrapped_sum(std::int32_t a, std::int32_t b) noexcept {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(a) + static_cast<std::uint32_t>(b));
}

// Adds the escapes of a strip for one token, a few with each block of fields, whose vector
// operations leave idle the units that escapes need. Reading a sum again soon after writing it
// stalls the CPU; four sets of sums, used in turn, avoid that.
class EscapeFeed {
 public:
  EscapeFeed(const IntegerStrip& strip, const std::int8_t* x) noexcept
      : at_(strip.escapes), x_(x), of_block_(strip.escape_count / strip.blocks) {}

  void next_block() noexcept {
    const std::uint16_t* at = at_;
    for (std::uint32_t n = 0; n < of_block_; ++n) {
      const std::uint32_t escape = at[n];
      x_ += escape & 31;
      sets_[n % 4][(escape >> 5) & 15] += (static_cast<std::int16_t>(escape) >> 9) * *x_;
    }
    at_ = at + of_block_;
  }

  void add_to(std::int32_t* sums) const noexcept {
    if (of_block_ == 0) return;
    for (std::size_t r = 0; r < kStripRows; ++r) {
      sums[r] = wrapped_sum(sums[r], sets_[0][r] + sets_[1][r] + sets_[2][r] + sets_[3][r]);
    }
  }

 private:
  const std::uint16_t* at_;
  const std::int8_t* x_;
  std::uint32_t of_block_;
  std::int32_t sets_[4][kStripRows] = {};
};

// Used if there are no escapes.
struct NoFeed {
  void next_block() const noexcept {}
};

// The codes of some blocks, at most a tile, in the layout of width 8.
template <typename Ops>
void unpack_codes(const IntegerStrip& strip, Blocks blocks, EscapeCursor& cursor,
                  std::int8_t* codes) noexcept {
  Ops::unpack(strip, blocks, codes);
  const std::size_t first = blocks.begin * kBlockColumns;
  for_escapes(cursor, blocks.end * kBlockColumns,
              [&](std::size_t column, std::size_t row, int addend) noexcept {
                const std::size_t c = column - first;
                std::int8_t& code = codes[c / 4 * 64 + 4 * row + c % 4];
                code = static_cast<std::int8_t>(code + addend);
              });
}

// Starts the sums with the contribution of the offset, the same for every row.
void start_sums(std::int32_t offset, const InputCodes& x, Blocks blocks,
                std::int32_t* sums) noexcept {
  for (std::size_t t = 0; t < x.count; ++t) {
    const std::int32_t* of_blocks = x.block_sums + t * (x.stride / kBlockColumns);
    std::uint32_t sum = 0;
    for (std::size_t b = blocks.begin; b < blocks.end; ++b) {
      sum += static_cast<std::uint32_t>(of_blocks[b]);
    }
    const auto start = static_cast<std::int32_t>(sum * static_cast<std::uint32_t>(offset));
    for (std::size_t r = 0; r < kStripRows; ++r) sums[t * kStripRows + r] = start;
  }
}

// Adds the dot products over some blocks, with the escapes put in their places. The cursor is
// before the first of these escapes.
template <typename Ops>
void add_blocks(const IntegerStrip& strip, Blocks blocks, EscapeCursor& cursor, const InputCodes& x,
                std::int32_t* sums) noexcept {
  CodesFrom codes{x.codes + blocks.begin * kBlockColumns, x.stride, x.count};
  const std::size_t count = blocks.end - blocks.begin;
  if (strip.width == 8) {
    return Ops::add_dots(strip.fields + blocks.begin * kBlockCodes, count, codes, sums);
  }
  alignas(64) std::int8_t tile[kTileCodes];
  for (std::size_t b = blocks.begin; b < blocks.end; b += kTileBlocks) {
    const std::size_t size = blocks.end - b < kTileBlocks ? blocks.end - b : kTileBlocks;
    unpack_codes<Ops>(strip, {b, b + size}, cursor, tile);
    Ops::add_dots(reinterpret_cast<const std::uint8_t*>(tile), size, codes, sums);
    codes.codes += size * kBlockColumns;
  }
}

// y = sum * (outer * scale of the token); `rows` is nearly always the whole strip.
void write_results(const float* sums, const StripScales& scales, std::size_t rows, float x_scale,
                   float* y) noexcept {
  float results[kStripRows];
  for (std::size_t r = 0; r < kStripRows; ++r) results[r] = sums[r] * (scales.outer[r] * x_scale);
  if (rows == kStripRows) return static_cast<void>(std::memcpy(y, results, sizeof results));
  for (std::size_t r = 0; r < rows; ++r) y[r] = results[r];
}

template <typename Ops>
void multiply_whole(const IntegerStrip& strip, const StripScales& scales, std::size_t rows,
                    const InputCodes& x) noexcept {
  alignas(64) std::int32_t sums[kTokensAtOnce * kStripRows];
  const Blocks all{0, strip.blocks};
  const bool feeds = x.count == 1 && strip.width != 8;
  start_sums(feeds ? strip.offset : Ops::kSignedOffset, x, all, sums);
  if (feeds) {
    EscapeFeed feed(strip, x.codes);
    Ops::add_fed_dots(strip, x.codes, feed, sums);
    feed.add_to(sums);
  } else {
    EscapeCursor cursor{strip.escapes, strip.escapes + strip.escape_count};
    add_blocks<Ops>(strip, all, cursor, x, sums);
  }
  for (std::size_t t = 0; t < x.count; ++t) {
    float whole[kStripRows];
    for (std::size_t r = 0; r < kStripRows; ++r) {
      whole[r] = static_cast<float>(sums[t * kStripRows + r]);
    }
    write_results(whole, scales, rows, x.scales[t], x.y + t * x.y_stride);
  }
}

void scales_of_group(const StripScales& scales, std::size_t group, float* found) noexcept {
  const std::size_t from = group * kStripRows;
  if (scales.coded == nullptr) {
    std::memcpy(found, scales.groups + from, kStripRows * sizeof *found);
    return;
  }
  for (std::size_t r = 0; r < kStripRows; ++r) {
    found[r] = static_cast<float>(scales.coded[from + r]);
  }
}

template <typename Ops>
void add_groups(const IntegerStrip& strip, const StripScales& scales, const InputCodes& x,
                float* totals) noexcept {
  alignas(64) std::int32_t sums[kTokensAtOnce * kStripRows];
  EscapeCursor cursor{strip.escapes, strip.escapes + strip.escape_count};
  std::size_t group = 0;
  for (std::size_t b = 0; b < strip.blocks; b += scales.per_scale, ++group) {
    const std::size_t left = strip.blocks - b;
    const Blocks blocks{b, b + (left < scales.per_scale ? left : scales.per_scale)};
    start_sums(Ops::kSignedOffset, x, blocks, sums);
    add_blocks<Ops>(strip, blocks, cursor, x, sums);
    alignas(64) float factors[kStripRows];
    scales_of_group(scales, group, factors);
    for (std::size_t t = 0; t < x.count * kStripRows; t += kStripRows) {
      for (std::size_t r = 0; r < kStripRows; ++r) {
        totals[t + r] = __builtin_fmaf(static_cast<float>(sums[t + r]), factors[r], totals[t + r]);
      }
    }
  }
}

template <typename Ops>
void multiply_groups(const IntegerStrip& strip, const StripScales& scales, std::size_t rows,
                     const InputCodes& x) noexcept {
  alignas(64) float totals[kTokensAtOnce * kStripRows];
  std::memset(totals, 0, x.count * kStripRows * sizeof *totals);
  if constexpr (Ops::kAddsGroups) {
    if (x.count == 1 && strip.escape_count == 0) {
      Ops::add_groups(strip, scales, x, totals);
    } else {
      add_groups<Ops>(strip, scales, x, totals);
    }
  } else {
    add_groups<Ops>(strip, scales, x, totals);
  }
  for (std::size_t t = 0; t < x.count; ++t) {
    write_results(totals + t * kStripRows, scales, rows, x.scales[t], x.y + t * x.y_stride);
  }
}

InputCodes tokens_from(const InputCodes& x, std::size_t first, std::size_t most) noexcept {
  InputCodes some = x;
  some.count = x.count - first < most ? x.count - first : most;
  some.codes += first * x.stride;
  some.scales += first;
  some.block_sums += first * (x.stride / kBlockColumns);
  some.y += first * x.y_stride;
  return some;
}

template <typename Ops>
void multiply_codes(const IntegerStrip& strip, const StripScales& scales, std::size_t rows,
                    const InputCodes& x) noexcept {
  for (std::size_t t = 0; t < x.count; t += kTokensAtOnce) {
    const InputCodes some = tokens_from(x, t, kTokensAtOnce);
    if (scales.per_scale == 0) {
      multiply_whole<Ops>(strip, scales, rows, some);
    } else {
      multiply_groups<Ops>(strip, scales, rows, some);
    }
  }
}

}  // namespace
}  // namespace meadow::kernels
