// Scales of the rows and columns of a float matrix: powers of two, subtracted from exponents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "meadow/blob/header.h"
#include "meadow/blob/layout.h"

namespace meadow {

// The bases of F32, F16 or BF16 values [rows, columns], chosen on a sample: none, by column, or by
// row and column, whichever costs the fewest bits; and the common base with the fewest escapes. If
// `scaled` is false, only the common base.
Bases choose_bases(const Layout& layout, std::span<const std::uint8_t> bytes, std::size_t columns,
                   bool scaled, unsigned threads);

}  // namespace meadow
