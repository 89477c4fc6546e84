// Finds the unique chunks of more than 16 bits.
//
// 1. Every chunk is sent to a partition by its hash; a partition keeps the order of positions.
// 2. Each partition finds its distinct chunks with a hash table that fits the cache, and writes for
//    each chunk the position where it appeared first.
// 3. A chunk that is its own first appearance gets the next index; the others look theirs up.
// The order is that of first appearance for any number of partitions and threads.
#pragma once

#include "meadow/stats/chunk_reader.h"

namespace meadow {

template <typename Key>
UniqueChunks unique_chunks_hashed(const CodeMatrix& codes, unsigned chunk, unsigned threads);

extern template UniqueChunks unique_chunks_hashed<std::uint32_t>(const CodeMatrix&, unsigned,
                                                                 unsigned);
extern template UniqueChunks unique_chunks_hashed<std::uint64_t>(const CodeMatrix&, unsigned,
                                                                 unsigned);
extern template UniqueChunks unique_chunks_hashed<WideKey<2>>(const CodeMatrix&, unsigned,
                                                              unsigned);
extern template UniqueChunks unique_chunks_hashed<WideKey<4>>(const CodeMatrix&, unsigned,
                                                              unsigned);
extern template UniqueChunks unique_chunks_hashed<WideKey<8>>(const CodeMatrix&, unsigned,
                                                              unsigned);

}  // namespace meadow
