#include "meadow/codec/packet_search.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "meadow/base/bits.h"
#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

constexpr std::uint64_t kNoPlan = std::numeric_limits<std::uint64_t>::max() / 2;
// Two chains of lengths; each step folds pairs of packets of the step before.
constexpr std::array<unsigned, 2> kChainStarts = {1, 3};
constexpr unsigned kLongest = 64;

std::vector<unsigned> candidate_lengths() {
  std::vector<unsigned> lengths;
  for (const unsigned start : kChainStarts) {
    for (unsigned length = start; length <= kLongest; length *= 2) lengths.push_back(length);
  }
  return lengths;
}

// The bits that the largest of every `factor` values needs; the last group may be short.
void fold(std::vector<std::uint8_t>& needs, std::size_t factor) {
  if (factor == 1) return;
  const std::size_t groups = block_count(needs.size(), factor);
  const std::size_t whole = needs.size() / factor;
  for (std::size_t g = 0; g < whole; ++g) {
    std::uint8_t need = needs[g * factor];
    for (std::size_t i = 1; i < factor; ++i) need = std::max(need, needs[g * factor + i]);
    needs[g] = need;
  }
  if (whole < groups) {
    needs[whole] =
        *std::max_element(needs.begin() + static_cast<std::ptrdiff_t>(whole * factor), needs.end());
  }
  needs.resize(groups);
}

std::vector<std::uint8_t> needs_of(std::span<const std::uint32_t> indices) {
  std::vector<std::uint8_t> needs(indices.size());
  std::transform(indices.begin(), indices.end(), needs.begin(), [](std::uint32_t index) {
    return static_cast<std::uint8_t>(std::bit_width(index));
  });
  return needs;
}

// `count` indices lie in the packets that `needs` describes.
void add_counts(NeedCounts& counts, const std::vector<std::uint8_t>& needs, std::size_t length,
                std::size_t count) noexcept {
  for (const std::uint8_t need : needs) counts[need] += length;
  if (!needs.empty()) counts[needs.back()] -= needs.size() * length - count;
}

void add(NeedCounts& into, const NeedCounts& from) noexcept {
  for (std::size_t w = 0; w < into.size(); ++w) into[w] += from[w];
}

// Needs of one tile for all candidate lengths, each of which divides kTileChunks.
void add_tile(std::span<const std::uint32_t> tile, std::vector<NeedCounts>& counts) {
  const std::vector<std::uint8_t> single = needs_of(tile);
  std::size_t n = 0;
  for (const unsigned start : kChainStarts) {
    std::vector<std::uint8_t> needs = single;
    fold(needs, start);
    for (unsigned length = start; length <= kLongest; length *= 2, ++n) {
      if (length > start) fold(needs, 2);
      add_counts(counts[n], needs, length, tile.size());
    }
  }
}

// Cheapest cover of all needs by at most k widths, for every k at once: the largest width of a
// cover must hold the largest need, and the needs between two widths pay for the upper one.
class WidthCover {
 public:
  explicit WidthCover(const NeedCounts& needs) {
    for (std::size_t w = 0; w < needs.size(); ++w) {
      if (needs[w] == 0) continue;
      widths_.push_back(static_cast<std::uint8_t>(w));
      counts_.push_back(needs[w]);
    }
    if (widths_.empty()) {
      widths_.push_back(0);
      counts_.push_back(0);
    }
    fill();
  }

  [[nodiscard]] std::size_t distinct() const noexcept { return widths_.size(); }

  [[nodiscard]] std::uint64_t cost(std::size_t k) const noexcept { return cost_[k - 1].back(); }

  [[nodiscard]] std::vector<std::uint8_t> widths(std::size_t k) const {
    std::vector<std::uint8_t> chosen;
    std::size_t last = widths_.size() - 1;
    for (std::size_t level = k - 1;; --level) {
      chosen.push_back(widths_[last]);
      if (level == 0) break;
      last = before_[level][last];
    }
    std::reverse(chosen.begin(), chosen.end());
    return chosen;
  }

 private:
  // Needs `from` to `to` (positions in widths_) at the width of `to`.
  [[nodiscard]] std::uint64_t run_cost(std::size_t from, std::size_t to) const noexcept {
    std::uint64_t count = 0;
    for (std::size_t i = from; i <= to; ++i) count += counts_[i];
    return count * widths_[to];
  }

