// The NEON of every AArch64: arithmetic in eight vectors of four lanes, slots loaded one by one.
#include <arm_neon.h>

#include <cstring>

#include "meadow/kernels/rans/rans.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kWidth = 4;                      // lanes of a vector
constexpr std::size_t kVectors = kRansLanes / kWidth;  // of a group

// For every set of lanes that take a word: the bytes of the next words that become the low half of
// each lane; 255 selects zero.
struct BytesOfLane {
  alignas(16) std::uint8_t of[16][16];
  std::uint8_t words[16];

  constexpr BytesOfLane() noexcept : of(), words() {
    for (unsigned taking = 0; taking < 16; ++taking) {
      for (unsigned byte = 0; byte < 16; ++byte) of[taking][byte] = 255;
      std::uint8_t next = 0;
      for (std::size_t lane = 0; lane < kWidth; ++lane) {
        if (((taking >> lane) & 1) == 0) continue;
        of[taking][kWidth * lane] = static_cast<std::uint8_t>(2 * next);
        of[taking][kWidth * lane + 1] = static_cast<std::uint8_t>(2 * next + 1);
        ++next;
      }
      words[taking] = next;
    }
  }
};
constexpr BytesOfLane kBytesOfLane;

uint32x4_t load_entries(const std::uint32_t* slots, uint32x4_t states_u32x4) noexcept {
  const uint32x4_t indices_u32x4 = vandq_u32(states_u32x4, vdupq_n_u32(0xFFF));
  uint32x4_t entries_u32x4 = vld1q_dup_u32(slots + vgetq_lane_u32(indices_u32x4, 0));
  entries_u32x4 = vld1q_lane_u32(slots + vgetq_lane_u32(indices_u32x4, 1), entries_u32x4, 1);
  entries_u32x4 = vld1q_lane_u32(slots + vgetq_lane_u32(indices_u32x4, 2), entries_u32x4, 2);
  return vld1q_lane_u32(slots + vgetq_lane_u32(indices_u32x4, 3), entries_u32x4, 3);
}

uint32x4_t advance(uint32x4_t states_u32x4, uint32x4_t entries_u32x4) noexcept {
  const uint32x4_t frequencies_u32x4 = vandq_u32(entries_u32x4, vdupq_n_u32(0xFFF));
  return vmlaq_u32(vshrq_n_u32(entries_u32x4, 20), frequencies_u32x4,
                   vshrq_n_u32(states_u32x4, 12));
}

// Gives the next words to the lanes below 2^16, in the order of the lanes.
uint32x4_t take_words(uint32x4_t states_u32x4, const std::uint8_t*& words) noexcept {
  static const std::uint32_t kBits[kWidth] = {1, 2, 4, 8};
  const uint32x4_t taking_u32x4 = vcltq_u32(states_u32x4, vdupq_n_u32(kRansLow));
  const std::uint32_t taking = vaddvq_u32(vandq_u32(taking_u32x4, vld1q_u32(kBits)));
  const uint8x16_t next_u8x16 = vcombine_u8(vld1_u8(words), vdup_n_u8(0));
  const uint8x16_t words_u8x16 = vqtbl1q_u8(next_u8x16, vld1q_u8(kBytesOfLane.of[taking]));
  words += 2 * std::size_t{kBytesOfLane.words[taking]};
  const uint32x4_t longer_u32x4 =
      vorrq_u32(vshlq_n_u32(states_u32x4, 16), vreinterpretq_u32_u8(words_u8x16));
  return vbslq_u32(taking_u32x4, longer_u32x4, states_u32x4);
}

// Entry bits 12 to 19 of eight lanes.
uint8x8_t symbols_of(uint32x4_t low_u32x4, uint32x4_t high_u32x4) noexcept {
  const uint16x8_t both_u16x8 =
      vcombine_u16(vmovn_u32(vshrq_n_u32(low_u32x4, 12)), vmovn_u32(vshrq_n_u32(high_u32x4, 12)));
  return vmovn_u16(both_u16x8);
}

std::size_t decode(const std::uint32_t* slots, std::uint32_t* states, RansWords* words,
                   std::uint8_t* symbols, std::size_t groups) noexcept {
  const std::uint8_t* next = words->next;
  uint32x4_t states_u32x4[kVectors];
  for (std::size_t i = 0; i < kVectors; ++i) states_u32x4[i] = vld1q_u32(states + kWidth * i);
  std::size_t done = 0;
  for (; done < groups && static_cast<std::size_t>(words->end - next) >= kRansRoom; ++done) {
    uint32x4_t entries_u32x4[kVectors];
    for (std::size_t i = 0; i < kVectors; ++i) {
      entries_u32x4[i] = load_entries(slots, states_u32x4[i]);
      states_u32x4[i] = advance(states_u32x4[i], entries_u32x4[i]);
    }
    for (uint32x4_t& vector_u32x4 : states_u32x4) vector_u32x4 = take_words(vector_u32x4, next);
    std::uint8_t* const out = symbols + done * kRansLanes;
    for (std::size_t i = 0; i < kVectors; i += 2) {
      vst1_u8(out + kWidth * i, symbols_of(entries_u32x4[i], entries_u32x4[i + 1]));
    }
  }
  for (std::size_t i = 0; i < kVectors; ++i) vst1q_u32(states + kWidth * i, states_u32x4[i]);
  words->next = next;
  return done;
}

// A word for every lane needs one 64-bit multiplication, which NEON does not have.
std::uint8_t* encode(const RansSymbol* table, std::uint32_t* states, const std::uint8_t* symbols,
                     std::size_t groups, std::uint8_t* words_end) noexcept {
  return rans_scalar.encode(table, states, symbols, groups, words_end);
}

// Skips vectors without an escape; the others, and the rest, are left to the specification.
bool put_back(std::uint8_t* symbols, std::size_t count, std::uint8_t escape,
              const std::uint8_t* bytes, std::size_t available) noexcept {
  const uint8x16_t escape_u8x16 = vdupq_n_u8(escape);
  std::size_t used = 0;
  std::size_t at = 0;
  for (; at + 16 <= count; at += 16) {
    const uint8x16_t found_u8x16 = vceqq_u8(vld1q_u8(symbols + at), escape_u8x16);
    const std::size_t found = vaddvq_u8(vandq_u8(found_u8x16, vdupq_n_u8(1)));
    if (found == 0) continue;
    if (found > available - used) return false;
    rans_scalar.put_back(symbols + at, 16, escape, bytes + used, found);
    used += found;
  }
  return rans_scalar.put_back(symbols + at, count - at, escape, bytes + used, available - used);
}

}  // namespace

const RansKernels rans_neon = {decode, encode, put_back};

}  // namespace meadow::kernels
