// The runtime codec of integer weights: strips of 16 rows in fields as narrow as pays, multiplied
// as they are. kernels/integer/integer.h has the layout of a strip; here strips stand one behind
// the other as they are read, each with its escapes in front, both from a multiple of 64 bytes on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "meadow/base/huge_pages.h"
#include "meadow/base/thread_pool.h"
#include "meadow/kernels/integer/integer.h"

namespace meadow {

struct StripHead {
  std::uint64_t at;  // of its escapes, bytes
  std::uint32_t escapes;
  std::int16_t offset;
  std::uint8_t width;
};

class IntegerPlanes {
 public:
  IntegerPlanes(std::size_t rows, std::size_t columns, std::vector<StripHead> heads,
                std::size_t size);

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] const std::vector<StripHead>& heads() const noexcept { return heads_; }
  // Everything a product reads: fields, escapes, padding and heads.
  [[nodiscard]] std::size_t bytes() const noexcept;
  [[nodiscard]] std::size_t blocks() const noexcept;  // of a strip
  [[nodiscard]] kernels::IntegerStrip strip(std::size_t n) const noexcept;
  [[nodiscard]] std::uint8_t* data() noexcept { return data_.data(); }

 private:
  std::size_t rows_;
  std::size_t columns_;
  std::vector<StripHead> heads_;
  StreamedBytes data_;
};

enum class PlaneWidths {
  kDense,   // 4 for codes from -8 to 7, else 8: no escapes
  kPacked,  // of each strip what the cost model chooses
};

// Codes [rows, columns], row by row. Throws InvalidArgument for none, and for more columns than
// sums of products in 32 bits take.
IntegerPlanes encode_integer_planes(const std::int8_t* codes, std::size_t rows, std::size_t columns,
                                    PlaneWidths widths, unsigned threads);

void decode_integer_planes(const IntegerPlanes& planes, std::int8_t* codes, unsigned threads);

// Rows of one strip, [rows, columns].
void decode_integer_rows(const IntegerPlanes& planes, Block rows, std::int8_t* codes);

}  // namespace meadow
