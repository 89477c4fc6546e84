// How the bytes of a tensor are cut into planes of symbols.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "meadow/kernels/float_cut/float_cut.h"
#include "meadow/number/dtype.h"

namespace meadow {

// A record is the unit that repeats: one element, or one block of quantised values.
enum class LayoutKind : std::uint8_t {
  kSegments = 1,  // a plane holds the same run of bytes of every record
  kGroups = 2,    // a plane holds a group of neighbouring bits of every element (Huff-LLM)
  kScaled = 3,    // floats: exponent and top mantissa bits less scales of row and column; the rest
  kGrid = 4,  // groups of floats that are multiples of a scale: the multiples; bytes of the scale
  kPalette = 5,  // groups of few distinct floats: numbers in their table; the table's bytes
};

// For kSegments `offset` and `count` are in bytes and `width` is 8. For kGroups `offset` is in bits
// and `count` is 1. For kScaled they follow from the cut. For kGrid and kPalette a record is a
// group: plane 0 has a symbol for each value, and the others byte `offset` of the scale or of the
// table.
struct PlaneShape {
  unsigned offset;
  unsigned count;  // symbols of a record
  unsigned width;  // bits of a symbol, at most 8
};

struct Layout {
  LayoutKind kind = LayoutKind::kSegments;
  unsigned record_bytes = 1;
  std::vector<PlaneShape> planes;
  // For kScaled and kGrid only:
  FloatType stored = FloatType::kBF16;   // F32, F16 or BF16
  FloatType content = FloatType::kBF16;  // the narrowest of them that holds every value
  unsigned top = 0;                      // mantissa bits in a symbol; kScaled only

  [[nodiscard]] std::size_t most_symbols_per_record() const noexcept;
  // For kPalette: a plane holds each byte of a value.
  [[nodiscard]] unsigned value_bytes() const noexcept {
    return static_cast<unsigned>(planes.size()) - 1;
  }
  // For kScaled: how the upper 16 bits are cut.
  [[nodiscard]] kernels::FloatCut cut() const noexcept;
};

// The planes of kScaled: symbols; sign and low mantissa bits; for F32 also the two lower bytes.
std::vector<PlaneShape> scaled_planes(FloatType content, unsigned top);

// Throws InvalidArgument for records of 0 or more than 4096 bytes, for elements of kGroups that do
// not have 1, 2, 4 or 8 bytes, and for planes that do not hold each bit of a record once.
void require_partition(const Layout& layout);

constexpr unsigned kMostRecordBytes = 4096;
constexpr unsigned kMostPlanes = 64;

}  // namespace meadow
