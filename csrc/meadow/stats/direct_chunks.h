// Finds the unique chunks of at most 16 bits by a table with a row for every possible chunk.
#pragma once

#include "meadow/stats/chunk_reader.h"

namespace meadow {

constexpr unsigned kMaxDirectBits = 16;

UniqueChunks unique_chunks_direct(const CodeMatrix& codes, unsigned chunk, unsigned threads);

}  // namespace meadow
