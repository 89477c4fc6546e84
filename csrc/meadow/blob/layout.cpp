#include "meadow/blob/layout.h"

#include <algorithm>
#include <string>

#include "meadow/base/error.h"

namespace meadow {
namespace {

unsigned mantissa_of_upper(FloatType content) noexcept {
  return content == FloatType::kF16 ? 10 : 7;  // F32's upper half is a BF16
}

// In 64 bits: a hostile number times 8 must not wrap around to a small one.
std::uint64_t bits_of(const Layout& layout, const PlaneShape& plane) noexcept {
  return layout.kind == LayoutKind::kGroups ? plane.width : std::uint64_t{8} * plane.count;
}

std::uint64_t first_bit_of(const Layout& layout, const PlaneShape& plane) noexcept {
  return layout.kind == LayoutKind::kGroups ? plane.offset : std::uint64_t{8} * plane.offset;
}

void require_record(const Layout& layout) {
  const unsigned bytes = layout.record_bytes;
  if (bytes < 1 || bytes > kMostRecordBytes) {
    invalid("bytes of a record: expected 1 to " + std::to_string(kMostRecordBytes) + ", found " +
            std::to_string(bytes));
  }
  if (layout.kind == LayoutKind::kGroups && (bytes > 8 || (bytes & (bytes - 1)) != 0)) {
    invalid("bytes of an element: expected 1, 2, 4 or 8, found " + std::to_string(bytes));
  }
  if (layout.planes.empty() || layout.planes.size() > kMostPlanes) {
    invalid("planes: expected 1 to " + std::to_string(kMostPlanes) + ", found " +
            std::to_string(layout.planes.size()));
  }
}

void require_shape(const Layout& layout, const PlaneShape& plane) {
  const bool groups = layout.kind == LayoutKind::kGroups;
  const bool fits = groups ? plane.count == 1 && plane.width >= 1 && plane.width <= 8
                           : plane.count >= 1 && plane.width == 8;
  if (fits && first_bit_of(layout, plane) + bits_of(layout, plane) <=
                  std::uint64_t{8} * layout.record_bytes) {
    return;
  }
  invalid("plane: expected " +
          std::string(groups ? "a group of 1 to 8 bits" : "symbols of 8 bits, one or more,") +
          " inside a record of " + std::to_string(layout.record_bytes) + " bytes, found " +
          std::to_string(plane.count) + " of " + std::to_string(plane.width) + " bits from bit " +
          std::to_string(first_bit_of(layout, plane)) + " on");
}

}  // namespace

std::size_t Layout::most_symbols_per_record() const noexcept {
  unsigned most = 1;
  for (const PlaneShape& plane : planes) most = std::max(most, plane.count);
  return most;
}

kernels::FloatCut Layout::cut() const noexcept {
  const unsigned shift = mantissa_of_upper(content) - top;
  const unsigned field_bits = 15 - shift;
  const unsigned escape = field_bits <= 8 ? 256 : 256 - (1U << top);
  return {shift, static_cast<std::uint16_t>((1U << field_bits) - 1),
          static_cast<std::uint16_t>(escape), static_cast<std::uint16_t>((1U << top) - 1)};
}

std::vector<PlaneShape> scaled_planes(FloatType content, unsigned top) {
  const unsigned shift = mantissa_of_upper(content) - top;
  std::vector<PlaneShape> planes = {{shift, 1, 8}, {0, 1, shift + 1}};
  if (content == FloatType::kF32) {
    planes.push_back({1, 1, 8});
    planes.push_back({0, 1, 8});
  }
  return planes;
}

void require_partition(const Layout& layout) {
  require_record(layout);
  std::vector<bool> held(std::size_t{8} * layout.record_bytes, false);
  std::size_t total = 0;
  for (const PlaneShape& plane : layout.planes) {
    require_shape(layout, plane);
    const auto first = static_cast<std::size_t>(first_bit_of(layout, plane));
    const auto bits = static_cast<std::size_t>(bits_of(layout, plane));
    for (std::size_t bit = first; bit < first + bits; ++bit) held[bit] = true;
    total += bits;
  }
  if (total != held.size() || std::count(held.begin(), held.end(), false) != 0) {
    invalid("planes: expected each of the " + std::to_string(held.size()) +
            " bits of a record in one plane, found " + std::to_string(total) + " bits in planes");
  }
}

}  // namespace meadow
