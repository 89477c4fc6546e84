// XXH64 (xxHash by Yann Collet, specification doc/xxhash_spec.md, seed 0).
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {

std::uint64_t xxh64(const std::uint8_t* data, std::size_t size);

}  // namespace meadow
