// Huffman coding of one tile of a plane of bytes: six streams that decode side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "meadow/codec/huffman_code.h"

namespace meadow {

// Symbols of one tile, at most: the size of a stream is told in 16 bits.
constexpr std::size_t kMaxTileSymbols = std::size_t{1} << 17;

// Most bytes that `huffman_encode` touches.
std::size_t huffman_bound(std::size_t symbols) noexcept;

// Payload: sizes of the first five streams, 2 bytes each, then the streams; stream s holds the
// symbols from s * ceil(count / 6) on. Nothing for no symbols. Returns its end.
std::uint8_t* huffman_encode(const kernels::HuffmanCodes& codes,
                             std::span<const std::uint8_t> symbols, std::uint8_t* out) noexcept;

// False unless the payload holds exactly these many symbols. By the kernels of the active ISA, or
// by those given.
bool huffman_decode(const kernels::HuffmanSlots& slots, std::span<const std::uint8_t> payload,
                    std::span<std::uint8_t> symbols) noexcept;
bool huffman_decode(const kernels::HuffmanKernels& kernels, const kernels::HuffmanSlots& slots,
                    std::span<const std::uint8_t> payload,
                    std::span<std::uint8_t> symbols) noexcept;

}  // namespace meadow
