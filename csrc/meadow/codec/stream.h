// A coded weight as bytes: header, dictionary, tile index, tiles, checksum. The layout is specified
// in docs/format.md; header.h has the fixed part and its checks, and this file has the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/base/raw_vector.h"
#include "meadow/codec/header.h"

namespace meadow {

// A stream whose sizes agree with its length. Spans point into it.
struct StreamView {
  StreamHeader header;
  std::span<const std::uint8_t> dictionary;
  std::vector<std::span<const std::uint8_t>> tiles;
  std::size_t bytes;
};

// Throws Truncated, Corrupt or NewerVersion. Allocates no more than the stream's length justifies.
StreamView parse_stream(std::span<const std::uint8_t> stream);

// Fills `indices` from a tile; false if the tile does not have exactly the length that they need.
using TileDecoder = bool (*)(const StreamHeader& header, std::span<const std::uint8_t> tile,
                             std::span<std::uint32_t> indices) noexcept;

// Allocates a stream with tiles of these sizes and writes its header, dictionary and tile index.
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

// The dictionary as [unique, chunk] elements of header.element_bytes(). Throws Corrupt if padding
// bits are not zero.
Bytes unpack_dictionary(const StreamView& view);

}  // namespace meadow
