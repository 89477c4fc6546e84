#include "meadow/blob/byte_counts.h"

#include <array>

namespace meadow {

// Eight tables in turn, so that a run of equal symbols does not wait for its own counter. A tile
// has fewer than 2^32 symbols.
void count_bytes(std::span<const std::uint8_t> bytes, ByteCounts& counts) noexcept {
  constexpr std::size_t kTables = 8;
  std::array<std::array<std::uint32_t, 256>, kTables> tables{};
  std::size_t i = 0;
  for (; i + kTables <= bytes.size(); i += kTables) {
    for (std::size_t t = 0; t < kTables; ++t) ++tables[t][bytes[i + t]];
  }
  for (; i < bytes.size(); ++i) ++tables[0][bytes[i]];
  for (const auto& table : tables) {
    for (std::size_t symbol = 0; symbol < table.size(); ++symbol) counts[symbol] += table[symbol];
  }
}

}  // namespace meadow
