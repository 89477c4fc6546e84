// Splits and merges tiles whose records are groups of floats: grids and palettes.
#pragma once

#include "meadow/blob/tile.h"

namespace meadow {

// With geometry.scales.
void split_grids(const Geometry& geometry, std::span<const std::uint8_t> bytes, std::size_t first,
                 TilePlanes& tile);

// False for a scale that is not allowed.
bool merge_grids(const Layout& layout, TilePlanes& tile, std::span<std::uint8_t> bytes);

void split_palettes(const Layout& layout, std::span<const std::uint8_t> bytes, TilePlanes& tile);

// False for tables and numbers that `merge_palette` refuses.
bool merge_palettes(const Layout& layout, const TilePlanes& tile, std::span<std::uint8_t> bytes);

}  // namespace meadow
