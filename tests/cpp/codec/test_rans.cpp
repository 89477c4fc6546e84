// The rANS coder: round trips, its cost against the entropy, its tables, and payloads that lie.
#include "meadow/codec/rans.h"

#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <numeric>

#include "meadow/base/bits.h"
#include "support.h"

using namespace meadow;

namespace {

using Counts = std::array<std::uint64_t, 256>;
using Symbols = std::vector<std::uint8_t>;

Counts counts_of(const Symbols& symbols) {
  Counts counts{};
  for (const std::uint8_t symbol : symbols) ++counts[symbol];
  return counts;
}

RansModel model_of(const Symbols& symbols) { return RansModel::from_counts(counts_of(symbols)); }

double entropy_bits(const Counts& counts) {
  const double total =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  double bits = 0.0;
  for (const std::uint64_t count : counts) {
    if (count > 0)
      bits -= static_cast<double>(count) * std::log2(static_cast<double>(count) / total);
  }
  return bits;
}

Symbols any_symbols(std::size_t count, unsigned seed, unsigned alphabet) {
  auto random = test::generator(seed);
  Symbols symbols(count);
  for (std::uint8_t& symbol : symbols) symbol = static_cast<std::uint8_t>(random() % alphabet);
  return symbols;
}

Symbols skewed(std::size_t count, unsigned seed, double spread) {
  const Bytes codes = test::skewed_codes(count, seed, spread);
  return {codes.begin(), codes.end()};
}

// Student-t values as symmetric INT8 with one scale, so that the largest becomes 127.
Symbols long_tailed(std::size_t count, unsigned seed, double freedom) {
  auto random = test::generator(seed);
  std::student_t_distribution<double> student(freedom);
  std::vector<double> values(count);
  double largest = 0.0;
  for (double& value : values) {
    value = student(random);
    largest = std::max(largest, std::fabs(value));
  }
  Symbols symbols(count);
  for (std::size_t i = 0; i < count; ++i) {
    symbols[i] = static_cast<std::uint8_t>(std::lround(values[i] / largest * 127.0));
  }
  return symbols;
}

Symbols encoded(const RansModel& model, const Symbols& symbols) {
  Symbols payload(rans_bound(symbols.size()) + 1, 0xA5);
  const std::size_t size = rans_encode(model, symbols, payload.data());
  REQUIRE(size < payload.size());
  REQUIRE(payload.back() == 0xA5);
  payload.resize(size);
  payload.shrink_to_fit();  // ASan then sees every byte that is read behind the end
  return payload;
}

bool round_trips(const RansModel& model, const Symbols& symbols) {
  const Symbols payload = encoded(model, symbols);
  Symbols again(symbols.size());
  return rans_decode(model, payload, again) && again == symbols;
}

// Restores the ISA that was in use.
class EveryIsa {
 public:
  EveryIsa() = default;
  EveryIsa(const EveryIsa&) = delete;
  EveryIsa& operator=(const EveryIsa&) = delete;
  ~EveryIsa() { select_isa(isa_name(before_)); }

  template <typename Test>
  void run(const Test& test) const {
    for (const Isa isa : available_isas()) {
      CAPTURE(std::string(isa_name(isa)));
      select_isa(isa_name(isa));
      test();
    }
  }

 private:
  Isa before_ = active_isa();
};

// One of each shape of model: uniform, skewed, with an escape, two symbols.
std::vector<Symbols> material(std::size_t count) {
  return {any_symbols(count, 1, 256), any_symbols(count, 2, 2), skewed(count, 3, 0.3),
          skewed(count, 4, 20.0), long_tailed(count, 5, 2.5)};
}

constexpr std::size_t kTile = 65536;

// Table and payloads of all tiles against the entropy, in bits per symbol.
void check_cost(const Symbols& symbols, double allowed) {
  const RansModel model = model_of(symbols);
  std::size_t bytes = model.serialized().size();
  for (std::size_t at = 0; at < symbols.size(); at += kTile) {
    const auto first = symbols.begin() + static_cast<std::ptrdiff_t>(at);
    bytes += encoded(model, Symbols(first, first + kTile)).size();
  }
  const auto count = static_cast<double>(symbols.size());
  const double floor = entropy_bits(counts_of(symbols)) / count;
  const double found = 8.0 * static_cast<double>(bytes) / count;
  CAPTURE(floor);
  CAPTURE(found - floor);
  CAPTURE(model.entries());
  CHECK(found > floor);
  CHECK(found < floor + allowed);
}

// False, or symbols other than the right ones; and nothing outside is touched (ASan).
void check_damaged(const RansModel& model, const Symbols& damaged, const Symbols& symbols) {
  const Symbols exact(damaged);
  Symbols again(symbols.size());
  REQUIRE_FALSE((rans_decode(model, exact, again) && again == symbols));
}

}  // namespace

