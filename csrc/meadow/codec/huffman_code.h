// A canonical prefix code of bytes with codes of at most 12 bits: its lengths, and what follows.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "meadow/base/raw_vector.h"
#include "meadow/kernels/huffman/huffman.h"

namespace meadow {

using ByteCounts = std::array<std::uint64_t, 256>;

// Bits of each symbol's code in the prefix code with the fewest bits of all whose longest code has
// at most `longest` bits (package merge: Larmore and Hirschberg, "A fast algorithm for optimal
// length-limited Huffman codes", JACM 1990); without a limit that is Huffman's own. 0: the symbol
// does not occur. A lone symbol takes one bit. Throws InvalidArgument for a limit that is too short
// for the symbols, and for more occurrences than its sums hold: 2^56, or 2^64 / longest with a
// limit.
std::vector<std::uint8_t> huffman_lengths(std::span<const std::uint64_t> counts,
                                          std::optional<unsigned> longest = std::nullopt);

class HuffmanCode {
 public:
  // The code of `huffman_lengths`. Two symbols at least must occur; throws InvalidArgument
  // otherwise, and for a longest code that is above 12 bits or too short for so many symbols.
  static HuffmanCode optimal(const ByteCounts& counts, unsigned longest = kernels::kHuffmanBits);

  // Reads what `serialized` wrote, and nothing more. Throws Corrupt for lengths that are no
  // complete code.
  static HuffmanCode parse(std::span<const std::uint8_t> table);

  [[nodiscard]] Bytes serialized() const;
  [[nodiscard]] std::uint64_t cost_bits(const ByteCounts& counts) const noexcept;
  [[nodiscard]] unsigned entries() const noexcept;  // symbols that have a code
  [[nodiscard]] unsigned longest() const noexcept;
  [[nodiscard]] bool has(std::uint8_t symbol) const noexcept { return lengths_[symbol] != 0; }

  [[nodiscard]] kernels::HuffmanCodes codes() const noexcept;
  [[nodiscard]] RawVector<std::uint32_t> pairs() const;  // for HuffmanCodes
  [[nodiscard]] std::unique_ptr<kernels::HuffmanSlots> slots() const;
  // Those of one symbol alone, which the scalar kernel reads: made ten times as fast, for some
  // thousand symbols.
  [[nodiscard]] std::unique_ptr<kernels::HuffmanSlots> slots_of_one() const;

 private:
  std::array<std::uint8_t, 256> lengths_{};  // 0: the symbol does not occur
};

}  // namespace meadow
