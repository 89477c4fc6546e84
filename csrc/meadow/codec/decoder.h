// From a stream back to codes, whichever codec wrote it.
#pragma once

#include <cstdint>
#include <span>

#include "meadow/codec/chunked_codes.h"
#include "meadow/codec/stream.h"

namespace meadow {

// Codes of the stream as header().element_bytes() per element, rows * columns of them. Throws
// Corrupt for an index outside the dictionary, a mode without a width, a tile of the wrong length.
Bytes decode_codes(const StreamView& view, unsigned threads);

// Throws std::logic_error if the stream does not decode to the codes that it was packed from.
void verify_stream(std::span<const std::uint8_t> stream, const ChunkedCodes& source);

// Where every bit of a stream goes; they add up to 8 * bytes.
struct StreamLedger {
  std::uint64_t header;  // with tile index and checksum
  std::uint64_t dictionary;
  std::uint64_t modes;
  std::uint64_t indices;
  std::uint64_t padding;  // up to a whole byte, behind the dictionary and each tile
};

StreamLedger ledger_of(const StreamView& view, unsigned threads);

}  // namespace meadow
