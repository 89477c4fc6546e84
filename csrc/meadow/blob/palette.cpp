#include "meadow/blob/palette.h"

#include <algorithm>
#include <array>

#include "meadow/base/bits.h"

namespace meadow {
namespace {

std::uint32_t value_at(const std::uint8_t* at, unsigned value_bytes) noexcept {
  return value_bytes == 2 ? load<std::uint16_t>(at) : load<std::uint32_t>(at);
}

template <typename Value>
void put_values(std::span<const std::uint8_t> numbers, std::span<const std::uint32_t> palette,
                std::uint8_t* out) noexcept {
  std::array<Value, kMostPaletteEntries> table{};  // whole: any number finds an entry
  std::transform(palette.begin(), palette.end(), table.begin(),
                 [](std::uint32_t value) { return static_cast<Value>(value); });
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    store(out + i * sizeof(Value), table[numbers[i]]);
  }
}

}  // namespace

void insert_value(std::vector<std::uint32_t>& ascending, std::uint32_t value) {
  const auto at = std::lower_bound(ascending.begin(), ascending.end(), value);
  if (at == ascending.end() || *at != value) ascending.insert(at, value);
}

void palette_of(std::span<const std::uint8_t> group, unsigned value_bytes,
                std::vector<std::uint32_t>& palette) {
  palette.clear();
  for (std::size_t at = 0; at < group.size(); at += value_bytes) {
    insert_value(palette, value_at(&group[at], value_bytes));
    if (palette.size() > kMostPaletteEntries) return;
  }
}

void number_values(std::span<const std::uint8_t> group, unsigned value_bytes,
                   std::span<const std::uint32_t> palette, std::uint8_t* numbers) noexcept {
  for (std::size_t at = 0; at < group.size(); at += value_bytes) {
    const auto found =
        std::lower_bound(palette.begin(), palette.end(), value_at(&group[at], value_bytes));
    *numbers++ = static_cast<std::uint8_t>(found - palette.begin());
  }
}

bool merge_palette(std::span<const std::uint8_t> numbers, std::span<const std::uint32_t> palette,
                   unsigned value_bytes, std::uint8_t* out) noexcept {
  std::size_t entries = 1;
  while (entries < palette.size() && palette[entries] > palette[entries - 1]) ++entries;
  const std::uint32_t last = palette[entries - 1];
  const auto rest = palette.subspan(entries);
  const auto is_last = [last](std::uint32_t value) { return value == last; };
  std::uint8_t most = 0;
  for (const std::uint8_t number : numbers) most = std::max(most, number);
  if (most + std::size_t{1} != entries || !std::all_of(rest.begin(), rest.end(), is_last)) {
    return false;
  }
  value_bytes == 2 ? put_values<std::uint16_t>(numbers, palette, out)
                   : put_values<std::uint32_t>(numbers, palette, out);
  return true;
}

}  // namespace meadow
