// Probabilities in 4096ths: their cost, and the cheapest ones.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace meadow {

inline constexpr unsigned kRansBits = 12;
inline constexpr unsigned kRansTotal = 1U << kRansBits;

// The bits of one symbol whose frequency is 1..4096: log2(4096 / frequency). Only IEEE additions,
// multiplications and divisions are used, so that the result is the same on every machine.
double rans_symbol_bits(unsigned frequency);

struct RansFrequencies {
  std::array<std::uint16_t, 256> of{};  // 0: no slots of its own
  std::uint16_t escape = 0;             // of all symbols without slots together; 0: no escape

  bool operator==(const RansFrequencies&) const = default;
};

// The frequencies with the cheapest payload for 256 counts, at least one of them not zero. A few
// thresholds are tried for merging rare symbols into the escape; given that choice, the frequencies
// are optimal.
RansFrequencies best_rans_frequencies(std::span<const std::uint64_t> counts);

// The size in bits of the payload of symbols with these counts, with 8 bits for each escaped one;
// infinite if a symbol has neither slots nor an escape.
double rans_cost_bits(const RansFrequencies& frequencies, std::span<const std::uint64_t> counts);

}  // namespace meadow
