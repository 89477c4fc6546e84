// A few bytes with a code of their own: the bases of rows and columns.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "meadow/base/raw_vector.h"

namespace meadow {

// Writes the coding, the size of the table in 2 bytes, the table, and payloads of up to 2^16 bytes,
// each with its size.
Bytes encode_bytes(std::span<const std::uint8_t> bytes);

// Throws Corrupt unless `coded` holds exactly `count` bytes.
std::vector<std::uint8_t> decode_bytes(std::span<const std::uint8_t> coded, std::uint64_t count);

}  // namespace meadow
