// MEADOW's naive packing: the unique matrix, and every index at the width of the largest.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "meadow/codec/chunk_codec.h"
#include "meadow/codec/stream.h"

namespace meadow {

// Fills `indices` from a tile; false if the tile is not of exactly the length that they need.
using TileDecoder = bool (*)(const StreamHeader& header, std::span<const std::uint8_t> tile,
                             std::span<std::uint32_t> indices) noexcept;

Bytes pack_dictionary(const ChunkedCodes& source);

bool decode_dictionary_tile(const StreamHeader& header, std::span<const std::uint8_t> tile,
                            std::span<std::uint32_t> indices) noexcept;

}  // namespace meadow
