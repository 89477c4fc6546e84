// BF16 weights cut into a plane of 4-bit codes for their upper bytes and a plane of lower bytes: a
// runtime codec, decoded inside the product. The layout is that of
// kernels/bf16_planes/bf16_planes.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "meadow/base/huge_pages.h"
#include "meadow/base/raw_vector.h"
#include "meadow/kernels/bf16_planes/bf16_planes.h"
#include "meadow/number/dtype.h"

namespace meadow {

// Planes of a weight [rows, columns].
struct Bf16Planes {
  std::size_t rows = 0;
  std::size_t columns = 0;
  StreamedBytes codes;
  StreamedBytes lower;
  Bytes tables;
  std::vector<kernels::Escape> escapes;
  std::vector<std::uint32_t> escaped;

  [[nodiscard]] kernels::Bf16PlaneRows view() const noexcept {
    return {codes.data(), lower.data(), tables.data(), escapes.data(), escaped.data(), columns};
  }
  // The size of everything that a product reads.
  [[nodiscard]] std::size_t bytes() const noexcept;
};

// The longest row whose units an escape can name.
constexpr std::size_t kMostPlaneColumns = std::size_t{65536} * kernels::kUnitColumns;

// Writes the BF16 bits of one row.
using RowReader = std::function<void(std::size_t row, std::uint16_t* values)>;

// A reader for rows of BF16, or of F16 or F32 that hold only BF16 values.
RowReader bf16_rows(FloatType type, const void* values, std::size_t columns);

// The table of each 64 rows holds their 16 most frequent upper bytes; all others are escapes.
// Throws InvalidArgument for an empty weight, for rows that are too long, and for more escapes than
// 32 bits can count.
Bf16Planes encode_bf16_planes(std::size_t rows, std::size_t columns, const RowReader& read_row,
                              unsigned threads);

// Checks what the kernels rely on: where the escapes of each group begin, their units and their
// order. Throws Corrupt.
void check_escapes(const kernels::Bf16PlaneRows& planes, std::size_t rows, std::size_t escapes);

}  // namespace meadow
