#include "meadow/stats/chunks.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/stats/direct_chunks.h"
#include "meadow/stats/hashed_chunks.h"

namespace meadow {
namespace {

constexpr std::size_t kBlock = 1 << 16;
constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();

// Shifting the range of codes to start at zero turns the two comparisons into one.
template <typename Element>
std::size_t first_misfit(const CodeMatrix& codes, Block block) noexcept {
  const auto* elements = reinterpret_cast<const Element*>(codes.data);
  const auto shift = static_cast<Element>(codes.is_signed ? low_bits(codes.bits - 1) + 1 : 0);
  const auto highest = static_cast<Element>(low_bits(codes.bits));
  const auto fits = [&](Element code) { return static_cast<Element>(code + shift) <= highest; };
  bool all = true;
  for (std::size_t i = block.begin; i < block.end; ++i) all &= fits(elements[i]);
  if (all) return kNowhere;
  const auto* found = std::find_if_not(elements + block.begin, elements + block.end, fits);
  return static_cast<std::size_t>(found - elements);
}

std::size_t first_misfit(const CodeMatrix& codes, Block block) {
  switch (codes.element_bytes) {
    case 1:
      return first_misfit<std::uint8_t>(codes, block);
    case 2:
      return first_misfit<std::uint16_t>(codes, block);
    default:
      return first_misfit<std::uint32_t>(codes, block);
  }
}

constexpr std::size_t kTransposeTile = 64;

template <typename Element>
void transpose_tile(const CodeMatrix& codes, Block rows, Block columns,
                    std::uint8_t* out) noexcept {
  const auto* from = reinterpret_cast<const Element*>(codes.data);
  auto* to = reinterpret_cast<Element*>(out);
  for (std::size_t row = rows.begin; row < rows.end; ++row) {
    for (std::size_t column = columns.begin; column < columns.end; ++column) {
      to[column * codes.rows + row] = from[row * codes.columns + column];
    }
  }
}

template <typename Element>
void transpose_band(const CodeMatrix& codes, Block rows, std::uint8_t* out) {
  for_each_block({0, codes.columns}, [&](Block columns) {
    for (std::size_t left = columns.begin; left < columns.end; left += kTransposeTile) {
      const std::size_t right = std::min(columns.end, left + kTransposeTile);
      transpose_tile<Element>(codes, rows, {left, right}, out);
    }
  });
}

}  // namespace

void require_bits(const CodeMatrix& codes) {
  if (codes.bits < 1 || codes.bits > 8 * codes.element_bytes) {
    invalid("bits: expected 1 to " + std::to_string(8 * codes.element_bytes) + " for elements of " +
            std::to_string(codes.element_bytes) + " bytes, found " + std::to_string(codes.bits));
  }
}

void require_codes_fit(const CodeMatrix& codes, unsigned threads) {
  require_bits(codes);
  if (codes.bits == 8 * codes.element_bytes) return;
  const std::size_t blocks = block_count(codes.count(), kBlock);
  std::vector<std::size_t> misfits(blocks, kNowhere);
  parallel_for(blocks, threads, [&](std::size_t n) {
    misfits[n] = first_misfit(codes, nth_block(n, codes.count(), kBlock));
  });
  for (const std::size_t at : misfits) {
    if (at == kNowhere) continue;
    invalid("codes: expected values of " + std::to_string(codes.bits) +
            (codes.is_signed ? " signed" : " unsigned") + " bits, found another at [" +
            std::to_string(at / codes.columns) + ", " + std::to_string(at % codes.columns) + "]");
  }
}

Bytes transposed(const CodeMatrix& codes, unsigned threads) {
  Bytes out(codes.bytes());
  if (out.empty()) return out;
  parallel_for(block_count(codes.rows, kTransposeTile), threads, [&](std::size_t n) {
    const Block rows = nth_block(n, codes.rows, kTransposeTile);
    if (codes.element_bytes == 1) return transpose_band<std::uint8_t>(codes, rows, out.data());
    if (codes.element_bytes == 2) return transpose_band<std::uint16_t>(codes, rows, out.data());
    return transpose_band<std::uint32_t>(codes, rows, out.data());
  });
  return out;
}

std::size_t chunks_per_row(std::size_t columns, unsigned chunk) noexcept {
  return block_count(columns, chunk);
}

UniqueChunks unique_chunks(const CodeMatrix& codes, unsigned chunk, unsigned threads) {
  if (chunk < 1 || chunk > kMaxChunk) {
    invalid("chunk size: expected 1 to 16, found " + std::to_string(chunk));
  }
  const std::size_t count = codes.rows * chunks_per_row(codes.columns, chunk);
  if (count >= std::numeric_limits<std::uint32_t>::max()) {
    invalid("chunks: expected fewer than 2^32 - 1 in one weight, found " + std::to_string(count));
  }
  require_codes_fit(codes, threads);
  if (codes.bits * chunk <= kMaxDirectBits && chunk * codes.element_bytes <= 8) {
    return unique_chunks_direct(codes, chunk, threads);
  }
  const unsigned bytes = chunk * codes.element_bytes;
  if (bytes <= 4) return unique_chunks_hashed<std::uint32_t>(codes, chunk, threads);
  if (bytes <= 8) return unique_chunks_hashed<std::uint64_t>(codes, chunk, threads);
  if (bytes <= 16) return unique_chunks_hashed<WideKey<2>>(codes, chunk, threads);
  if (bytes <= 32) return unique_chunks_hashed<WideKey<4>>(codes, chunk, threads);
  return unique_chunks_hashed<WideKey<8>>(codes, chunk, threads);
}

// Indices are numbered by first appearance, so the largest so far gives their number.
std::vector<GrowthPoint> dictionary_growth(const UniqueChunks& chunks, std::size_t points) {
  if (points == 0) invalid("points: expected at least 1, found 0");
  const std::size_t count = chunks.indices.size();
  if (count == 0) return {{0, 0}};
  points = std::min(points, count);  // the product below stays under 2^64: count is under 2^32
  std::vector<GrowthPoint> growth;
  growth.reserve(points);
  std::uint32_t largest = 0;
  std::size_t read = 0;
  for (std::size_t n = 1; n <= points; ++n) {
    const std::size_t end = count * n / points;
    for_each_block({read, end}, [&](Block block) {
      for (std::size_t i = block.begin; i < block.end; ++i) {
        largest = std::max(largest, chunks.indices[i]);
      }
    });
    read = end;
    growth.push_back({end, std::size_t{largest} + 1});
  }
  return growth;
}

}  // namespace meadow
