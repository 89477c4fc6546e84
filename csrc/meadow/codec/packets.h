// MEADOW's packets: runs of indices, each at one of a few widths, which its mode bits name. With
// re-indexing, frequent chunks get the small indices.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "meadow/codec/chunked_codes.h"
#include "meadow/codec/stream.h"

namespace meadow {

struct PacketOptions {
  bool reindex = true;
  unsigned length = 0;               // 0: the best
  std::vector<std::uint8_t> widths;  // ascending; empty: the best
};

// Throws InvalidArgument for a length outside 1 to 4096 and for widths that are not ascending, more
// than 32, or too narrow for the largest index.
Bytes pack_packets(const ChunkedCodes& source, const PacketOptions& options);

bool decode_packets_tile(const StreamHeader& header, std::span<const std::uint8_t> tile,
                         std::span<std::uint32_t> indices) noexcept;

// The bits of the indices without the modes; reads the mode of every packet.
std::uint64_t index_bits_of_packets(const StreamView& view, unsigned threads);

}  // namespace meadow
