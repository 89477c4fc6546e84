// How often each symbol of each plane of a tensor occurs, in all tiles or in a sample of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/base/thread_pool.h"
#include "meadow/blob/byte_counts.h"
#include "meadow/blob/header.h"

namespace meadow {

struct Source {
  std::span<const std::uint8_t> bytes;
  BlobHead head;

  [[nodiscard]] std::span<const std::uint8_t> tile(std::size_t n) const noexcept {
    const std::size_t step = std::size_t{head.tile_records} * head.layout.record_bytes;
    const Block block = nth_block(n, bytes.size(), step);
    return bytes.subspan(block.begin, block.end - block.begin);
  }
};

// The tiles to count, the most records counted of each, and the range of planes.
struct Range {
  std::size_t tile_step;
  std::size_t records;
  std::size_t first_plane;
  std::size_t last_plane;
};

struct PlaneCount {
  ByteCounts counts{};
  // The entropies of the tiles, each with its own counts, in whole bits: they sum up to the same in
  // any order.
  std::uint64_t bits_of_tiles = 0;
  // The fewest bits of a symbol in any tile, in 1/1024.
  std::uint64_t least_of_tiles = ~std::uint64_t{0};
};

using PlaneCounts = std::vector<PlaneCount>;

PlaneCounts count_planes(const Source& source, const Range& range, unsigned threads);

}  // namespace meadow
