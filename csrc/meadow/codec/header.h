// The header of a coded stream: its fields, values derived from them, and the checks they must
// pass.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace meadow {

enum class Codec : std::uint8_t { kDictionary = 1, kPackets = 2 };

constexpr std::size_t kFixedHeaderBytes = 40;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kTileIndexEntryBytes = 4;
// The most chunks of a tile: whole packets of every length that the search tries (see
// packet_search.cpp).
constexpr std::size_t kTileChunks = 3 << 14;
constexpr unsigned kMaxCodeBits = 32;
constexpr unsigned kMaxWidth = 32;  // of an index
constexpr unsigned kMaxPacketLength = 4096;
constexpr std::uint8_t kFormatVersion = 1;
constexpr std::uint64_t kMaxSide = std::uint64_t{1} << 40;  // for rows, columns, their product

// The narrowest element of 1, 2 or 4 bytes that holds a code.
constexpr unsigned element_bytes_for(unsigned bits) noexcept {
  return bits <= 8 ? 1 : bits <= 16 ? 2 : 4;
}

struct StreamHeader {
  Codec codec = Codec::kDictionary;
  std::uint64_t rows;     // out
  std::uint64_t columns;  // in
  unsigned bits;
  bool is_signed;
  bool along_output;
  bool reindexed;
  unsigned chunk;
  std::uint32_t unique;
  unsigned packet_length;            // 1 for kDictionary
  std::vector<std::uint8_t> widths;  // ascending, at most 32; one for kDictionary

  // Derived values; the header must have passed the checks of `parse_stream` or come from the
  // encoder.
  [[nodiscard]] unsigned mode_bits() const noexcept;
  [[nodiscard]] unsigned element_bytes() const noexcept;
  [[nodiscard]] std::uint64_t cut_rows() const noexcept;     // rows that are cut into chunks
  [[nodiscard]] std::uint64_t cut_columns() const noexcept;  // their length
  [[nodiscard]] std::uint64_t chunk_count() const noexcept;
  [[nodiscard]] std::uint64_t tile_chunks() const noexcept;  // whole packets
  [[nodiscard]] std::uint64_t tile_count() const noexcept;
  [[nodiscard]] std::uint64_t header_bytes() const noexcept;
  [[nodiscard]] std::uint64_t dictionary_bits() const noexcept;
};

// Reads and checks everything up to the dictionary, and also the checksum and the length. Throws
// Truncated, Corrupt or NewerVersion.
StreamHeader read_header(std::span<const std::uint8_t> stream);

// Writes header_bytes() bytes; `bytes` is the length of the whole stream.
void write_header(std::uint8_t* out, const StreamHeader& header, std::uint64_t bytes) noexcept;

// For callers that change a stream on purpose, such as the fuzzers.
void fix_checksum(std::span<std::uint8_t> stream);

}  // namespace meadow
