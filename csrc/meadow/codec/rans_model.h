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
// of its own, which stands for every such byte.
class RansModel {
 public:
  // The model with the cheapest payload for 256 counts, at least one of them not zero. Throws
  // InvalidArgument for any others.
  static RansModel from_counts(std::span<const std::uint64_t> counts);

  // Reads exactly the bytes of a serialised table. Throws Truncated or Corrupt for any others.
  static RansModel parse(std::span<const std::uint8_t> table);

  // Bits, least significant first, with zero bits to fill the last byte:
  //   8  first symbol with slots of its own      8  last one
  //   the frequency of the escape, then of every symbol from first to last
  // A frequency is stored as the change of its width in bits (0 for 0, 13 for 4096) from the width
  // of the previous one (at first 0), mapped 0, -1, 1, -2, 2, ... -> 0, 1, 2, 3, 4, ... and written
  // as that many ones and a zero; then its bits below the leading one. The frequencies add up to
  // 4096.
  [[nodiscard]] Bytes serialized() const;

  // The bits of the payload of symbols with these counts, including escaped bytes but not the final
  // states that each tile adds. Infinite if there is a symbol that the model cannot code.
  [[nodiscard]] double cost_bits(std::span<const std::uint64_t> counts) const;

  // The number of symbols with slots of their own, plus one if there is an escape.
  [[nodiscard]] unsigned entries() const;

  [[nodiscard]] const RansFrequencies& frequencies() const { return frequencies_; }
  [[nodiscard]] bool has_escape() const { return frequencies_.escape > 0; }
  [[nodiscard]] std::uint8_t escape() const { return escape_; }
  [[nodiscard]] bool is_escaped(std::uint8_t symbol) const { return frequencies_.of[symbol] == 0; }
  [[nodiscard]] bool can_code(std::uint8_t symbol) const {
    return has_escape() || frequencies_.of[symbol] > 0;
  }
  // Whether one symbol has all slots, so that a payload would hold no information.
  [[nodiscard]] bool is_constant() const;
  [[nodiscard]] std::uint8_t constant() const { return static_cast<std::uint8_t>(first_used()); }

  // In the form that RansKernels takes; `slots` must not be used for a constant model.
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
