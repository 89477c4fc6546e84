#include "meadow/blob/plane_counts.h"

#include <algorithm>

#include "meadow/base/error.h"
#include "meadow/blob/tile.h"
#include "meadow/stats/histogram.h"

namespace meadow {
namespace {

constexpr double kFractions = 1024.0;  // of a bit

void add_tile(std::span<const std::uint8_t> symbols, PlaneCount& plane) {
  if (symbols.empty()) return;
  ByteCounts counts{};
  count_bytes(symbols, counts);
  const double bits = entropy(std::span<const std::uint64_t>(counts));
  plane.bits_of_tiles += static_cast<std::uint64_t>(bits * static_cast<double>(symbols.size()));
  plane.least_of_tiles =
      std::min(plane.least_of_tiles, static_cast<std::uint64_t>(bits * kFractions));
  for (std::size_t i = 0; i < counts.size(); ++i) plane.counts[i] += counts[i];
}

void add(const PlaneCount& own, PlaneCount& sum) {
  for (std::size_t i = 0; i < own.counts.size(); ++i) sum.counts[i] += own.counts[i];
  sum.bits_of_tiles += own.bits_of_tiles;
  sum.least_of_tiles = std::min(sum.least_of_tiles, own.least_of_tiles);
}

}  // namespace

// Counts the symbols of planes. Each thread has its own tables, so that memory does not grow with
// the tensor; sums of integers are the same however the work is divided.
PlaneCounts count_planes(const Source& source, const Range& range, unsigned threads) {
  const Geometry geometry(source.head);
  const std::size_t tiles = block_count(source.head.tile_count(), range.tile_step);
  const std::size_t tables = std::min<std::size_t>(tiles, usable_threads(threads));
  const std::size_t most = range.records * source.head.layout.record_bytes;
  std::vector<PlaneCounts> found(tables, PlaneCounts(source.head.layout.planes.size()));
  parallel_for(tables, threads, [&](std::size_t first) {
    TilePlanes planes;
    for (std::size_t i = first; i < tiles; i += tables) {
      throw_if_cancelled();
      const std::size_t n = i * range.tile_step;
      const auto tile = source.tile(n);
      split_tile(geometry, tile.first(std::min(tile.size(), most)), n * source.head.tile_records,
                 planes, range.last_plane == 1);
      for (std::size_t p = range.first_plane; p < range.last_plane; ++p) {
        add_tile(planes.planes[p], found[first][p]);
      }
    }
  });
  PlaneCounts sum(source.head.layout.planes.size());
  for (const PlaneCounts& own : found) {
    for (std::size_t p = 0; p < own.size(); ++p) add(own[p], sum[p]);
  }
  return sum;
}

}  // namespace meadow
