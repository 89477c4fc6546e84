// How wide the fields of a strip are, and where their range lies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace meadow {

// How often each code from -128 on occurs.
using CodeCounts = std::array<std::uint32_t, 256>;

struct FieldRange {
  unsigned width;    // 2 to 8
  std::int16_t low;  // lowest of the 2^width codes that need no escape
};

// The range of an escape's addend: 7 bits, signed.
constexpr int kLowestAddend = -64;
constexpr int kHighestAddend = 63;

// The range with the least cost: the bytes of fields and escapes, plus, for each escape, the bytes
// that could have been read in the time it takes.
FieldRange cheapest_range(const CodeCounts& counts);

}  // namespace meadow
