// The cheapest packets for a sequence of indices: their length and the set of widths.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/codec/stream.h"

namespace meadow {

// Element w is the number of indices in packets whose largest index needs w bits.
using NeedCounts = std::array<std::uint64_t, kMaxWidth + 1>;

struct PacketPlan {
  unsigned length;
  std::vector<std::uint8_t> widths;  // ascending; the last one holds every index
  std::uint64_t bits;                // modes and indices
};

// The best plan for packets of `length` with these needs, among sets of 1, 2, 4, 8, 16 and 32
// widths.
PacketPlan best_widths(const NeedCounts& needs, std::uint64_t packets, unsigned length);

// The cheapest plan. If `length` is 0, lengths from 1 to 64 are tried (powers of two and three
// times them); if no widths are given, the best set is found for each length. In a tie the shorter
// packet wins, then the plan with fewer widths.
PacketPlan plan_packets(std::span<const std::uint32_t> indices, unsigned length,
                        const std::vector<std::uint8_t>& widths, unsigned threads);

}  // namespace meadow
