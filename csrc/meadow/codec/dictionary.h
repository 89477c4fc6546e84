// MEADOW's naive packing: the dictionary, and every index at the width of the largest one.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "meadow/codec/chunked_codes.h"
#include "meadow/codec/stream.h"

namespace meadow {

Bytes pack_dictionary(const ChunkedCodes& source);

// Throws Corrupt for packets, re-indexing, or another width than the dictionary needs.
void check_dictionary_header(const StreamHeader& header);

bool decode_dictionary_tile(const StreamHeader& header, std::span<const std::uint8_t> tile,
                            std::span<std::uint32_t> indices) noexcept;

std::uint64_t index_bits_of_dictionary(const StreamView& view, unsigned threads) noexcept;

}  // namespace meadow
