// Tables of counts, and the order-0 entropy of a table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/number/dtype.h"

namespace meadow {

using Counts = std::vector<std::uint64_t>;

// How often each value of the low `bits` bits occurs, for elements of 1 or 2 bytes and bits <= 16.
Counts count_symbols(const void* values, std::size_t count, unsigned element_bytes, unsigned bits,
                     unsigned threads);

// Tables for sign, exponent and mantissa; the 23 bits of an F32 mantissa are cut into slices of 7,
// 8 and 8.
std::vector<Counts> count_fields(const void* values, std::size_t count, FloatType type,
                                 unsigned threads);

// Shannon's H = -sum p log2 p, in bits per symbol; 0 for an empty table.
double entropy(std::span<const std::uint64_t> counts);
double entropy(std::span<const std::uint32_t> counts);

}  // namespace meadow
