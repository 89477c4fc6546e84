// The runtime codec of integer weights: strips of 16 rows in fields as narrow as pays, multiplied
// without decoding them first. kernels/integer/integer.h has the layout of a strip. The strips lie
// one after another in the order in which they are read, each preceded by its escapes; both start
// at a multiple of 64 bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/base/huge_pages.h"
#include "meadow/base/thread_pool.h"
#include "meadow/kernels/integer/integer.h"

namespace meadow {

struct StripHead {
  std::uint64_t at;  // where its escapes begin, in bytes
  std::uint32_t escapes;
  std::int16_t offset;
  std::uint8_t width;
  std::uint8_t reserved = 0;
};

class IntegerPlanes {
 public:
  IntegerPlanes(IntegerPlanes&&) noexcept = default;
  IntegerPlanes& operator=(IntegerPlanes&&) noexcept = default;
  IntegerPlanes(const IntegerPlanes&) = delete;
  IntegerPlanes& operator=(const IntegerPlanes&) = delete;
  ~IntegerPlanes() = default;

  IntegerPlanes(std::size_t rows, std::size_t columns, std::vector<StripHead> heads,
                std::size_t size);
  // Over memory that must outlive it; `check_integer_planes` checks the contents.
  IntegerPlanes(std::size_t rows, std::size_t columns, std::span<const StripHead> heads,
                std::span<const std::uint8_t> data);

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }
  [[nodiscard]] std::span<const StripHead> heads() const noexcept { return heads_; }
  [[nodiscard]] std::span<const std::uint8_t> data() const noexcept { return data_; }
  // The size of everything a product reads: fields, escapes, padding and heads.
  [[nodiscard]] std::size_t bytes() const noexcept;
  [[nodiscard]] std::size_t blocks() const noexcept;  // of a strip
  [[nodiscard]] kernels::IntegerStrip strip(std::size_t n) const noexcept;
  // Only for planes that own their memory.
  [[nodiscard]] std::uint8_t* strip_data(std::size_t n) noexcept {
    return owned_data_.data() + heads_[n].at;
  }

 private:
  std::size_t rows_;
  std::size_t columns_;
  std::vector<StripHead> owned_heads_;  // empty, like the data, if others own them
  StreamedBytes owned_data_;
  std::span<const StripHead> heads_;
  std::span<const std::uint8_t> data_;
};

enum class PlaneWidths {
  kDense,   // 4 for codes from -8 to 7, else 8, without escapes
  kPacked,  // chosen for each strip by the cost model
};

// Encodes codes [rows, columns], row by row. Throws InvalidArgument if there are none, and for more
// columns than sums of products in 32 bits allow.
IntegerPlanes encode_integer_planes(const std::int8_t* codes, std::size_t rows, std::size_t columns,
                                    PlaneWidths widths, unsigned threads);

// Checks what the kernels rely on: where strips lie, their widths and offsets, and that escapes
// give codes of 8 bits in existing columns. Throws InvalidArgument for the shape, otherwise
// Corrupt.
void check_integer_planes(const IntegerPlanes& planes, PlaneWidths widths);

void decode_integer_planes(const IntegerPlanes& planes, std::int8_t* codes, unsigned threads);

// Decodes rows of one strip to [rows, columns].
void decode_integer_rows(const IntegerPlanes& planes, Block rows, std::int8_t* codes);

}  // namespace meadow
