// Walks over the chunks of a matrix and turns each into a key: its elements' bytes, then zeros.
#pragma once

#include <array>
#include <cstring>

#include "meadow/base/bits.h"
#include "meadow/stats/chunks.h"

namespace meadow {

// The bytes of a chunk of up to 16 elements of up to 4 bytes.
template <std::size_t kWords>
using WideKey = std::array<std::uint64_t, kWords>;

class ChunkReader {
 public:
  ChunkReader(const CodeMatrix& codes, unsigned chunk) noexcept
      : codes_(codes),
        chunk_bytes_(std::size_t{chunk} * codes.element_bytes),
        row_bytes_(codes.columns * codes.element_bytes),
        per_row_(chunks_per_row(codes.columns, chunk)),
        end_(codes.data + codes.bytes()) {}

  [[nodiscard]] std::size_t count() const noexcept { return codes_.rows * per_row_; }
  [[nodiscard]] std::size_t chunk_bytes() const noexcept { return chunk_bytes_; }

  // Calls visit(position, first byte, bytes of the chunk that lie in the row).
  template <typename Visit>
  void for_each(std::size_t begin, std::size_t end, const Visit& visit) const {
    if (row_bytes_ % chunk_bytes_ == 0) {  // no short chunks: the matrix is one long row
      for (std::size_t position = begin; position < end; ++position) {
        visit(position, codes_.data + position * chunk_bytes_, chunk_bytes_);
      }
      return;
    }
    for (std::size_t position = begin; position < end; ++position) {
      const std::size_t at = (position % per_row_) * chunk_bytes_;
      const std::size_t left = row_bytes_ - at;
      visit(position, codes_.data + (position / per_row_) * row_bytes_ + at,
            left < chunk_bytes_ ? left : chunk_bytes_);
    }
  }

  // A key of up to 8 bytes: one masked load if memory past the chunk may be read.
  [[nodiscard]] std::uint64_t narrow_key(const std::uint8_t* at, std::size_t bytes) const noexcept {
    std::uint64_t key = 0;
    if (end_ - at >= 8) {
      std::memcpy(&key, at, 8);
      return key & low_bits(static_cast<unsigned>(8 * bytes));
    }
    std::memcpy(&key, at, bytes);
    return key;
  }

  void read_key(const std::uint8_t* at, std::size_t bytes, std::uint32_t& key) const noexcept {
    key = static_cast<std::uint32_t>(narrow_key(at, bytes));
  }
  void read_key(const std::uint8_t* at, std::size_t bytes, std::uint64_t& key) const noexcept {
    key = narrow_key(at, bytes);
  }
  template <std::size_t kWords>
  void read_key(const std::uint8_t* at, std::size_t bytes, WideKey<kWords>& key) const noexcept {
    key = {};
    std::memcpy(key.data(), at, bytes);
  }

  // Copies a chunk into a dictionary, padding included.
  void copy(const std::uint8_t* at, std::size_t bytes, std::uint8_t* out) const noexcept {
    if (bytes == 8 && chunk_bytes_ == 8) return static_cast<void>(std::memcpy(out, at, 8));
    if (bytes == 4 && chunk_bytes_ == 4) return static_cast<void>(std::memcpy(out, at, 4));
    std::memcpy(out, at, bytes);
    std::memset(out + bytes, 0, chunk_bytes_ - bytes);
  }

 private:
  CodeMatrix codes_;
  std::size_t chunk_bytes_;
  std::size_t row_bytes_;
  std::size_t per_row_;
  const std::uint8_t* end_;
};

}  // namespace meadow
