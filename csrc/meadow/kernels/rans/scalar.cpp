// The specification of the family, one symbol at a time.
#include <cstring>

#include "meadow/kernels/rans/rans.h"

namespace meadow::kernels {
namespace {

// Whether a state takes a word cannot be predicted, so there is no branch on it: a word is read or
// written each time, and the position moves by a word or not at all.
std::size_t decode(const std::uint32_t* slots, std::uint32_t* states, RansWords* words,
                   std::uint8_t* symbols, std::size_t groups) noexcept {
  RansWords left = *words;
  std::size_t done = 0;
  while (done < groups && static_cast<std::size_t>(left.end - left.next) >= kRansRoom) {
    for (std::size_t lane = 0; lane < kRansLanes; ++lane) {
      const std::uint32_t entry = slots[states[lane] & 0xFFF];
      const std::uint32_t state = (entry & 0xFFF) * (states[lane] >> 12) + (entry >> 20);
      const std::uint32_t takes = state < kRansLow ? 1 : 0;
      std::uint16_t word;
      std::memcpy(&word, left.next, sizeof word);
      states[lane] = (state << (16 * takes)) | (word & (0U - takes));
      left.next += takes * sizeof word;
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
    const std::uint32_t gives = (state >> 20) >= symbol.frequency ? 1 : 0;
    const auto word = static_cast<std::uint16_t>(state);
    std::memcpy(words_end - sizeof word, &word, sizeof word);
    words_end -= gives * sizeof word;
    state >>= 16 * gives;
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