TEST_CASE("rANS round trips for all sizes around the lanes") {
  for (const Symbols& all : material(20000)) {
    const RansModel model = model_of(all);
    EveryIsa().run([&] {
      for (std::size_t size = 0; size <= 400; ++size) {
        CAPTURE(size);
        REQUIRE(
            round_trips(model, Symbols(all.end() - static_cast<std::ptrdiff_t>(size), all.end())));
      }
      for (const std::size_t size : {1023U, 1024U, 1025U, 16384U, 20000U}) {
        REQUIRE(
            round_trips(model, Symbols(all.end() - static_cast<std::ptrdiff_t>(size), all.end())));
      }
    });
  }
}

TEST_CASE("rANS payloads are the same on every ISA") {
  for (const Symbols& symbols : material(5003)) {
    const RansModel model = model_of(symbols);
    std::vector<Symbols> payloads;
    EveryIsa().run([&] { payloads.push_back(encoded(model, symbols)); });
    for (const Symbols& payload : payloads) CHECK(payload == payloads.front());
  }
}

TEST_CASE("a model codes symbols that it was not made of") {
  const RansModel model = model_of(long_tailed(200000, 6, 2.5));
  REQUIRE(model.has_escape());
  CHECK(round_trips(model, any_symbols(3000, 7, 256)));  // nearly all of them escaped
  CHECK(round_trips(model, Symbols(3000, model.escape())));
}

TEST_CASE("a symbol that has no slots is an error without an escape") {
  const RansModel model = model_of(any_symbols(1000, 8, 7));
  REQUIRE_FALSE(model.has_escape());
  for (const std::size_t size : {1U, 200U, 1000U}) {
    Symbols symbols(size, 3);
    symbols.back() = 200;
    Symbols out(rans_bound(size));
    CHECK(test::kind_of_failure([&] { rans_encode(model, symbols, out.data()); }) ==
          ErrorKind::kInvalidArgument);
  }
}

TEST_CASE("one symbol costs nothing") {
  const RansModel model = model_of(Symbols(70000, 42));
  CHECK(model.entries() == 1);
  EveryIsa().run([&] {
    CHECK(encoded(model, Symbols(65536, 42)).empty());
    Symbols again(65536);
    CHECK(rans_decode(model, {}, again));
    CHECK(again == Symbols(65536, 42));
    const Symbols extra(1, 0);
    CHECK_FALSE(rans_decode(model, extra, again));
  });
}

TEST_CASE("no symbols are an empty payload") {
  const RansModel model = model_of({1, 2, 3});
  CHECK(encoded(model, {}).empty());
  CHECK(rans_decode(model, {}, {}));
  const Symbols extra(1, 0);
  CHECK_FALSE(rans_decode(model, extra, {}));
}

TEST_CASE("everything counted, a million symbols cost little more than their entropy") {
  const std::size_t tiles = std::getenv("MEADOW_IN_QEMU") != nullptr ? 4 : 16;
  const std::size_t count = tiles * kTile;
  // Bits per symbol: table, states, rounding of probabilities, escapes. One table for 4 tiles only
  // costs at most 0.005 more.
  const double allowed = tiles == 16 ? 0.015 : 0.02;
  for (const double freedom : {1.6, 2.0, 3.0, 5.0, 30.0}) {
    check_cost(long_tailed(count, 9, freedom), allowed);
  }
  // Clamped: up to nearly flat.
  for (const double spread : {0.3, 1.0, 6.0, 20.0, 50.0}) {
    check_cost(skewed(count, 9, spread), allowed);
  }
}

TEST_CASE("the predicted cost is that of the payload") {
  for (const Symbols& symbols : material(60000)) {
    const RansModel model = model_of(symbols);
    const double predicted = model.cost_bits(counts_of(symbols));
    const double found = 8.0 * static_cast<double>(encoded(model, symbols).size());
    CHECK(found > predicted - 64 * 8);
    CHECK(found < predicted * 1.001 + 32 * 32);
  }
}

