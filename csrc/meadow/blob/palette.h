// Floats of which each group of a row has few distinct ones: a table of them for each group, and
// the number in the table for each float. The specification is in docs/format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meadow {

constexpr std::size_t kMostPaletteEntries = 256;

// Adds a value to those in ascending order, unless it is among them.
void insert_value(std::vector<std::uint32_t>& ascending, std::uint32_t value);

// The bit patterns of a group in ascending order, each once; those that follow the first 257 are
// left out.
void palette_of(std::span<const std::uint8_t> group, unsigned value_bytes,
                std::vector<std::uint32_t>& palette);

// Writes the number of each value in the palette.
void number_values(std::span<const std::uint8_t> group, unsigned value_bytes,
                   std::span<const std::uint32_t> palette, std::uint8_t* numbers) noexcept;

// Puts the values of a group in place. False unless the palette ascends (only its last value may be
// repeated, to fill it) and the numbers end with that of its last value.
bool merge_palette(std::span<const std::uint8_t> numbers, std::span<const std::uint32_t> palette,
                   unsigned value_bytes, std::uint8_t* out) noexcept;

}  // namespace meadow
