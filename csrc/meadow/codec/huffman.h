// Huffman coding of one tile of a plane of bytes: six streams that decode side by side.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "meadow/codec/huffman_code.h"

namespace meadow {

// The most symbols of one tile, because the size of a stream is stored in 16 bits.
constexpr std::size_t kMaxTileSymbols = std::size_t{1} << 17;
// A payload begins with the sizes of all streams but the last, 2 bytes each.
constexpr std::size_t kHuffmanSizesBytes = 2 * (kernels::kHuffmanStreams - 1);

// The most bytes that `huffman_encode` touches.
std::size_t huffman_bound(std::size_t symbols) noexcept;

// Writes a payload and returns its end. A payload holds the sizes and then the streams; stream s
// starts with symbol s * ceil(count / 6). It is empty if there are no symbols.
std::uint8_t* huffman_encode(const kernels::HuffmanCodes& codes,
                             std::span<const std::uint8_t> symbols, std::uint8_t* out) noexcept;

// False unless the payload holds exactly this number of symbols. Uses the kernels of the active ISA
// or the given ones.
bool huffman_decode(const kernels::HuffmanSlots& slots, std::span<const std::uint8_t> payload,
                    std::span<std::uint8_t> symbols) noexcept;
bool huffman_decode(const kernels::HuffmanKernels& kernels, const kernels::HuffmanSlots& slots,
                    std::span<const std::uint8_t> payload,
                    std::span<std::uint8_t> symbols) noexcept;

}  // namespace meadow
