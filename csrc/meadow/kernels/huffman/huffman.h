// The kernels of Huffman coding: several streams side by side. The scalar file is the
// specification; the others equal it bit for bit. This header is included by files of every ISA: it
// must define no code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

// The longest code: the table of a decoder that looks up 12 bits fits a first-level cache of 32
// KiB.
constexpr unsigned kHuffmanBits = 12;
// Measured: with six chains of look-ups a core waits for none of them (4 streams reach 0.8 of that
// speed, and 8 spill registers); see docs/storage.md.
constexpr std::size_t kHuffmanStreams = 6;
constexpr std::size_t kHuffmanSlots = std::size_t{1} << kHuffmanBits;
constexpr std::size_t kSymbolsPerSlot = 6;

// The symbols that the next 12 bits of a stream, lowest bit first, decode to.
struct HuffmanSlots {
  // Bytes 0 to 5: the symbols whose codes lie fully in the 12 bits, at most six; byte 6: the total
  // of their bits; byte 7: their number, at least one.
  std::uint64_t many[kHuffmanSlots];
  // The first symbol, and from bit 8 on the number of its bits.
  std::uint16_t one[kHuffmanSlots];
};

// Codes to write, by symbol: the length in the low 8 bits and the code above it, lowest bit first.
// Shifting by such a word shifts by the length, because 64-bit shifts use only the low six bits of
// their count.
struct HuffmanCodes {
  std::uint32_t code[256];
  // The same for two symbols, the first in the low byte of the index; only pairs that may occur are
  // set. Null if there are too few symbols to code to justify a table of 256 KiB.
  const std::uint32_t* pairs;
};

// One tile of a plane: stream s decodes to out[s] .. out[s + 1].
struct HuffmanStreams {
  const std::uint8_t* in[kHuffmanStreams + 1];
  std::uint8_t* out[kHuffmanStreams + 1];
};

struct HuffmanKernels {
  // False unless each stream holds exactly its symbols, and zero bits up to a whole byte. Reads
  // nothing outside in[0] .. in[6], and writes nothing outside out[0] .. out[6].
  bool (*decode)(const HuffmanSlots& slots, const HuffmanStreams& streams) noexcept;
  // Writes the codes of `count` symbols, and zero bits up to a whole byte; returns the end. May
  // write up to 8 bytes past it. Every symbol must have a code.
  std::uint8_t* (*encode)(const HuffmanCodes& codes, const std::uint8_t* symbols, std::size_t count,
                          std::uint8_t* out) noexcept;
};

const HuffmanKernels& huffman_kernels(Isa isa) noexcept;

extern const HuffmanKernels huffman_scalar;
extern const HuffmanKernels huffman_avx2;
extern const HuffmanKernels huffman_neon;

}  // namespace meadow::kernels
