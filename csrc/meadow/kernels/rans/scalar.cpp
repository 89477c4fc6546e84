// The specification of the family, one symbol at a time.
#include <cstring>

#include "meadow/kernels/rans/rans.h"

namespace meadow::kernels {
namespace {

std::uint32_t next_word(RansWords& words) noexcept {
  std::uint16_t word;
  std::memcpy(&word, words.next, sizeof word);
  words.next += sizeof word;
  return word;
}

std::size_t decode(const std::uint32_t* slots, std::uint32_t* states, RansWords* words,
                   std::uint8_t* symbols, std::size_t groups) noexcept {
  RansWords left = *words;
  std::size_t done = 0;
  while (done < groups && static_cast<std::size_t>(left.end - left.next) >= kRansRoom) {
    for (std::size_t lane = 0; lane < kRansLanes; ++lane) {
      const std::uint32_t entry = slots[states[lane] & 0xFFF];
      std::uint32_t state = (entry & 0xFFF) * (states[lane] >> 12) + (entry >> 20);
      if (state < kRansLow) state = (state << 16) | next_word(left);
      states[lane] = state;
      symbols[done * kRansLanes + lane] = static_cast<std::uint8_t>(entry >> 12);
    }
    ++done;
  }
  *words = left;
  return done;
}

std::uint8_t* encode(const RansSymbol* table, std::uint32_t* states, const std::uint8_t* symbols,
                     std::size_t groups, std::uint8_t* words_end) noexcept {
  for (std::size_t i = groups * kRansLanes; i-- > 0;) {
    const RansSymbol& symbol = table[symbols[i]];
    std::uint32_t state = states[i % kRansLanes];
    if (state >= static_cast<std::uint64_t>(symbol.frequency) << 20) {
      const auto word = static_cast<std::uint16_t>(state);
      words_end -= sizeof word;
      std::memcpy(words_end, &word, sizeof word);
      state >>= 16;
    }
    const auto quotient = static_cast<std::uint32_t>((state * symbol.reciprocal) >> 44);
    states[i % kRansLanes] =
        state + quotient * (static_cast<std::uint32_t>(kRansSlots) - symbol.frequency) +
        symbol.start;
  }
  return words_end;
}

bool put_back(std::uint8_t* symbols, std::size_t count, std::uint8_t escape,
              const std::uint8_t* bytes, std::size_t available) noexcept {
  std::uint8_t* const end = symbols + count;
  std::size_t used = 0;
  while (symbols < end) {
    auto* found = static_cast<std::uint8_t*>(
        std::memchr(symbols, escape, static_cast<std::size_t>(end - symbols)));
    if (found == nullptr) break;
    if (used == available) return false;
    *found = bytes[used++];
    symbols = found + 1;
  }
  return used == available;
}

}  // namespace

const RansKernels rans_scalar = {decode, encode, put_back};

}  // namespace meadow::kernels
