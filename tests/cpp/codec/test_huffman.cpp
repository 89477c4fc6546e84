// Huffman payloads of one tile: round trips, equal bytes on every ISA, and payloads that lie.
#include "meadow/codec/huffman.h"

#include "every_isa.h"

using namespace meadow;
using test::EveryIsa;

namespace {

using Symbols = std::vector<std::uint8_t>;

HuffmanCode code_of(const Symbols& symbols) {
  ByteCounts counts{};
  for (const std::uint8_t symbol : symbols) ++counts[symbol];
  return HuffmanCode::optimal(counts);
}

Symbols encoded(const HuffmanCode& code, const Symbols& symbols) {
  Symbols payload(huffman_bound(symbols.size()), 0xA5);  // ASan sees what is written behind it
  const std::uint8_t* end = huffman_encode(code.codes(), symbols, payload.data());
  payload.resize(static_cast<std::size_t>(end - payload.data()));
  payload.shrink_to_fit();
  return payload;
}

struct Found {
  bool whole;
  Symbols symbols;
};

Found decoded(const HuffmanCode& code, const Symbols& payload, std::size_t count) {
  Found found{false, Symbols(count, 0x5A)};
  found.whole = huffman_decode(*code.slots(), payload, found.symbols);
  return found;
}

// Codes of one bit, of eight, of every length, and of several in a look-up.
std::vector<Symbols> material(std::size_t count) {
  std::vector<Symbols> made(4, Symbols(count));
  auto random = test::generator(static_cast<unsigned>(count));
  for (std::size_t i = 0; i < count; ++i) {
    made[0][i] = static_cast<std::uint8_t>(random() % 2 * 200);
    made[1][i] = static_cast<std::uint8_t>(random());
    made[2][i] = static_cast<std::uint8_t>(std::min(255U, __builtin_ctz(random() | 1U << 20) * 9U));
  }
  const Bytes skewed = test::skewed_codes(count, 1, 4.0);
  made[3].assign(skewed.begin(), skewed.end());
  for (Symbols& symbols : made) {
    symbols[0] = 1;
    symbols[1] = 2;
  }
  return made;
}

Symbols tail(const Symbols& all, std::size_t size) {
  return {all.end() - static_cast<std::ptrdiff_t>(size), all.end()};
}

// Equal verdicts everywhere, equal symbols where they are whole, which then encode to the payload.
void check_alike(const HuffmanCode& code, const Symbols& payload, std::size_t count) {
  const Symbols exact(payload);
  std::vector<Found> found;
  EveryIsa().run([&] { found.push_back(decoded(code, exact, count)); });
  for (const Found& one : found) {
    REQUIRE(one.whole == found[0].whole);
    if (one.whole) REQUIRE(one.symbols == found[0].symbols);
  }
  if (found[0].whole) REQUIRE(encoded(code, found[0].symbols) == exact);
}

}  // namespace

TEST_CASE("Huffman payloads come back for all sizes around the streams") {
  for (const Symbols& all : material(70000)) {
    const HuffmanCode code = code_of(all);
    EveryIsa().run([&] {
      for (std::size_t size = 0; size < 700; size += size < 300 ? 1 : 13) {
        CAPTURE(size);
        const Symbols symbols = tail(all, size);
        const Found found = decoded(code, encoded(code, symbols), size);
        REQUIRE(found.whole);
        REQUIRE(found.symbols == symbols);
      }
      for (const std::size_t size : {4095U, 4096U, 65535U, 65536U, 65537U}) {
        const Symbols symbols = tail(all, size);
        REQUIRE(decoded(code, encoded(code, symbols), size).symbols == symbols);
      }
    });
  }
}

TEST_CASE("the longest tile of the longest codes fits the sizes of its streams") {
  ByteCounts counts{};
  for (unsigned i = 0; i < 20; ++i) counts[i] = std::uint64_t{1} << (40 - 2 * i);
  const HuffmanCode code = HuffmanCode::optimal(counts);
  REQUIRE(code.longest() == 12);
  const Symbols symbols(kMaxTileSymbols, 19);
  const Symbols payload = encoded(code, symbols);
  CHECK(payload.size() >= kMaxTileSymbols * 12 / 8);
  CHECK(decoded(code, payload, symbols.size()).symbols == symbols);
}

TEST_CASE("Huffman payloads are the same on every ISA, and cost what the code says") {
  for (const Symbols& symbols : material(10007)) {
    const HuffmanCode code = code_of(symbols);
    ByteCounts counts{};
    for (const std::uint8_t symbol : symbols) ++counts[symbol];
    std::vector<Symbols> payloads;
    EveryIsa().run([&] { payloads.push_back(encoded(code, symbols)); });
    for (const Symbols& payload : payloads) CHECK(payload == payloads[0]);
    const std::uint64_t bits = 8 * std::uint64_t{payloads[0].size()};
    CHECK(bits >= code.cost_bits(counts) + 80);
    CHECK(bits < code.cost_bits(counts) + 80 + 6 * 8);
  }
}

TEST_CASE("no symbols are an empty payload") {
  const HuffmanCode code = code_of({1, 2});
  CHECK(encoded(code, {}).empty());
  CHECK(decoded(code, {}, 0).whole);
  CHECK_FALSE(decoded(code, {0}, 0).whole);
}

TEST_CASE("every prefix and every longer payload is noticed") {
  for (const Symbols& symbols : material(500)) {
    const HuffmanCode code = code_of(symbols);
    const Symbols payload = encoded(code, symbols);
    EveryIsa().run([&] {
      for (std::size_t size = 0; size < payload.size(); ++size) {
        const Symbols prefix(payload.begin(), payload.begin() + static_cast<std::ptrdiff_t>(size));
        REQUIRE_FALSE(decoded(code, prefix, symbols.size()).whole);
      }
      for (const std::uint8_t more : {0, 1, 255}) {
        Symbols longer = payload;
        longer.push_back(more);
        REQUIRE_FALSE(decoded(code, longer, symbols.size()).whole);
      }
      // A bit that fills the last byte may pass for one more symbol: the head tells how many.
      REQUIRE_FALSE(decoded(code, payload, symbols.size() - 100).whole);
      REQUIRE_FALSE(decoded(code, payload, symbols.size() + 100).whole);
    });
  }
}

TEST_CASE("every flipped bit decodes to something else or not at all, on every ISA alike") {
  for (const std::size_t count : {61U, 700U}) {
    for (const Symbols& symbols : material(count)) {
      const HuffmanCode code = code_of(symbols);
      const Symbols payload = encoded(code, symbols);
      for (std::size_t bit = 0; bit < 8 * payload.size(); bit += count < 100 ? 1 : 7) {
        Symbols flipped = payload;
        flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
        check_alike(code, flipped, count);
        const Found found = decoded(code, flipped, count);
        REQUIRE_FALSE((found.whole && found.symbols == symbols));
      }
    }
  }
}

TEST_CASE("every ISA judges random payloads as scalar does") {
  auto random = test::generator(3);
  for (const Symbols& symbols : material(900)) {
    const HuffmanCode code = code_of(symbols);
    const Symbols payload = encoded(code, symbols);
    for (int round = 0; round < 400; ++round) {
      Symbols damaged = payload;
      for (unsigned i = 0; i <= random() % 5; ++i) {
        damaged[random() % damaged.size()] = static_cast<std::uint8_t>(random());
      }
      if (round % 4 == 0) damaged.resize(random() % (damaged.size() + 64));
      check_alike(code, damaged, round % 8 == 0 ? random() % 2000 : symbols.size());
    }
  }
}
