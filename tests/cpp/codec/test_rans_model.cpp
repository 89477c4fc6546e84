// Probabilities that cost least, and their serialised table.
#include "meadow/codec/rans_model.h"

#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "meadow/base/bits.h"
#include "support.h"

using namespace meadow;

namespace {

using Counts = std::array<std::uint64_t, 256>;

// Counts of several magnitudes, a part of them zero.
Counts any_counts(unsigned seed, unsigned used) {
  auto random = test::generator(seed);
  Counts counts{};
  for (unsigned symbol = 0; symbol < used; ++symbol) {
    counts[random() % 256] = random() >> (random() % 32);
  }
  counts[random() % 256] = 1 + random() % 1000;
  return counts;
}

unsigned slots_of(const RansFrequencies& frequencies) {
  return std::accumulate(frequencies.of.begin(), frequencies.of.end(),
                         static_cast<unsigned>(frequencies.escape));
}

// A table of frequencies as they are, valid or not; the reference for the bit layout.
Bytes table_of(unsigned first, unsigned last, const std::vector<unsigned>& frequencies) {
  Bytes table(2000);
  BitWriter bits(table.data());
  bits.put(first, 8);
  bits.put(last, 8);
  int before = 0;
  for (const unsigned frequency : frequencies) {
    int width = 0;
    while (frequency >> width != 0) ++width;
    int ones = width >= before ? 2 * (width - before) : 2 * (before - width) - 1;
    for (; ones > 0; --ones) bits.put(1, 1);
    bits.put(0, 1);
    if (width > 1) bits.put(frequency - (1U << (width - 1)), static_cast<unsigned>(width - 1));
    before = width;
  }
  table.resize(static_cast<std::size_t>(bits.finish() - table.data()));
  return table;
}

ErrorKind parse_failure(const Bytes& table) {
  return test::kind_of_failure([&] { RansModel::parse(table); });
}

}  // namespace

TEST_CASE("bits of a symbol are the binary logarithm") {
  for (unsigned frequency = 1; frequency <= kRansTotal; ++frequency) {
    REQUIRE(std::fabs(rans_symbol_bits(frequency) - std::log2(4096.0 / frequency)) < 1e-11);
  }
}

TEST_CASE("frequencies fill all slots, and every used symbol can be coded") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const Counts counts = any_counts(seed, 1 + seed * 2);
    const RansModel model = RansModel::from_counts(counts);
    REQUIRE(slots_of(model.frequencies()) == kRansTotal);
    REQUIRE(std::isfinite(model.cost_bits(counts)));
  }
}

TEST_CASE("no move of one slot makes the payload cheaper") {
  for (unsigned seed = 0; seed < 60; ++seed) {
    const Counts counts = any_counts(seed, 5 + 2 * seed);
    const RansFrequencies best = best_rans_frequencies(counts);
    const double bits = rans_cost_bits(best, counts);
    for (unsigned from = 0; from < 256; ++from) {
      if (best.of[from] < 2) continue;
      for (unsigned to = 0; to < 256; ++to) {
        if (to == from || best.of[to] == 0) continue;
        RansFrequencies moved = best;
        --moved.of[from];
        ++moved.of[to];
        REQUIRE(rans_cost_bits(moved, counts) >= bits * (1 - 1e-12));
      }
    }
  }
}

TEST_CASE("an escape is made where it saves, and only there") {
  Counts counts{};
  counts[0] = 1000000;
  counts[1] = 700000;
  for (unsigned symbol = 10; symbol < 200; ++symbol) counts[symbol] = 1;
  const RansModel tailed = RansModel::from_counts(counts);
  CHECK(tailed.entries() == 3);
  CHECK(tailed.has_escape());
  CHECK(tailed.escape() == 2);
  Counts flat{};
  flat.fill(1000);
  const RansModel uniform = RansModel::from_counts(flat);
  CHECK(uniform.entries() == 256);
  CHECK_FALSE(uniform.has_escape());
}

