// Huffman codes: optimal, canonical, and tables that lie.
#include "meadow/codec/huffman_code.h"

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <queue>

#include "support.h"

using namespace meadow;

namespace {

using Weights = std::vector<std::uint64_t>;

ByteCounts counts_of(const Weights& weights, unsigned first = 0) {
  ByteCounts counts{};
  for (std::size_t i = 0; i < weights.size(); ++i) counts[first + i] = weights[i];
  return counts;
}

// The cost of the best code of at most `longest` bits, by trees instead of coins: level after
// level, so many of the open nodes become leaves of the heaviest symbols left, the others fork.
class TreeSearch {
 public:
  TreeSearch(Weights weights, unsigned longest) : weights_(std::move(weights)), longest_(longest) {
    std::sort(weights_.begin(), weights_.end(), std::greater<>());
    rest_.assign(weights_.size() + 1, 0);
    for (std::size_t i = weights_.size(); i-- > 0;) rest_[i] = rest_[i + 1] + weights_[i];
    const std::size_t states = (longest_ + 1) * (weights_.size() + 1) * (weights_.size() + 1);
    known_.assign(states, kUnknown);
  }
  std::uint64_t cost() { return from(0, 0, 1); }

 private:
  static constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint64_t kImpossible = kUnknown - 1;

  std::uint64_t from(unsigned level, std::size_t done, std::size_t open) {
    const std::size_t left = weights_.size() - done;
    if (open > left || (left > 0 && open == 0)) return kImpossible;
    if (left == 0) return 0;
    std::uint64_t& best =
        known_[(level * (weights_.size() + 1) + done) * (weights_.size() + 1) + open];
    if (best != kUnknown) return best;
    best = open == left ? 0 : kImpossible;
    if (level == longest_) return best;
    for (std::size_t leaves = 0; leaves < open; ++leaves) {
      const std::uint64_t below = from(level + 1, done + leaves, 2 * (open - leaves));
      if (below != kImpossible) best = std::min(best, below + rest_[done + leaves]);
    }
    return best;
  }

  Weights weights_;
  unsigned longest_;
  Weights rest_;   // weight of all symbols from one on
  Weights known_;  // by level, symbols done, open nodes
};

struct Unlimited {
  std::uint64_t cost = 0;
  unsigned longest = 0;
};

// Huffman's own algorithm; among equals the shallower tree.
Unlimited huffman(const Weights& weights) {
  using Node = std::pair<std::uint64_t, unsigned>;
  std::priority_queue<Node, std::vector<Node>, std::greater<>> nodes;
  for (const std::uint64_t weight : weights) nodes.push({weight, 0});
  Unlimited made;
  while (nodes.size() > 1) {
    const Node a = nodes.top();
    nodes.pop();
    const Node b = nodes.top();
    nodes.pop();
    made.cost += a.first + b.first;
    made.longest = std::max(a.second, b.second) + 1;
    nodes.push({a.first + b.first, made.longest});
  }
  return made;
}

double entropy_bits(const Weights& weights) {
  const auto total = static_cast<double>(std::accumulate(weights.begin(), weights.end(), 0ULL));
  double bits = 0.0;
  for (const std::uint64_t weight : weights) {
    const auto count = static_cast<double>(weight);
    bits -= count * std::log2(count / total);
  }
  return bits;
}

// Flat, mild, steep, with ties, and Fibonacci's, which make the deepest tree.
std::vector<Weights> material(std::size_t symbols) {
  std::vector<Weights> made(5, Weights(symbols));
  auto random = test::generator(static_cast<unsigned>(symbols));
  std::uint64_t before = 1;
  std::uint64_t fibonacci = 1;
  for (std::size_t i = 0; i < symbols; ++i) {
    made[0][i] = 1;
    made[1][i] = 1 + random() % 1000;
    made[2][i] = 1 + (random() >> (random() % 32));
    made[3][i] = 1 + random() % 3;
    made[4][i] = fibonacci;
    if (fibonacci < (std::uint64_t{1} << 50)) {
      std::swap(before, fibonacci);
      fibonacci += before;
    }
  }
  return made;
}

unsigned least_bits(std::size_t symbols) {
  unsigned bits = 1;
  while ((std::size_t{1} << bits) < symbols) ++bits;
  return bits;
}

HuffmanCode any_code(unsigned seed, std::size_t symbols) {
  auto random = test::generator(seed);
  ByteCounts counts{};
  for (std::size_t i = 0; i < symbols; ++i) counts[random() % 256] += 1 + (random() >> 12);
  if (std::count(counts.begin(), counts.end(), 0) > 254) counts[0] = counts[255] = 5;
  return HuffmanCode::optimal(counts);
}

bool is_corrupt(const Bytes& table) {
  return test::kind_of_failure([&] { HuffmanCode::parse(table); }) == ErrorKind::kCorrupt;
}

// Nibbles, the lower one of each byte first.
Bytes table_of(const std::vector<unsigned>& nibbles) {
  Bytes table((nibbles.size() + 1) / 2);
  std::fill(table.begin(), table.end(), std::uint8_t{0});
  for (std::size_t i = 0; i < nibbles.size(); ++i) {
    table[i / 2] = static_cast<std::uint8_t>(table[i / 2] | nibbles[i] << (4 * (i % 2)));
  }
  return table;
}

}  // namespace

