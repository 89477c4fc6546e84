// The kernels of the interleaved rANS coder (J. Duda, "Asymmetric numeral systems", 2013): 32 lanes
// of 32-bit states, 12-bit frequencies, 16-bit words. The scalar file is the specification; the
// others equal it bit for bit. This header is included by files of every ISA: it must define no
// code.
//
// Symbol i belongs to lane i % 32; 32 symbols, one for each lane, form a group. A lane decodes with
//   slot  = state % 4096
//   state = frequency(slot) * (state / 4096) + offset(slot)
//   if state < 2^16: state = 65536 * state + next word
// so words are stored in the order in which lanes 0 to 31 need them, for group 0, then group 1, ...
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

constexpr std::size_t kRansLanes = 32;
constexpr std::uint32_t kRansLow = 1U << 16;  // every state is at least this
constexpr std::size_t kRansSlots = 4096;

// The number of bytes that must be readable from the next word on to decode one more group. At most
// 64 of them are consumed; the rest is room for whole vectors.
constexpr std::size_t kRansRoom = 128;

// Little-endian 16-bit words at any address.
struct RansWords {
  const std::uint8_t* next;
  const std::uint8_t* end;
};

// How one symbol is coded. state / frequency = state * reciprocal / 2^44 for every state below
// frequency * 2^20, and the product stays below 2^64, for reciprocal = ceil(2^44 / frequency) and
// frequencies 1..4095.
struct RansSymbol {
  std::uint64_t reciprocal;
  std::uint32_t frequency;
  std::uint32_t start;  // first slot
};

struct RansKernels {
  // Decodes groups while there are any and kRansRoom bytes of words are left; returns the number of
  // decoded groups. `slots` has 4096 entries: frequency in bits 0-11, symbol in 12-19, offset in
  // 20-31.
  std::size_t (*decode)(const std::uint32_t* slots, std::uint32_t* states, RansWords* words,
                        std::uint8_t* symbols, std::size_t groups) noexcept;
  // The inverse of `decode`, from the last group to the first. Words are written backwards from
  // `words_end`; returns the first one. The 64 bytes before it may be overwritten.
  std::uint8_t* (*encode)(const RansSymbol* table, std::uint32_t* states,
                          const std::uint8_t* symbols, std::size_t groups,
                          std::uint8_t* words_end) noexcept;
  // Replaces every `escape` among `count` symbols by the next of `bytes`. True if their numbers are
  // equal.
  bool (*put_back)(std::uint8_t* symbols, std::size_t count, std::uint8_t escape,
                   const std::uint8_t* bytes, std::size_t available) noexcept;
};

const RansKernels& rans_kernels(Isa isa) noexcept;

extern const RansKernels rans_scalar;
extern const RansKernels rans_avx2;
extern const RansKernels rans_avx512;
extern const RansKernels rans_neon;

}  // namespace meadow::kernels