TEST_CASE("counts that make no model are refused") {
  const Counts none{};
  CHECK(test::kind_of_failure([&] { RansModel::from_counts(none); }) ==
        ErrorKind::kInvalidArgument);
  const std::vector<std::uint64_t> few(255, 1);
  CHECK(test::kind_of_failure([&] { RansModel::from_counts(few); }) == ErrorKind::kInvalidArgument);
}

TEST_CASE("a model codes no symbol it does not know, and says so by its cost") {
  Counts counts{};
  counts[5] = counts[6] = 3;
  const RansModel model = RansModel::from_counts(counts);
  counts[7] = 1;
  CHECK(model.cost_bits(counts) == std::numeric_limits<double>::infinity());
}

TEST_CASE("tables round trip") {
  for (unsigned seed = 0; seed < 200; ++seed) {
    const RansModel model = RansModel::from_counts(any_counts(seed, 1 + seed * 2));
    const Bytes table = model.serialized();
    const RansModel again = RansModel::parse(table);
    REQUIRE(again.frequencies() == model.frequencies());
    REQUIRE(again.escape() == model.escape());
    REQUIRE(again.entries() == model.entries());
    REQUIRE(test::same_bits(again.serialized(), table));
  }
}

TEST_CASE("the layout of a table") {
  const RansFrequencies found = RansModel::parse(table_of(3, 5, {0, 4000, 0, 96})).frequencies();
  CHECK(found.of[3] == 4000);
  CHECK(found.of[5] == 96);
  CHECK(slots_of(found) == kRansTotal);
  const RansModel escaping = RansModel::parse(table_of(0, 0, {96, 4000}));
  CHECK(escaping.frequencies().escape == 96);
  CHECK(escaping.escape() == 1);
  CHECK(RansModel::parse(table_of(7, 7, {0, 4096})).is_constant());
}

TEST_CASE("bad tables are refused") {
  CHECK(parse_failure(table_of(3, 5, {0, 4000, 0, 97})) == ErrorKind::kCorrupt);
  CHECK(parse_failure(table_of(3, 5, {0, 4000, 0, 95})) == ErrorKind::kCorrupt);
  CHECK(parse_failure(table_of(5, 3, {0})) == ErrorKind::kCorrupt);
  CHECK(parse_failure(table_of(3, 5, {0, 0, 4000, 96})) == ErrorKind::kCorrupt);
  CHECK(parse_failure(table_of(3, 5, {0, 4000, 96, 0})) == ErrorKind::kCorrupt);
  CHECK(parse_failure(table_of(3, 3, {4096, 0})) == ErrorKind::kCorrupt);
  CHECK(parse_failure(table_of(3, 3, {0, 8191})) == ErrorKind::kCorrupt);
  CHECK(parse_failure(Bytes(20, 0xFF)) == ErrorKind::kCorrupt);
  std::vector<unsigned> all(257, 15);
  all[0] = 4096 - 256 * 15;
  CHECK(parse_failure(table_of(0, 255, all)) == ErrorKind::kCorrupt);
}

TEST_CASE("every prefix of a table, trailing bytes and filling bits are refused") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const Bytes table = RansModel::from_counts(any_counts(seed, 10 * seed)).serialized();
    for (std::size_t size = 0; size < table.size(); ++size) {
      const Bytes prefix(table.begin(), table.begin() + static_cast<std::ptrdiff_t>(size));
      REQUIRE(parse_failure(prefix) == ErrorKind::kTruncated);
    }
    Bytes longer = table;
    longer.push_back(0);
    REQUIRE(parse_failure(longer) == ErrorKind::kCorrupt);
  }
}

TEST_CASE("a table with a flipped bit is refused or is that of another model") {
  const Bytes table = RansModel::from_counts(any_counts(3, 40)).serialized();
  for (std::size_t bit = 0; bit < 8 * table.size(); ++bit) {
    Bytes flipped = table;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    Bytes again;
    try {
      again = RansModel::parse(flipped).serialized();
    } catch (const Error& error) {
      REQUIRE((error.kind() == ErrorKind::kCorrupt || error.kind() == ErrorKind::kTruncated));
      continue;
    }
    REQUIRE(test::same_bits(again, flipped));
  }
}
