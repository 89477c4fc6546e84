// Symbol probabilities of one plane, with the tables that its coders and decoders need.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "meadow/base/raw_vector.h"
#include "meadow/codec/rans_frequencies.h"
#include "meadow/kernels/rans/rans.h"

namespace meadow {

// Symbols with slots of their own and, if there is one, the escape: the smallest byte without slots
// of its own stands for every such byte.
class RansModel {
 public:
  // The model with the cheapest payload for 256 counts, at least one of them not zero. Throws
  // InvalidArgument for any others.
  static RansModel from_counts(std::span<const std::uint64_t> counts);

  // Exactly the bytes of a serialised table. Throws Truncated or Corrupt for any others.
  static RansModel parse(std::span<const std::uint8_t> table);

  // Bits, least significant first, zero filling up to a whole byte:
  //   8  first symbol with slots of its own      8  last one
  //   the frequency of the escape, then of every symbol from first to last
  // A frequency is the change of its width in bits (0 for 0, 13 for 4096) from that of the one
  // before it (from 0 at first), mapped 0, -1, 1, -2, 2, ... -> 0, 1, 2, 3, 4, ..., as that many
  // ones and a zero; then its bits below the leading one. The frequencies add up to 4096.
  [[nodiscard]] Bytes serialized() const;

  // Bits of the payload of symbols with these counts, escaped bytes included; what each tile adds
  // (its final states) is not. Infinite if there is a symbol that the model cannot code.
  [[nodiscard]] double cost_bits(std::span<const std::uint64_t> counts) const;

  // Symbols with slots of their own, and the escape.
  [[nodiscard]] unsigned entries() const;

  [[nodiscard]] const RansFrequencies& frequencies() const { return frequencies_; }
  [[nodiscard]] bool has_escape() const { return frequencies_.escape > 0; }
  [[nodiscard]] std::uint8_t escape() const { return escape_; }
  [[nodiscard]] bool is_escaped(std::uint8_t symbol) const { return frequencies_.of[symbol] == 0; }
  [[nodiscard]] bool can_code(std::uint8_t symbol) const {
    return has_escape() || frequencies_.of[symbol] > 0;
  }
  // One symbol has all slots: a payload would tell nothing.
  [[nodiscard]] bool is_constant() const;
  [[nodiscard]] std::uint8_t constant() const { return static_cast<std::uint8_t>(first_used()); }

  // As RansKernels takes them; `slots` is of no use for a constant.
  [[nodiscard]] const std::uint32_t* slots() const { return slots_.data(); }
  [[nodiscard]] const kernels::RansSymbol* symbols() const { return symbols_.data(); }

 private:
  explicit RansModel(const RansFrequencies& frequencies);
  [[nodiscard]] unsigned first_used() const;
  [[nodiscard]] unsigned last_used() const;
  void fill_slots(std::uint32_t frequency, std::uint32_t start, unsigned symbol);

  RansFrequencies frequencies_;
  std::uint8_t escape_ = 0;
  RawVector<std::uint32_t> slots_;
  RawVector<kernels::RansSymbol> symbols_;
};

}  // namespace meadow