TEST_CASE("every prefix, every longer payload and every flipped bit is noticed") {
  for (const Symbols& symbols : material(700)) {
    const RansModel model = model_of(symbols);
    const Symbols payload = encoded(model, symbols);
    EveryIsa().run([&] {
      Symbols again(symbols.size());
      for (std::size_t size = 0; size < payload.size(); ++size) {
        const Symbols prefix(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size));
        check_damaged(model, prefix, symbols);
      }
      Symbols longer = payload;
      longer.push_back(0);
      CHECK_FALSE(rans_decode(model, longer, again));
      for (std::size_t bit = 0; bit < 8 * payload.size(); ++bit) {
        Symbols flipped = payload;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        check_damaged(model, flipped, symbols);
      }
    });
  }
}

TEST_CASE("every ISA judges random payloads as scalar does") {
  auto random = test::generator(10);
  for (const Symbols& symbols : material(900)) {
    const RansModel model = model_of(symbols);
    const Symbols payload = encoded(model, symbols);
    for (int round = 0; round < 300; ++round) {
      Symbols damaged = payload;
      for (unsigned i = 0; i <= random() % 4; ++i) {
        damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
      }
      if (round % 3 == 0) damaged.resize(random() % (damaged.size() + 64));
      damaged.shrink_to_fit();
      std::vector<bool> right;
      std::vector<Symbols> found;
      EveryIsa().run([&] {
        found.emplace_back(symbols.size());
        right.push_back(rans_decode(model, damaged, found.back()));
      });
      for (std::size_t i = 0; i < found.size(); ++i) {
        REQUIRE(right[i] == right[0]);
        if (right[0]) REQUIRE(found[i] == found[0]);
      }
    }
  }
}

TEST_CASE("what decodes is what would be encoded") {
  auto random = test::generator(11);
  const Symbols symbols = skewed(300, 12, 0.5);
  const RansModel model = model_of(symbols);
  const Symbols payload = encoded(model, symbols);
  int accepted = 0;
  for (int round = 0; round < 20000; ++round) {
    Symbols damaged = payload;
    damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
    Symbols found(symbols.size());
    if (!rans_decode(model, damaged, found)) continue;
    ++accepted;
    REQUIRE(encoded(model, found) == damaged);
  }
  CHECK(accepted > 0);
}

TEST_CASE("words that are zero are still needed") {
  Counts counts;
  for (unsigned symbol = 0; symbol < 256; ++symbol) counts[symbol] = symbol < 200 ? 100000 : 1;
  const RansModel model = RansModel::from_counts(counts);
  REQUIRE(model.has_escape());  // nothing is escaped below: the payload ends with a word
  for (unsigned seed = 0;; ++seed) {
    REQUIRE(seed < 1000000);  // about one payload of 65536 ends so
    const Symbols symbols = any_symbols(160, seed, 200);
    Symbols payload = encoded(model, symbols);
    if (payload.end()[-1] != 0 || payload.end()[-2] != 0) continue;
    payload.resize(payload.size() - 2);
    payload.shrink_to_fit();
    Symbols again(symbols.size());
    EveryIsa().run([&] { CHECK_FALSE(rans_decode(model, payload, again)); });
    return;
  }
}

TEST_CASE("an escaped byte that has slots of its own is refused") {
  const Symbols symbols = long_tailed(200000, 6, 2.5);
  const RansModel model = model_of(symbols);
  REQUIRE(model.has_escape());
  Symbols payload = encoded(model, symbols);
  REQUIRE(model.is_escaped(payload.back()));
  REQUIRE_FALSE(model.is_escaped(0));
  payload.back() = 0;
  Symbols again(symbols.size());
  EveryIsa().run([&] { CHECK_FALSE(rans_decode(model, payload, again)); });
}

TEST_CASE("a state below 2^16 and a word more, which would decode to the same, are refused") {
  const Symbols symbols = skewed(1000, 14, 0.5);
  const RansModel model = model_of(symbols);
  Symbols payload = encoded(model, symbols);
  const auto state = load<std::uint32_t>(payload.data());
  const std::uint32_t entry = model.slots()[state % 4096];
  const std::uint32_t next = (entry & 0xFFF) * (state / 4096) + (entry >> 20);
  REQUIRE(next >= 65536);  // lane 0 takes no word at first
  const std::uint32_t frequency = entry & 0xFFF;
  const std::uint32_t start = state % 4096 - (entry >> 20);
  const std::uint32_t high = next / 65536;
  store(payload.data(), high / frequency * 4096 + high % frequency + start);
  const std::ptrdiff_t words_at = 128 + 1000 % 32;
  payload.insert(payload.begin() + words_at,
                 {static_cast<std::uint8_t>(next), static_cast<std::uint8_t>(next >> 8)});
  Symbols again(symbols.size());
  EveryIsa().run([&] { CHECK_FALSE(rans_decode(model, payload, again)); });
}
