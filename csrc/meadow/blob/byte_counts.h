// How often each byte occurs in a plane of one tile.
#pragma once

#include <cstdint>
#include <span>

#include "meadow/codec/huffman_code.h"

namespace meadow {

// Adds to `counts`. There must be fewer than 2^32 bytes.
void count_bytes(std::span<const std::uint8_t> bytes, ByteCounts& counts) noexcept;

}  // namespace meadow
