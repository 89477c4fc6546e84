#include "meadow/blob/tile_groups.h"

#include <algorithm>
#include <bit>

#include "meadow/blob/grid.h"
#include "meadow/blob/palette.h"

namespace meadow {

void split_grids(const Geometry& geometry, std::span<const std::uint8_t> bytes, std::size_t first,
                 TilePlanes& tile) {
  const Layout& layout = *geometry.layout;
  const std::size_t size = layout.planes[0].count;
  const bool wide = layout.content == FloatType::kF32;
  const auto* words = reinterpret_cast<const std::uint32_t*>(bytes.data());
  const std::uint16_t* upper = wide ? nullptr : upper_halves(layout, bytes, tile.upper);
  for (std::size_t n = 0; n < bytes.size() / layout.record_bytes; ++n) {
    const float scale = (*geometry.scales)[first + n];
    for (std::size_t i = n * size; i < (n + 1) * size; ++i) {
      const std::uint32_t bits = wide ? words[i] : upper[i];
      tile.planes[0][i] = grid_symbol(layout.content, bits, scale);
    }
    const auto bits = std::bit_cast<std::uint32_t>(scale);
    for (unsigned b = 0; b < kScaleBytes; ++b) {
      tile.planes[1 + b][n] = static_cast<std::uint8_t>(bits >> (8 * b));
    }
  }
}

bool merge_grids(const Layout& layout, TilePlanes& tile, std::span<std::uint8_t> bytes) {
  const std::size_t size = layout.planes[0].count;
  const std::size_t groups = bytes.size() / layout.record_bytes;
  const bool wide = layout.content == FloatType::kF32;
  const bool in_place = !wide && layout.stored == layout.content;
  if (!wide && !in_place) tile.upper.resize(groups * size);
  auto* upper = in_place ? reinterpret_cast<std::uint16_t*>(bytes.data()) : tile.upper.data();
  for (std::size_t n = 0; n < groups; ++n) {
    std::uint32_t bits = 0;
    for (unsigned b = 0; b < kScaleBytes; ++b) {
      bits |= std::uint32_t{tile.at[1 + b][n]} << (8 * b);
    }
    const auto scale = std::bit_cast<float>(bits);
    if (!is_grid_scale(scale)) return false;
    const std::span<const std::uint8_t> symbols(tile.at[0] + n * size, size);
    if (wide) {
      merge_grid_f32(symbols, scale, reinterpret_cast<std::uint32_t*>(bytes.data()) + n * size);
    } else {
      merge_grid(layout.content, symbols, scale, upper + n * size);
    }
  }
  if (!wide && !in_place) widen(layout, tile, upper, bytes);
  return true;
}

void split_palettes(const Layout& layout, std::span<const std::uint8_t> bytes, TilePlanes& tile) {
  const std::size_t size = layout.planes[0].count;
  const std::size_t entries = layout.planes[1].count;
  const unsigned value_bytes = layout.value_bytes();
  std::vector<std::uint32_t> palette;
  for (std::size_t n = 0; n < bytes.size() / layout.record_bytes; ++n) {
    const auto group = bytes.subspan(n * layout.record_bytes, layout.record_bytes);
    palette_of(group, value_bytes, palette);
    number_values(group, value_bytes, palette, &tile.planes[0][n * size]);
    for (std::size_t i = 0; i < entries; ++i) {
      const std::uint32_t value = palette[std::min(i, palette.size() - 1)];
      for (unsigned b = 0; b < value_bytes; ++b) {
        tile.planes[1 + b][n * entries + i] = static_cast<std::uint8_t>(value >> (8 * b));
      }
    }
  }
}

bool merge_palettes(const Layout& layout, const TilePlanes& tile, std::span<std::uint8_t> bytes) {
  const std::size_t size = layout.planes[0].count;
  const unsigned value_bytes = layout.value_bytes();
  std::vector<std::uint32_t> palette(layout.planes[1].count);
  for (std::size_t n = 0; n < bytes.size() / layout.record_bytes; ++n) {
    for (std::size_t i = 0; i < palette.size(); ++i) {
      palette[i] = 0;
      for (unsigned b = 0; b < value_bytes; ++b) {
        palette[i] |= std::uint32_t{tile.at[1 + b][n * palette.size() + i]} << (8 * b);
      }
    }
    const std::span<const std::uint8_t> numbers(tile.at[0] + n * size, size);
    if (!merge_palette(numbers, palette, value_bytes, &bytes[n * layout.record_bytes])) {
      return false;
    }
  }
  return true;
}

}  // namespace meadow
