#include "meadow/codec/rans_model.h"

#include <algorithm>
#include <bit>
#include <numeric>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"

namespace meadow {
namespace {

constexpr unsigned kSymbolBits = 8;
constexpr unsigned kWidest = kRansBits + 1;

unsigned slots_of_all(const RansFrequencies& frequencies) {
  return std::accumulate(frequencies.of.begin(), frequencies.of.end(),
                         static_cast<unsigned>(frequencies.escape));
}

class FrequencyWriter {
 public:
  explicit FrequencyWriter(BitWriter& bits) : bits_(bits) {}

  void put(unsigned frequency) {
    const auto width = static_cast<int>(std::bit_width(frequency));
    const int change = width - width_;
    const auto ones = static_cast<unsigned>(change < 0 ? -2 * change - 1 : 2 * change);
    bits_.put(low_bits(ones), ones);
    bits_.put(0, 1);
    if (width > 1) {
      const auto below = static_cast<unsigned>(width - 1);
      bits_.put(frequency & low_bits(below), below);
    }
    width_ = width;
  }

 private:
  BitWriter& bits_;
  int width_ = 0;
};

class TableReader {
 public:
  explicit TableReader(std::span<const std::uint8_t> table)
      : size_(table.size()), bits_(table.data(), table.size()) {}

  std::uint32_t get(unsigned width) {
    used_ += width;
    return bits_.get(width);
  }

  void expect_inside() const {
    if (used_ <= 8 * std::uint64_t{size_}) return;
    truncated("rANS table: its " + std::to_string(size_) + " bytes end before its last frequency");
  }

  void expect_end() const {
    expect_inside();
    if (!bits_.finished()) corrupt("rANS table: more bits follow its last frequency");
  }

 private:
  std::size_t size_;
  BitReader bits_;
  std::uint64_t used_ = 0;
};

class FrequencyReader {
 public:
  explicit FrequencyReader(TableReader& bits) : bits_(bits) {}

  unsigned get() {
    int ones = 0;
    while (bits_.get(1) != 0) {
      if (++ones > 2 * static_cast<int>(kWidest))
        corrupt("rANS table: found a width outside 0 to 13 bits");
    }
    bits_.expect_inside();
    width_ += ones % 2 != 0 ? -(ones + 1) / 2 : ones / 2;
    if (width_ < 0 || width_ > static_cast<int>(kWidest)) {
      corrupt("rANS table: expected a width of 0 to 13 bits, found " + std::to_string(width_));
    }
    if (width_ == 0) return 0;
    const auto below = static_cast<unsigned>(width_ - 1);
    return (1U << below) | bits_.get(below);
  }

 private:
  TableReader& bits_;
  int width_ = 0;
};

void check(const RansFrequencies& found, std::uint32_t first, std::uint32_t last) {
  if (first > last || found.of[first] == 0 || found.of[last] == 0) {
    corrupt("rANS table: its first or last symbol has no slots");
  }
  if (slots_of_all(found) != kRansTotal) {
    corrupt("rANS table: expected frequencies that add up to 4096, found " +
            std::to_string(slots_of_all(found)));
  }
  if (found.escape > 0 && std::count(found.of.begin(), found.of.end(), 0) == 0) {
    corrupt("rANS table: found an escape, but every symbol has slots of its own");
  }
}

}  // namespace

RansModel RansModel::from_counts(std::span<const std::uint64_t> counts) {
  if (counts.size() != 256) {
    invalid("rANS model: expected 256 counts, found " + std::to_string(counts.size()));
  }
  if (std::all_of(counts.begin(), counts.end(), [](std::uint64_t count) { return count == 0; })) {
    invalid("rANS model: expected counts of at least one symbol, found only zeros");
  }
  return RansModel(best_rans_frequencies(counts));
}

RansModel::RansModel(const RansFrequencies& frequencies)
    : frequencies_(frequencies), slots_(kernels::kRansSlots), symbols_(256) {
  std::uint32_t start = 0;
  const kernels::RansSymbol none{0, 0, 0};
  std::fill(symbols_.begin(), symbols_.end(), none);
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    if (frequencies_.of[symbol] == 0) continue;
    fill_slots(frequencies_.of[symbol], start, symbol);
    start += frequencies_.of[symbol];
  }
  if (!has_escape()) return;
  const auto* const first = std::find(frequencies_.of.begin(), frequencies_.of.end(), 0);
  escape_ = static_cast<std::uint8_t>(first - frequencies_.of.begin());
  fill_slots(frequencies_.escape, start, escape_);
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    if (frequencies_.of[symbol] == 0) symbols_[symbol] = symbols_[escape_];
  }
}

void RansModel::fill_slots(std::uint32_t frequency, std::uint32_t start, unsigned symbol) {
  constexpr std::uint64_t kScale = std::uint64_t{1} << 44;
  symbols_[symbol] = {(kScale + frequency - 1) / frequency, frequency, start};
  for (std::uint32_t offset = 0; offset < frequency; ++offset) {
    slots_[start + offset] = (frequency & 0xFFF) | (symbol << 12) | (offset << 20);
  }
}

bool RansModel::is_constant() const { return frequencies_.of[first_used()] == kRansTotal; }

unsigned RansModel::first_used() const {
  unsigned symbol = 0;
  while (frequencies_.of[symbol] == 0) ++symbol;
  return symbol;
}

unsigned RansModel::last_used() const {
  unsigned symbol = 255;
  while (frequencies_.of[symbol] == 0) --symbol;
  return symbol;
}

unsigned RansModel::entries() const {
  const auto without = std::count(frequencies_.of.begin(), frequencies_.of.end(), 0);
  return 256U - static_cast<unsigned>(without) + (has_escape() ? 1U : 0U);
}

double RansModel::cost_bits(std::span<const std::uint64_t> counts) const {
  return rans_cost_bits(frequencies_, counts);
}

Bytes RansModel::serialized() const {
  // A frequency takes at most 26 ones, a zero and 12 bits.
  Bytes table(2 + bytes_of_bits(std::uint64_t{257} * 39) + 8);
  BitWriter bits(table.data());
  bits.put(first_used(), kSymbolBits);
  bits.put(last_used(), kSymbolBits);
  FrequencyWriter frequencies(bits);
  frequencies.put(frequencies_.escape);
  for (unsigned symbol = first_used(); symbol <= last_used(); ++symbol) {
    frequencies.put(frequencies_.of[symbol]);
  }
  table.resize(static_cast<std::size_t>(bits.finish() - table.data()));
  return table;
}

RansModel RansModel::parse(std::span<const std::uint8_t> table) {
  TableReader bits(table);
  const std::uint32_t first = bits.get(kSymbolBits);
  const std::uint32_t last = bits.get(kSymbolBits);
  RansFrequencies found;
  FrequencyReader frequencies(bits);
  found.escape = static_cast<std::uint16_t>(frequencies.get());
  for (std::uint32_t symbol = first; symbol <= last; ++symbol) {
    found.of[symbol] = static_cast<std::uint16_t>(frequencies.get());
  }
  bits.expect_end();
  check(found, first, last);
  return RansModel(found);
}

}  // namespace meadow
