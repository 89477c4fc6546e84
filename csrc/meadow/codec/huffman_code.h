// A canonical prefix code for bytes with codes of at most 12 bits, defined by their lengths.
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

// The length of each symbol's code in bits, for the prefix code with the smallest total size among
// those whose longest code has at most `longest` bits (package merge: Larmore and Hirschberg, "A
// fast algorithm for optimal length-limited Huffman codes", JACM 1990); without a limit it is
// Huffman's own code. Length 0 means that the symbol does not occur. A lone symbol takes one bit.
// Throws InvalidArgument for a limit too short for the number of symbols, and for more
// occurrences than its sums hold: 2^56, or 2^64 / longest with a limit.
std::vector<std::uint8_t> huffman_lengths(std::span<const std::uint64_t> counts,
                                          std::optional<unsigned> longest = std::nullopt);

class HuffmanCode {
 public:
  // The code of `huffman_lengths`. Throws InvalidArgument unless at least two symbols occur, and
  // for a `longest` above 12 bits or too short for the number of symbols.
  static HuffmanCode optimal(const ByteCounts& counts, unsigned longest = kernels::kHuffmanBits);

  // Reads exactly the bytes that `serialized` wrote. Throws Corrupt for lengths that do not form a
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
  // Slots of single symbols only, which the scalar kernel reads: they are made ten times as fast,
  // which pays for a few thousand symbols.
  [[nodiscard]] std::unique_ptr<kernels::HuffmanSlots> slots_of_one() const;

 private:
  std::array<std::uint8_t, 256> lengths_{};  // 0: the symbol does not occur
};

}  // namespace meadow
