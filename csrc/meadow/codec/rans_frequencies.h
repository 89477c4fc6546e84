// Probabilities in 4096ths: what they cost, and those that cost least.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace meadow {

inline constexpr unsigned kRansBits = 12;
inline constexpr unsigned kRansTotal = 1U << kRansBits;

// Bits of one symbol whose frequency is 1..4096: log2(4096 / frequency). Computed with nothing but
// IEEE additions, multiplications and divisions, so that it is the same number on every machine.
double rans_symbol_bits(unsigned frequency);

struct RansFrequencies {
  std::array<std::uint16_t, 256> of{};  // 0: without slots of its own
  std::uint16_t escape = 0;             // of all symbols without slots together; 0: there are none

  bool operator==(const RansFrequencies&) const = default;
};

// The frequencies with the cheapest payload for 256 counts, at least one of them not zero. Which
// symbols are merged into the escape is chosen among a few thresholds; given that, the frequencies
// are the optimum.
RansFrequencies best_rans_frequencies(std::span<const std::uint64_t> counts);

// The payload in bits of symbols with these counts, 8 bits for each escaped one; infinite if there
// is a symbol that has neither slots nor an escape.
double rans_cost_bits(const RansFrequencies& frequencies, std::span<const std::uint64_t> counts);

}  // namespace meadow
