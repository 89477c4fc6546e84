// Decodes several symbols per look-up, six streams in turn. The source is the same for every ISA
// that shifts by a register in one operation (BMI2's shrx, AArch64's lsr). Only their files include
// it, so everything is in an anonymous namespace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "meadow/kernels/huffman/huffman.h"

namespace meadow::kernels {
namespace {

// 64 bits hold up to 7 bits that were read before, four times 12 bits, and the mark above them.
constexpr std::size_t kLooks = 4;
constexpr std::size_t kMostSymbols = kLooks * kSymbolsPerSlot;
constexpr std::size_t kMostBytes = (7 + kLooks * kHuffmanBits) / 8;
constexpr std::uint64_t kMark = std::uint64_t{1} << 63;

std::uint64_t load_word(const std::uint8_t* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

// A stream between two look-ups. The highest set bit of `hold` is a mark: the bits above it have
// been read, so no counter is needed.
struct Reader {
  const std::uint8_t* in;
  std::uint8_t* out;
  std::uint64_t hold;

  void refill(unsigned bits) noexcept { hold = (load_word(in) | kMark) >> bits; }

  // 6 operations, of which 4 form a chain: and, load, shift, shift.
  void look(const HuffmanSlots& slots) noexcept {
    const std::uint64_t slot = slots.many[hold & (kHuffmanSlots - 1)];
    std::memcpy(out, &slot, sizeof slot);
    hold >>= (slot >> 48) & 63;
    out += slot >> 56;
  }

  void turn() noexcept {
    const auto bits = static_cast<unsigned>(__builtin_clzll(hold));
    in += bits / 8;
    refill(bits % 8);
  }
};

// How many times each stream can do kLooks look-ups without bounds checks: each time it reads up to
// 8 bytes, advances by at most kMostBytes, and writes up to 8 bytes at each of at most kMostSymbols
// places.
std::size_t safe_turns(const Reader& reader, const std::uint8_t* in_end,
                       const std::uint8_t* out_end) noexcept {
  const auto bytes = static_cast<std::size_t>(in_end - reader.in);
  const auto symbols = static_cast<std::size_t>(out_end - reader.out);
  if (bytes < 8 + kMostBytes || symbols < 8 + kMostSymbols) return 0;
  const std::size_t by_bytes = (bytes - 8) / kMostBytes;
  const std::size_t by_symbols = (symbols - 8) / kMostSymbols;
  return by_bytes < by_symbols ? by_bytes : by_symbols;
}

std::size_t safe_turns_of_all(const Reader* readers, const HuffmanStreams& streams) noexcept {
  std::size_t turns = ~std::size_t{0};
  for (std::size_t s = 0; s < kHuffmanStreams; ++s) {
    const std::size_t own = safe_turns(readers[s], streams.in[kHuffmanStreams], streams.out[s + 1]);
    turns = own < turns ? own : turns;
  }
  return turns;
}

void decode_side_by_side(const HuffmanSlots& slots, const HuffmanStreams& streams,
                         Reader* readers) noexcept {
  while (const std::size_t turns = safe_turns_of_all(readers, streams)) {
    Reader r[kHuffmanStreams];  // in registers
    for (std::size_t s = 0; s < kHuffmanStreams; ++s) r[s] = readers[s];
    for (std::size_t turn = 0; turn < turns; ++turn) {
#pragma GCC unroll 4
      for (std::size_t n = 0; n < kLooks; ++n) {
#pragma GCC unroll 6
        for (std::size_t s = 0; s < kHuffmanStreams; ++s) r[s].look(slots);
      }
#pragma GCC unroll 6
      for (std::size_t s = 0; s < kHuffmanStreams; ++s) r[s].turn();
    }
    for (std::size_t s = 0; s < kHuffmanStreams; ++s) readers[s] = r[s];
  }
}

// The word at byte `at`; bytes past the end are zeros.
std::uint64_t word_within(const std::uint8_t* in, std::uint64_t size, std::uint64_t at) noexcept {
  if (at + 8 <= size) return load_word(in + at);
  std::uint64_t word = 0;
  for (std::uint64_t i = at; i < size; ++i) word |= std::uint64_t{in[i]} << (8 * (i - at));
  return word;
}

// Decodes the rest of one stream; `bits` bits of its first byte have been read.
bool decode_end(const HuffmanSlots& slots, const std::uint8_t* in, const std::uint8_t* in_end,
                std::uint8_t* out, const std::uint8_t* out_end, unsigned bits) noexcept {
  std::uint64_t read = bits;
  const auto size = static_cast<std::uint64_t>(in_end - in);
  while (out != out_end) {
    const std::uint64_t word = word_within(in, size, read / 8);
    const std::uint16_t slot = slots.one[(word >> (read % 8)) & (kHuffmanSlots - 1)];
    *out++ = static_cast<std::uint8_t>(slot);
    read += slot >> 8;
  }
  if (read > 8 * size || 8 * size - read >= 8) return false;
  return read % 8 == 0 || in[size - 1] >> (read % 8) == 0;
}

bool decode(const HuffmanSlots& slots, const HuffmanStreams& streams) noexcept {
  Reader readers[kHuffmanStreams];
  const std::uint8_t* end = streams.in[kHuffmanStreams];
  for (std::size_t s = 0; s < kHuffmanStreams; ++s) {
    readers[s] = {streams.in[s], streams.out[s], kMark};
    if (end - readers[s].in >= 8) readers[s].refill(0);
  }
  decode_side_by_side(slots, streams, readers);
  bool whole = true;
  for (std::size_t s = 0; s < kHuffmanStreams; ++s) {
    Reader reader = readers[s];
    for (std::size_t turns = safe_turns(reader, end, streams.out[s + 1]); turns != 0;
         turns = safe_turns(reader, end, streams.out[s + 1])) {
      for (; turns != 0; --turns) {
#pragma GCC unroll 4
        for (std::size_t n = 0; n < kLooks; ++n) reader.look(slots);
        reader.turn();
      }
    }
    // A stream that ran into the next one has read more than it holds.
    whole &= reader.in <= streams.in[s + 1] &&
             decode_end(slots, reader.in, streams.in[s + 1], reader.out, streams.out[s + 1],
                        static_cast<unsigned>(__builtin_clzll(reader.hold)));
  }
  return whole;
}

// Bits waiting to be written.
struct BitWriter {
  std::uint8_t* out;
  std::uint64_t hold;
  unsigned held;  // below 8 between turns

  void put(std::uint64_t bits, unsigned count) noexcept {  // count at most 56
    hold |= bits << held;
    held += count;
    std::memcpy(out, &hold, sizeof hold);
    out += held / 8;
    hold >>= held & ~7U;
    held &= 7;
  }
};

// Four symbols a turn: their codes are joined before they are added to the waiting bits, so that
// each symbol costs a quarter of the dependency chain. A turn takes 18 operations with pairs, else
// 32.
std::size_t encode_pairs(const std::uint32_t* pairs, const std::uint8_t* symbols, std::size_t count,
                         BitWriter& writer) noexcept {
  BitWriter bits = writer;
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    std::uint32_t four;
    std::memcpy(&four, symbols + i, sizeof four);
    const std::uint64_t ab = pairs[four & 0xFFFF];
    const std::uint64_t cd = pairs[four >> 16];
    bits.put((ab >> 8) | ((cd >> 8) << (ab & 63)), static_cast<unsigned>((ab + cd) & 0xFF));
  }
  writer = bits;
  return i;
}

std::size_t encode_fours(const HuffmanCodes& codes, const std::uint8_t* symbols, std::size_t count,
                         BitWriter& writer) noexcept {
  BitWriter bits = writer;
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    const std::uint64_t a = codes.code[symbols[i]];
    const std::uint64_t b = codes.code[symbols[i + 1]];
    const std::uint64_t c = codes.code[symbols[i + 2]];
    const std::uint64_t d = codes.code[symbols[i + 3]];
    const std::uint64_t ab = (a >> 8) | ((b >> 8) << (a & 63));
    const std::uint64_t cd = (c >> 8) | ((d >> 8) << (c & 63));
    bits.put(ab | (cd << ((a + b) & 63)), static_cast<unsigned>((a + b + c + d) & 0xFF));
  }
  writer = bits;
  return i;
}

std::uint8_t* encode(const HuffmanCodes& codes, const std::uint8_t* symbols, std::size_t count,
                     std::uint8_t* out) noexcept {
  BitWriter bits{out, 0, 0};
  std::size_t i = codes.pairs != nullptr ? encode_pairs(codes.pairs, symbols, count, bits)
                                         : encode_fours(codes, symbols, count, bits);
  for (; i < count; ++i) {
    const std::uint32_t code = codes.code[symbols[i]];
    bits.put(code >> 8, code & 0xFF);
  }
  return bits.out + (bits.held + 7) / 8;  // `put` has written the last bits, too
}

}  // namespace
}  // namespace meadow::kernels
