// A coded weight as bytes: header, dictionary, tile index, tiles, checksum. The layout is specified
// in docs/format.md; this file is where it is written and where it is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/base/raw_vector.h"

namespace meadow {

enum class Codec : std::uint8_t { kDictionary = 1, kPackets = 2 };

constexpr std::size_t kFixedHeaderBytes = 40;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::size_t kTileIndexEntryBytes = 4;
// At most; whole packets of every length that the search tries (see packet_search.cpp).
constexpr std::size_t kTileChunks = 3 << 14;
constexpr unsigned kMaxWidth = 32;
constexpr unsigned kMaxPacketLength = 4096;
constexpr std::uint8_t kFormatVersion = 1;

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

  // Derived; the header must have passed the checks of `parse_stream` or come from the encoder.
  [[nodiscard]] unsigned mode_bits() const noexcept;
  [[nodiscard]] unsigned element_bytes() const noexcept;
  [[nodiscard]] std::uint64_t cut_rows() const noexcept;     // rows that are cut in chunks
  [[nodiscard]] std::uint64_t cut_columns() const noexcept;  // and their length
  [[nodiscard]] std::uint64_t chunk_count() const noexcept;
  [[nodiscard]] std::uint64_t tile_chunks() const noexcept;  // whole packets
  [[nodiscard]] std::uint64_t tile_count() const noexcept;
  [[nodiscard]] std::uint64_t header_bytes() const noexcept;
  [[nodiscard]] std::uint64_t dictionary_bits() const noexcept;
};

// A stream whose sizes all agree with its length. Spans point into it.
struct StreamView {
  StreamHeader header;
  std::span<const std::uint8_t> dictionary;
  std::vector<std::span<const std::uint8_t>> tiles;
  std::size_t bytes;
};

// Throws Truncated, Corrupt or NewerVersion. Allocates no more than the stream's length justifies.
StreamView parse_stream(std::span<const std::uint8_t> stream);

// Room for a stream with tiles of these sizes; header, dictionary and tile index are in place.
class StreamBuilder {
 public:
  // `dictionary`: [unique, chunk] elements.
  StreamBuilder(const StreamHeader& header, std::span<const std::uint8_t> dictionary,
                const std::vector<std::size_t>& tile_bytes);

  [[nodiscard]] std::uint8_t* tile(std::size_t n) noexcept { return &stream_[tile_starts_[n]]; }
  Bytes finish();

 private:
  Bytes stream_;
  std::vector<std::size_t> tile_starts_;
};

// [unique, chunk] elements of header.element_bytes().
Bytes unpack_dictionary(const StreamView& view);

// For those who change a stream on purpose, as the fuzzers do.
void fix_checksum(std::span<std::uint8_t> stream) noexcept;

}  // namespace meadow
