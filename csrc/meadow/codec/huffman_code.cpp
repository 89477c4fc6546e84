#include "meadow/codec/huffman_code.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "meadow/base/error.h"

namespace meadow {
namespace {

using kernels::kHuffmanBits;
using kernels::kHuffmanSlots;

// Nibbles of the serialised table beyond the lengths 0 to 12.
constexpr unsigned kShortRun = 13;  // one nibble n: n + 2 symbols without a code
constexpr unsigned kLongRun = 14;   // two nibbles n, the lower first: n + 18
constexpr unsigned kFirstShort = 2;
constexpr unsigned kFirstLong = 18;

// A Huffman code has a word of n bits only if the number of occurrences is at least the Fibonacci
// number F(n + 2) (Katona and Nemetz, "Huffman codes and self-information", 1976), and F(83)
// exceeds 2^56.
constexpr unsigned kLongestOfAny = 80;
constexpr std::uint64_t kMostOfAny = std::uint64_t{1} << 56;

struct Leaf {
  std::uint64_t count;
  std::size_t symbol;
};

std::vector<Leaf> leaves_by_count(std::span<const std::uint64_t> counts) {
  std::vector<Leaf> leaves;
  for (std::size_t symbol = 0; symbol < counts.size(); ++symbol) {
    if (counts[symbol] != 0) leaves.push_back({counts[symbol], symbol});
  }
  std::stable_sort(leaves.begin(), leaves.end(),
                   [](const Leaf& a, const Leaf& b) { return a.count < b.count; });
  return leaves;
}

// One level of the coin collector's lists: weights in order, and which of them are packages.
struct Level {
  std::vector<std::uint64_t> weights;
  std::vector<bool> is_package;
};

// Merges leaves with the pairs of the level below; leaves come first in a tie.
Level merged(const std::vector<Leaf>& leaves, const std::vector<std::uint64_t>& below) {
  Level level;
  std::size_t leaf = 0;
  const std::size_t packages = below.size() / 2;
  for (std::size_t package = 0; leaf < leaves.size() || package < packages;) {
    const std::uint64_t pair = package < packages ? below[2 * package] + below[2 * package + 1] : 0;
    const bool take_leaf =
        package == packages || (leaf < leaves.size() && leaves[leaf].count <= pair);
    level.weights.push_back(take_leaf ? leaves[leaf].count : pair);
    level.is_package.push_back(!take_leaf);
    ++(take_leaf ? leaf : package);
  }
  return level;
}

// The first 2n - 2 of the last list are chosen; each package chooses two of the list below. A leaf
// is as long as the number of lists in which it is chosen.
std::vector<std::uint8_t> lengths_of(const std::vector<Leaf>& leaves, unsigned longest) {
  std::vector<std::vector<bool>> levels;
  std::vector<std::uint64_t> weights;
  while (levels.size() < longest) {
    Level level = merged(leaves, weights);
    weights = std::move(level.weights);
    levels.push_back(std::move(level.is_package));
  }
  std::vector<std::uint8_t> lengths(leaves.size(), 0);
  std::size_t chosen = 2 * leaves.size() - 2;
  for (auto is_package = levels.rbegin(); is_package != levels.rend(); ++is_package) {
    const auto end = is_package->begin() + static_cast<std::ptrdiff_t>(chosen);
    const auto packages = static_cast<std::size_t>(std::count(is_package->begin(), end, true));
    for (std::size_t leaf = 0; leaf < chosen - packages; ++leaf) ++lengths[leaf];
    chosen = 2 * packages;
  }
  return lengths;
}

void require_fewer(const std::vector<Leaf>& leaves, std::uint64_t most) {
  std::uint64_t total = 0;
  for (const Leaf& leaf : leaves) {
    if (leaf.count >= most - total) {
      const std::string number = most == kMostOfAny ? "2^56" : std::to_string(most);
      invalid("Huffman code: expected fewer than " + number + " occurrences");
    }
    total += leaf.count;
  }
}

std::uint32_t reversed(std::uint32_t code, unsigned bits) noexcept {
  std::uint32_t out = 0;
  for (unsigned bit = 0; bit < bits; ++bit) out |= ((code >> bit) & 1) << (bits - 1 - bit);
  return out;
}

class NibbleWriter {
 public:
  void put(unsigned nibble) {
    if (half_) {
      bytes_.back() = static_cast<std::uint8_t>(bytes_.back() | nibble << 4);
    } else {
      bytes_.push_back(static_cast<std::uint8_t>(nibble));
    }
    half_ = !half_;
  }
  void put_run(unsigned zeros) {
    if (zeros >= kFirstLong) {
      put(kLongRun);
      put((zeros - kFirstLong) & 15);
      put((zeros - kFirstLong) >> 4);
    } else if (zeros >= kFirstShort) {
      put(kShortRun);
      put(zeros - kFirstShort);
    } else if (zeros == 1) {
      put(0);
    }
  }
  [[nodiscard]] Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
  bool half_ = false;
};

class NibbleReader {
 public:
  explicit NibbleReader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] unsigned get() {
    if (at_ >= 2 * bytes_.size()) corrupt("Huffman table: it ends before its last symbol");
    const unsigned byte = bytes_[at_ / 2];
    return at_++ % 2 == 0 ? byte & 15 : byte >> 4;
  }
  // The number of symbols without a code that a nibble stands for; 0 for a length.
  [[nodiscard]] unsigned run_of(unsigned nibble) {
    if (nibble == 0) return 1;
    if (nibble == kShortRun) return get() + kFirstShort;
    if (nibble != kLongRun) return 0;
    const unsigned low = get();
    return low + (get() << 4) + kFirstLong;
  }
  [[nodiscard]] bool finished() const noexcept {
    const std::size_t used = at_ / 2 + at_ % 2;
    return used == bytes_.size() && (at_ % 2 == 0 || bytes_[at_ / 2] >> 4 == 0);
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

void require_complete(const std::array<std::uint8_t, 256>& lengths) {
  std::uint64_t slots = 0;
  for (const std::uint8_t length : lengths) slots += length == 0 ? 0 : kHuffmanSlots >> length;
  if (slots != kHuffmanSlots) {
    corrupt("Huffman table: expected a complete code, found one that fills " +
            std::to_string(slots) + " of " + std::to_string(kHuffmanSlots) + " slots");
  }
}

}  // namespace

std::vector<std::uint8_t> huffman_lengths(std::span<const std::uint64_t> counts,
                                          std::optional<unsigned> longest) {
  const std::vector<Leaf> leaves = leaves_by_count(counts);
  if (longest == 0U && !leaves.empty())
    invalid("longest Huffman code: expected at least 1 bit, found 0");
  const std::size_t most = leaves.size() < 2 ? 1 : leaves.size() - 1;  // the longest code
  const unsigned bits = longest.value_or(kLongestOfAny);
  if (bits < 63 && (std::uint64_t{1} << bits) < leaves.size()) {
    invalid("longest Huffman code: expected enough bits for " + std::to_string(leaves.size()) +
            " symbols, found " + std::to_string(bits));
  }
  const auto limit =
      static_cast<unsigned>(std::min<std::size_t>({std::max(1U, bits), most, kLongestOfAny}));
  // A list of lengths_of weighs at most the number of lists times all occurrences.
  const bool is_free = !longest || limit == kLongestOfAny;
  require_fewer(leaves, is_free ? kMostOfAny : std::numeric_limits<std::uint64_t>::max() / limit);
  std::vector<std::uint8_t> lengths(counts.size(), 0);
  if (leaves.size() == 1) lengths[leaves[0].symbol] = 1;
  if (leaves.size() < 2) return lengths;
  const std::vector<std::uint8_t> found = lengths_of(leaves, limit);
  for (std::size_t n = 0; n < leaves.size(); ++n) lengths[leaves[n].symbol] = found[n];
  return lengths;
}

HuffmanCode HuffmanCode::optimal(const ByteCounts& counts, unsigned longest) {
  const auto used = static_cast<std::size_t>(
      std::count_if(counts.begin(), counts.end(), [](std::uint64_t count) { return count != 0; }));
  if (used < 2)
    invalid("Huffman code: expected at least 2 symbols that occur, found " + std::to_string(used));
  if (longest > kHuffmanBits || (std::size_t{1} << longest) < used) {
    invalid("longest Huffman code: expected at most 12 bits, and enough for " +
            std::to_string(used) + " symbols, found " + std::to_string(longest));
  }
  const std::vector<std::uint8_t> lengths = huffman_lengths(counts, longest);
  HuffmanCode code;
  std::copy(lengths.begin(), lengths.end(), code.lengths_.begin());
  return code;
}

HuffmanCode HuffmanCode::parse(std::span<const std::uint8_t> table) {
  NibbleReader nibbles(table);
  HuffmanCode code;
  std::uint64_t slots = 0;
  for (unsigned symbol = 0; slots < kHuffmanSlots; ++symbol) {
    const unsigned nibble = nibbles.get();
    if (const unsigned run = nibbles.run_of(nibble)) {
      symbol += run - 1;
      continue;
    }
    if (symbol > 255 || nibble > kHuffmanBits) {
      corrupt("Huffman table: expected lengths of at most 12 bits for at most 256 symbols");
    }
    code.lengths_[symbol] = static_cast<std::uint8_t>(nibble);
    slots += kHuffmanSlots >> nibble;
  }
  if (!nibbles.finished()) corrupt("Huffman table: more bytes follow its last symbol");
  require_complete(code.lengths_);
  return code;
}

Bytes HuffmanCode::serialized() const {
  NibbleWriter nibbles;
  unsigned zeros = 0;
  for (const std::uint8_t length : lengths_) {
    if (length == 0) {
      ++zeros;
      continue;
    }
    nibbles.put_run(zeros);
    zeros = 0;
    nibbles.put(length);
  }
  return nibbles.take();
}

std::uint64_t HuffmanCode::cost_bits(const ByteCounts& counts) const noexcept {
  std::uint64_t bits = 0;
  for (std::size_t symbol = 0; symbol < counts.size(); ++symbol) {
    bits += counts[symbol] * lengths_[symbol];
  }
  return bits;
}

unsigned HuffmanCode::entries() const noexcept {
  return 256 - static_cast<unsigned>(std::count(lengths_.begin(), lengths_.end(), 0));
}

unsigned HuffmanCode::longest() const noexcept {
  return *std::max_element(lengths_.begin(), lengths_.end());
}

// Canonical: codes count up from zero, shorter ones first, then by symbol. Bits are read from the
// lowest on, so each code is written in reverse.
kernels::HuffmanCodes HuffmanCode::codes() const noexcept {
  kernels::HuffmanCodes out{};
  std::uint32_t next = 0;
  for (std::uint32_t length = 1; length <= kHuffmanBits; ++length, next <<= 1) {
    for (std::size_t symbol = 0; symbol < lengths_.size(); ++symbol) {
      if (lengths_[symbol] != length) continue;
      out.code[symbol] = reversed(next++, length) << 8 | length;
    }
  }
  return out;
}

RawVector<std::uint32_t> HuffmanCode::pairs() const {
  const kernels::HuffmanCodes codes = this->codes();
  RawVector<std::uint32_t> pairs(1 << 16);
  for (std::size_t second = 0; second < 256; ++second) {
    if (lengths_[second] == 0) continue;
    const std::uint32_t code = codes.code[second];
    for (std::size_t first = 0; first < 256; ++first) {
      const unsigned shift = lengths_[first];
      pairs[second << 8 | first] = codes.code[first] + ((code & ~0xFFU) << shift) + (code & 0xFF);
    }
  }
  return pairs;
}

namespace {

struct Word {
  std::uint32_t symbol;
  std::uint32_t length;
  std::uint32_t code;  // lowest bit first
};

std::vector<Word> words_of(const std::array<std::uint8_t, 256>& lengths,
                           const kernels::HuffmanCodes& codes) {
  std::vector<Word> words;
  for (std::uint32_t symbol = 0; symbol < lengths.size(); ++symbol) {
    if (lengths[symbol] == 0) continue;
    words.push_back({symbol, lengths[symbol], codes.code[symbol] >> 8});
  }
  return words;
}

void fill_one(kernels::HuffmanSlots& slots, std::span<const Word> words) {
  for (const Word& word : words) {
    for (std::size_t at = word.code; at < kHuffmanSlots; at += 1U << word.length) {
      slots.one[at] = static_cast<std::uint16_t>(word.symbol | word.length << 8);
    }
  }
}

// The symbols whose codes lie fully in the low `bits` bits of a slot, as many as have room.
std::uint64_t many_of(const kernels::HuffmanSlots& slots, std::size_t at, unsigned bits) {
  std::uint64_t many = 0;
  std::uint64_t used = 0;
  std::uint64_t count = 0;
  for (; count < kernels::kSymbolsPerSlot; ++count) {
    const std::uint64_t one = slots.one[at >> used];
    if (used + (one >> 8) > bits) break;
    many |= (one & 0xFF) << (8 * count);
    used += one >> 8;
  }
  return many | used << 48 | count << 56;
}

// Fills the slots of `bits` bits that begin with the word: its symbol, then the symbols of the
// other bits, taken from the table for that number of bits. There is no room for a seventh symbol.
void fill_behind(const kernels::HuffmanSlots& slots, const Word& word, unsigned bits,
                 const std::uint64_t* rest, std::uint64_t* many) {
  constexpr std::uint64_t kSymbols = 0xFFFFFFFFFFFF;
  const std::uint64_t first =
      word.symbol | std::uint64_t{word.length} << 48 | std::uint64_t{1} << 56;
  for (std::size_t i = 0; i >> (bits - word.length) == 0; ++i) {
    const std::size_t at = word.code + (i << word.length);
    const std::uint64_t symbols = rest[i] & kSymbols;
    many[at] = rest[i] >> 56 == kernels::kSymbolsPerSlot
                   ? many_of(slots, at, bits)
                   : (symbols << 8) + (rest[i] ^ symbols) + first;
  }
}

// Builds tables of 1, 2, 3 bits and so on; that of b bits begins at 2^b.
void fill_many(kernels::HuffmanSlots& slots, std::span<const Word> words) {
  const unsigned shortest =
      std::min_element(words.begin(), words.end(), [](const Word& a, const Word& b) {
        return a.length < b.length;
      })->length;

  std::vector<std::uint64_t> tables(kHuffmanSlots, 0);
  const auto fill = [&](unsigned bits, std::uint64_t* many) {
    for (const Word& word : words) {
      if (word.length > bits) continue;
      fill_behind(slots, word, bits, &tables[std::size_t{1} << (bits - word.length)], many);
    }
  };
  for (unsigned bits = shortest; bits <= kHuffmanBits - shortest; ++bits) {
    fill(bits, &tables[std::size_t{1} << bits]);
  }
  fill(kHuffmanBits, slots.many);
}

}  // namespace

std::unique_ptr<kernels::HuffmanSlots> HuffmanCode::slots_of_one() const {
  auto slots = std::make_unique_for_overwrite<kernels::HuffmanSlots>();
  fill_one(*slots, words_of(lengths_, codes()));
  return slots;
}

std::unique_ptr<kernels::HuffmanSlots> HuffmanCode::slots() const {
  const std::vector<Word> words = words_of(lengths_, codes());
  auto slots = std::make_unique_for_overwrite<kernels::HuffmanSlots>();
  fill_one(*slots, words);
  fill_many(*slots, words);
  return slots;
}

}  // namespace meadow
