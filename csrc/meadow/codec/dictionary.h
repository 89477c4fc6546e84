// MEADOW's naive packing: the dictionary, and every index at the width of the largest one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "meadow/codec/chunked_codes.h"
#include "meadow/codec/stream.h"

namespace meadow {

Bytes pack_dictionary(const ChunkedCodes& source);

bool decode_dictionary_tile(const StreamHeader& header, std::span<const std::uint8_t> tile,
                            std::span<std::uint32_t> indices) noexcept;

}  // namespace meadow
