// Tables for the upper bytes of 16-bit floats, shared by the codecs of bf16_planes and f16_planes.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "meadow/base/error.h"
#include "meadow/base/raw_vector.h"
#include "meadow/base/thread_pool.h"

namespace meadow::upper_bytes {

constexpr std::uint8_t kNoCode = 255;

using Counts = std::array<std::uint32_t, 256>;
template <std::size_t Size>
using Table = std::array<std::uint8_t, Size>;
using Codes = std::array<std::uint8_t, 256>;  // the code of every byte, or kNoCode

// The most frequent bytes first; in a tie the smaller one comes first.
template <std::size_t Size>
Table<Size> most_frequent(const Counts& counts) {
  std::array<std::uint8_t, 256> order{};
  std::iota(order.begin(), order.end(), std::uint8_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint8_t a, std::uint8_t b) { return counts[a] > counts[b]; });
  Table<Size> table{};
  std::copy_n(order.begin(), Size, table.begin());
  return table;
}

template <std::size_t Size>
Codes codes_of(const Table<Size>& table) {
  Codes codes;
  codes.fill(kNoCode);
  for (std::size_t i = 0; i < Size; ++i) codes[table[i]] = static_cast<std::uint8_t>(i);
  return codes;
}

// The result for rows that share a table: the escapes, and the number in each part of the rows.
template <typename Escape>
struct TableBlock {
  std::vector<Escape> escapes;
  std::vector<std::uint32_t> per_part;
};

// Joins all escapes, and records where those of each part begin.
template <typename Escape, typename Planes>
void join(const std::vector<TableBlock<Escape>>& blocks, Planes& planes) {
  std::size_t total = 0;
  planes.escaped.push_back(0);
  for (const auto& block : blocks) {
    for (const std::uint32_t count : block.per_part) {
      total += count;
      if (total > std::numeric_limits<std::uint32_t>::max()) {
        invalid("planes: expected fewer than 2^32 weights outside their tables, found more");
      }
      planes.escaped.push_back(static_cast<std::uint32_t>(total));
    }
  }
  planes.escapes.reserve(total);
  for (const auto& block : blocks) {
    planes.escapes.insert(planes.escapes.end(), block.escapes.begin(), block.escapes.end());
  }
}

// Checks that `escaped` cuts all escapes into parts, and calls see(begin, end) for each part in
// order. Throws Corrupt.
template <typename See>
void check_escaped(const std::uint32_t* escaped, std::size_t parts, std::size_t escapes,
                   const See& see) {
  corrupt_unless(escaped[0] == 0, "planes: first escape", "0", escaped[0]);
  if (escaped[parts] != escapes) {
    corrupt("planes: escapes: expected " + std::to_string(escapes) + ", found " +
            std::to_string(escaped[parts]));
  }
  for_each_block({0, parts}, [&](Block block) {
    for (std::size_t p = block.begin; p < block.end; ++p) {
      corrupt_unless(escaped[p] <= escaped[p + 1] && escaped[p + 1] <= escapes,
                     "planes: first escape of a group",
                     "one that is not before that of the previous group", escaped[p + 1]);
      see(escaped[p], escaped[p + 1]);
    }
  });
}

}  // namespace meadow::upper_bytes
