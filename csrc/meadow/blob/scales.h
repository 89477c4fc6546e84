// Scales of the rows and columns of a float matrix, as powers of two to be taken off exponents.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "meadow/blob/header.h"
#include "meadow/blob/layout.h"

namespace meadow {

// The bases of F32, F16 or BF16 values [rows, columns] and the base that lets the fewest escape,
// chosen on a sample: none, by column, or by row and column, whichever costs the fewest bits.
// `scaled` false: only the base.
Bases choose_bases(const Layout& layout, std::span<const std::uint8_t> bytes, std::size_t columns,
                   bool scaled, unsigned threads);

}  // namespace meadow
