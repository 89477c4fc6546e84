// Chunks and their dictionary: C neighbouring codes of a row are one chunk, and a short last chunk
// of a row is padded with zeros.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "meadow/base/raw_vector.h"

namespace meadow {

constexpr unsigned kMaxChunk = 16;

// Integer codes [rows, columns], row by row, not owned.
struct CodeMatrix {
  const std::uint8_t* data;
  std::size_t rows;
  std::size_t columns;
  unsigned element_bytes;  // 1, 2 or 4
  unsigned bits;           // significant low bits of each element
  bool is_signed;          // the other bits repeat the sign; otherwise they are zero

  [[nodiscard]] std::size_t count() const noexcept { return rows * columns; }
  [[nodiscard]] std::size_t bytes() const noexcept { return count() * element_bytes; }
};

// Throws InvalidArgument for a number of bits that elements of this width do not have.
void require_bits(const CodeMatrix& codes);

// Throws InvalidArgument for a code that does not fit `bits`, naming its index.
void require_codes_fit(const CodeMatrix& codes, unsigned threads);

// The codes as [columns, rows], from which chunks along the output dimension are cut.
Bytes transposed(const CodeMatrix& codes, unsigned threads);

std::size_t chunks_per_row(std::size_t columns, unsigned chunk) noexcept;

struct UniqueChunks {
  Bytes dictionary;                  // [unique, chunk] elements, in order of first appearance
  RawVector<std::uint32_t> counts;   // [unique]
  RawVector<std::uint32_t> indices;  // [rows * chunks_per_row], into the dictionary

  [[nodiscard]] std::size_t unique() const noexcept { return counts.size(); }
};

// The result, including its order, is the same for any number of threads. Throws InvalidArgument
// for a chunk size outside 1 to 16 and for 2^32 - 1 chunks or more.
UniqueChunks unique_chunks(const CodeMatrix& codes, unsigned chunk, unsigned threads);

struct GrowthPoint {
  std::size_t chunks;  // read so far
  std::size_t unique;  // distinct ones among them
};

// The size of the dictionary after 1/points, 2/points ... of the chunks, in the order in which they
// are cut. There are fewer points if there are fewer chunks; the end is always included. Throws
// InvalidArgument for 0 points.
std::vector<GrowthPoint> dictionary_growth(const UniqueChunks& chunks, std::size_t points);

}  // namespace meadow