TEST_CASE("no code of at most so many bits is cheaper") {
  for (const std::size_t symbols : {2U, 3U, 4U, 5U, 7U, 8U, 9U, 13U, 16U, 17U, 40U}) {
    for (const Weights& weights : material(symbols)) {
      for (unsigned longest = least_bits(symbols); longest <= 12; ++longest) {
        CAPTURE(symbols);
        CAPTURE(longest);
        const ByteCounts counts = counts_of(weights, 3);
        const HuffmanCode code = HuffmanCode::optimal(counts, longest);
        REQUIRE(code.longest() <= longest);
        REQUIRE(code.entries() == symbols);
        REQUIRE(code.cost_bits(counts) == TreeSearch(weights, longest).cost());
      }
    }
  }
}

TEST_CASE("where twelve bits are enough the cost is Huffman's, and never below the entropy") {
  int unbound = 0;
  int bound = 0;
  for (std::size_t symbols = 2; symbols <= 256; symbols += symbols < 20 ? 1 : 17) {
    for (const Weights& weights : material(symbols)) {
      const ByteCounts counts = counts_of(weights);
      const std::uint64_t cost = HuffmanCode::optimal(counts).cost_bits(counts);
      const Unlimited free = huffman(weights);
      REQUIRE(static_cast<double>(cost) >= entropy_bits(weights) * (1 - 1e-12));
      ++(free.longest <= 12 ? unbound : bound);
      if (free.longest <= 12) REQUIRE(cost == free.cost);
      if (free.longest > 12) REQUIRE(cost >= free.cost);
    }
  }
  CHECK(unbound > 50);
  CHECK(bound > 20);
}

TEST_CASE("alphabets that have no code are refused") {
  const auto kind = [](const ByteCounts& counts, unsigned longest) {
    return test::kind_of_failure([&] { HuffmanCode::optimal(counts, longest); });
  };
  ByteCounts all{};
  CHECK(kind(all, 12) == ErrorKind::kInvalidArgument);
  all[9] = 4;
  CHECK(kind(all, 12) == ErrorKind::kInvalidArgument);
  all.fill(1);
  CHECK(kind(all, 7) == ErrorKind::kInvalidArgument);
  CHECK(kind(all, 13) == ErrorKind::kInvalidArgument);
  CHECK(HuffmanCode::optimal(all, 8).longest() == 8);
}

TEST_CASE("codes are canonical: by length, then by symbol, counted up") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    const HuffmanCode code = any_code(seed, 2 + 7 * seed);
    const kernels::HuffmanCodes codes = code.codes();
    std::uint32_t next = 0;  // of 4096 slots, highest bit of a code first
    for (std::uint32_t length = 1; length <= 12; ++length) {
      for (unsigned symbol = 0; symbol < 256; ++symbol) {
        if ((codes.code[symbol] & 0xFF) != length) continue;
        std::uint32_t reversed = 0;
        for (unsigned bit = 0; bit < length; ++bit) {
          reversed = reversed << 1 | ((codes.code[symbol] >> (8 + bit)) & 1);
        }
        REQUIRE((reversed << (12 - length)) == next);
        next += 1U << (12 - length);
      }
    }
    REQUIRE(next == 4096);
  }
}

