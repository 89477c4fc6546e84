// The interleaved rANS coder of byte symbols: one call codes one tile, with a model that many tiles
// may share. See meadow/kernels/rans/rans.h for the arithmetic.
//
// The payload of n symbols:
//   constant model, or n = 0:       nothing
//   n <= 128:                       the symbols themselves
//   otherwise:                      32 states of 4 bytes, the last n % 32 symbols, the words, the
//                                   escaped bytes in order
// The 64 symbols before the last n % 32 are not coded either: the final state of lane i, which is
// usually the constant 2^16, is 2^16 + symbol 2i + 256 * symbol 2i+1 of those. That recovers most
// of the cost of 32 lanes. All integers are little endian.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "meadow/codec/rans_model.h"

namespace meadow {

// The most bytes that a tile with this number of symbols takes, whatever the model.
std::size_t rans_bound(std::size_t symbols);

// Codes one tile into `out`, which has rans_bound(symbols.size()) bytes, all of which may be
// written. Returns the size of the payload. Throws InvalidArgument for a symbol that the model
// cannot code.
std::size_t rans_encode(const RansModel& model, std::span<const std::uint8_t> symbols,
                        std::uint8_t* out);

// The inverse. False for any payload that `rans_encode` would not have written for these symbols;
// the contents of `symbols` are then undefined.
bool rans_decode(const RansModel& model, std::span<const std::uint8_t> payload,
                 std::span<std::uint8_t> symbols) noexcept;

}  // namespace meadow
