// The codecs of coded streams: what the header, the decoder and the bindings ask of each. Each
// codec has a line in the table in stream_codecs.cpp.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "meadow/codec/stream.h"

namespace meadow {

struct StreamCodec {
  Codec codec;
  std::string_view name;
  // Throws Corrupt for fields that a stream of this codec does not have; they are in range. Null if
  // it may have any.
  void (*check_header)(const StreamHeader& header);
  TileDecoder decode_tile;
  // The bits of all indices, without the modes.
  std::uint64_t (*index_bits)(const StreamView& view, unsigned threads);
};

std::span<const StreamCodec> stream_codecs() noexcept;

// Null for a number that no codec has, which the header of a parsed stream never holds.
const StreamCodec* find_codec(Codec codec) noexcept;

}  // namespace meadow
