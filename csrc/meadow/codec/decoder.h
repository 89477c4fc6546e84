// Decodes a stream to codes, whichever codec wrote it.
#pragma once

#include <cstdint>
#include <span>

#include "meadow/codec/chunked_codes.h"
#include "meadow/codec/stream.h"

namespace meadow {

// The rows * columns codes of the stream, element_bytes() of its header each. Throws Corrupt for an
// index outside the dictionary, a mode without a width, and a tile of the wrong length.
Bytes decode_codes(const StreamView& view, unsigned threads);

// Throws std::logic_error if the stream does not decode to the codes that it was packed from.
void verify_stream(std::span<const std::uint8_t> stream, const ChunkedCodes& source);

// Where every bit of a stream goes; the fields add up to 8 * bytes.
struct StreamLedger {
  std::uint64_t header;  // with tile index and checksum
  std::uint64_t dictionary;
  std::uint64_t modes;
  std::uint64_t indices;
  std::uint64_t padding;  // up to a whole byte, after the dictionary and each tile
};

StreamLedger ledger_of(const StreamView& view, unsigned threads);

}  // namespace meadow