TEST_CASE("slots tell the symbols that are whole in twelve bits, and nothing else") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    const HuffmanCode code = any_code(seed, 2 + 21 * seed);
    const kernels::HuffmanCodes codes = code.codes();
    const auto slots = code.slots();
    const auto of_one = code.slots_of_one();
    for (unsigned at = 0; at < 4096; ++at) {
      unsigned used = 0;
      unsigned count = 0;
      for (; count < 6; ++count) {
        unsigned symbol = 0;
        const auto fits = [&] {
          const unsigned length = codes.code[symbol] & 0xFF;
          return length != 0 && used + length <= 12 &&
                 ((at >> used) & ((1U << length) - 1)) == codes.code[symbol] >> 8;
        };
        while (symbol < 256 && !fits()) ++symbol;
        if (symbol == 256) break;
        REQUIRE(((slots->many[at] >> (8 * count)) & 0xFF) == symbol);
        if (count == 0) REQUIRE(slots->one[at] == symbol + 256 * (codes.code[symbol] & 0xFF));
        used += codes.code[symbol] & 0xFF;
      }
      REQUIRE(of_one->one[at] == slots->one[at]);
      REQUIRE(count >= 1);
      REQUIRE(((slots->many[at] >> 48) & 0xFF) == used);
      REQUIRE((slots->many[at] >> 56) == count);
    }
  }
}

TEST_CASE("tables come back, and nothing shorter or longer is one") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    const HuffmanCode code = any_code(seed, 1 + 5 * seed);
    const Bytes table = code.serialized();
    const HuffmanCode again = HuffmanCode::parse(table);
    for (unsigned symbol = 0; symbol < 256; ++symbol) {
      REQUIRE(again.codes().code[symbol] == code.codes().code[symbol]);
    }
    REQUIRE(again.serialized() == table);
    for (std::size_t size = 0; size < table.size(); ++size) {
      REQUIRE(is_corrupt({table.begin(), table.begin() + static_cast<std::ptrdiff_t>(size)}));
    }
    for (const unsigned more : {0U, 1U, 255U}) {
      Bytes longer = table;
      longer.push_back(static_cast<std::uint8_t>(more));
      REQUIRE(is_corrupt(longer));
    }
  }
}

TEST_CASE("runs of symbols without a code of every length") {
  for (unsigned first = 0; first <= 254; ++first) {
    ByteCounts counts{};
    counts[first] = 1;
    counts[255] = 3;
    const HuffmanCode code = HuffmanCode::parse(HuffmanCode::optimal(counts).serialized());
    REQUIRE(code.entries() == 2);
    REQUIRE(code.has(static_cast<std::uint8_t>(first)));
    REQUIRE(code.has(255));
  }
}

TEST_CASE("tables that are no complete code are refused") {
  CHECK(HuffmanCode::parse(table_of({1, 1})).entries() == 2);
  CHECK(HuffmanCode::parse(table_of({1, 2, 2})).entries() == 3);     // half a byte of filling
  CHECK(is_corrupt(table_of({1, 2, 2, 5})));                         // and more in it
  CHECK(is_corrupt(table_of({1, 2, 2, 0, 0, 0})));                   // bytes behind the last symbol
  CHECK(is_corrupt(table_of({1, 2})));                               // incomplete
  CHECK(is_corrupt(table_of({1, 2, 1})));                            // overfull
  CHECK(is_corrupt(table_of({1, 15, 2, 2})));                        // no such length
  CHECK(is_corrupt(table_of({1, 14, 15, 15, 1})));                   // behind symbol 255
  CHECK(is_corrupt(table_of({1, 14, 14, 15, 14, 0, 0})));            // zeros to the end
  CHECK(is_corrupt(table_of({13})));                                 // a run without its length
  CHECK(is_corrupt(Bytes(400, 0)));                                  // no symbol at all
  CHECK(HuffmanCode::parse(table_of({0, 0, 1, 1})).entries() == 2);  // zeros one at a time
  CHECK(HuffmanCode::parse(table_of({1, 14, 12, 14, 1})).has(255));  // 254 zeros
}
