// F16 weights that BF16 cannot hold, cut into planes of 6-bit codes for their upper bytes and a
// plane of lower bytes: a runtime codec, decoded inside the product. The layout is that of
// kernels/f16_planes/f16_planes.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "meadow/base/huge_pages.h"
#include "meadow/base/raw_vector.h"
#include "meadow/kernels/f16_planes/f16_planes.h"

namespace meadow {

// Planes of a weight [rows, columns].
struct F16Planes {
  std::size_t rows = 0;
  std::size_t columns = 0;
  StreamedBytes codes;
  StreamedBytes lower;
  Bytes tables;
  std::vector<kernels::F16Escape> escapes;
  std::vector<std::uint32_t> escaped;

  [[nodiscard]] kernels::F16PlaneRows view() const noexcept {
    return {codes.data(), lower.data(), tables.data(), escapes.data(), escaped.data(), columns};
  }
  // The size of everything that a product reads.
  [[nodiscard]] std::size_t bytes() const noexcept;
};

// The table of each 64 rows holds their 64 most frequent upper bytes; all others are escapes.
// Throws InvalidArgument for an empty weight, for NaN and infinities, and for more escapes than 32
// bits can count.
F16Planes encode_f16_planes(std::size_t rows, std::size_t columns, const std::uint16_t* values,
                            unsigned threads);

// Checks what the kernels rely on: where the escapes of each strip begin, and that they stay inside
// it. Throws Corrupt.
void check_escapes(const kernels::F16PlaneRows& planes, std::size_t rows, std::size_t escapes);

}  // namespace meadow