  void fill() {
    const std::size_t n = widths_.size();
    cost_.assign(n, std::vector<std::uint64_t>(n, kNoPlan));
    before_.assign(n, std::vector<std::size_t>(n, 0));
    for (std::size_t last = 0; last < n; ++last) cost_[0][last] = run_cost(0, last);
    for (std::size_t level = 1; level < n; ++level) {
      for (std::size_t last = level; last < n; ++last) {
        for (std::size_t previous = level - 1; previous < last; ++previous) {
          const std::uint64_t bits = cost_[level - 1][previous] + run_cost(previous + 1, last);
          if (bits >= cost_[level][last]) continue;
          cost_[level][last] = bits;
          before_[level][last] = previous;
        }
      }
    }
  }

  std::vector<std::uint8_t> widths_;
  std::vector<std::uint64_t> counts_;
  std::vector<std::vector<std::uint64_t>> cost_;  // [widths - 1][position of the largest]
  std::vector<std::vector<std::size_t>> before_;  // position of the next smaller width
};

// The cost with given widths: each need at the first width that holds it.
PacketPlan with_widths(const NeedCounts& needs, std::uint64_t packets, unsigned length,
                       const std::vector<std::uint8_t>& widths) {
  PacketPlan plan{length, widths, packets * index_width(widths.size())};
  std::size_t choice = 0;
  for (std::size_t need = 0; need < needs.size(); ++need) {
    while (choice + 1 < widths.size() && widths[choice] < need) ++choice;
    plan.bits += needs[need] * widths[choice];
  }
  return plan;
}

// Needs of all tiles at the chosen lengths; `add_tile` fills one NeedCounts for each.
template <typename AddTile>
std::vector<NeedCounts> sum_tiles(std::span<const std::uint32_t> indices, std::size_t tile_chunks,
                                  std::size_t lengths, unsigned threads, const AddTile& add_one) {
  const std::size_t tiles = block_count(indices.size(), tile_chunks);
  std::vector<std::vector<NeedCounts>> counts(tiles, std::vector<NeedCounts>(lengths));
  parallel_for(tiles, threads, [&](std::size_t n) {
    const Block tile = nth_block(n, indices.size(), tile_chunks);
    add_one(indices.subspan(tile.begin, tile.end - tile.begin), counts[n]);
  });
  std::vector<NeedCounts> total(lengths);
  for (const std::vector<NeedCounts>& tile : counts) {
    for (std::size_t i = 0; i < lengths; ++i) add(total[i], tile[i]);
  }
  return total;
}

std::vector<NeedCounts> needs_at(std::span<const std::uint32_t> indices, unsigned length,
                                 unsigned threads) {
  const std::size_t tile_chunks = kTileChunks / length * length;
  return sum_tiles(indices, tile_chunks, 1, threads,
                   [length](std::span<const std::uint32_t> tile, std::vector<NeedCounts>& counts) {
                     std::vector<std::uint8_t> needs = needs_of(tile);
                     fold(needs, length);
                     add_counts(counts[0], needs, length, tile.size());
                   });
}

}  // namespace

PacketPlan best_widths(const NeedCounts& needs, std::uint64_t packets, unsigned length) {
  const WidthCover cover(needs);
  PacketPlan best{length, {}, kNoPlan};
  for (unsigned mode_bits = 0; mode_bits <= 5; ++mode_bits) {
    const std::size_t k = std::min(cover.distinct(), std::size_t{1} << mode_bits);
    const std::uint64_t bits = cover.cost(k) + packets * index_width(k);
    if (bits < best.bits) best = {length, cover.widths(k), bits};
  }
  return best;
}

PacketPlan plan_packets(std::span<const std::uint32_t> indices, unsigned length,
                        const std::vector<std::uint8_t>& widths, unsigned threads) {
  const std::vector<unsigned> lengths =
      length == 0 ? candidate_lengths() : std::vector<unsigned>{length};
  const std::vector<NeedCounts> needs =
      length == 0 ? sum_tiles(indices, kTileChunks, lengths.size(), threads, add_tile)
                  : needs_at(indices, length, threads);
  PacketPlan best{1, {0}, kNoPlan};
  for (std::size_t n = 0; n < lengths.size(); ++n) {
    const std::uint64_t packets = block_count(indices.size(), lengths[n]);
    PacketPlan plan = widths.empty() ? best_widths(needs[n], packets, lengths[n])
                                     : with_widths(needs[n], packets, lengths[n], widths);
    if (plan.bits < best.bits || (plan.bits == best.bits && plan.length < best.length)) {
      best = std::move(plan);
    }
  }
  return best;
}

}  // namespace meadow
