// Reads memory as fast as this host can: the yardstick for the products of the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace meadow {

// The exclusive or of all words, read once, on `threads` threads (0: all cores).
std::uint64_t read_words(std::span<const std::uint64_t> words, unsigned threads);

}  // namespace meadow
