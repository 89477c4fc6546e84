// Every ISA against the scalar specification, bit for bit.
#include "meadow/kernels/huffman/huffman.h"

#include <array>

#include "meadow/codec/huffman_code.h"
#include "support.h"

using namespace meadow;
using kernels::HuffmanKernels;
using kernels::HuffmanStreams;
using kernels::kHuffmanStreams;

namespace {

using Symbols = std::vector<std::uint8_t>;
using Sizes = std::array<std::size_t, kHuffmanStreams>;

template <typename Test>
void for_each_isa(const Test& test) {
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    test(kernels::huffman_kernels(isa));
  }
}

// Two symbols; bytes of nearly equal frequency; lengths 1 to 12.
std::vector<HuffmanCode> codes() {
  ByteCounts two{};
  two[3] = two[250] = 1;
  ByteCounts flat{};
  for (unsigned i = 0; i < 256; ++i) flat[i] = 1000 + i;
  ByteCounts steep{};
  for (unsigned i = 0; i < 40; ++i) steep[5 * i] = std::uint64_t{1} << (40 - i);
  return {HuffmanCode::optimal(two), HuffmanCode::optimal(flat), HuffmanCode::optimal(steep)};
}

Symbols any_symbols(const HuffmanCode& code, std::size_t count, unsigned seed) {
  auto random = test::generator(seed);
  Symbols known;
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    if (code.has(static_cast<std::uint8_t>(symbol))) {
      known.push_back(static_cast<std::uint8_t>(symbol));
    }
  }
  Symbols symbols(count);
  for (std::uint8_t& symbol : symbols) {
    symbol =
        known[std::min<std::size_t>(known.size() - 1, random() % known.size() >> random() % 8)];
  }
  return symbols;
}

Symbols encoded(const HuffmanKernels& kernel, const HuffmanCode& code, const Symbols& symbols,
                std::size_t offset, const std::uint32_t* pairs = nullptr) {
  Symbols out(offset + symbols.size() * 12 / 8 + 1 + 8, 0x5A);
  kernels::HuffmanCodes words = code.codes();
  words.pairs = pairs;
  const std::uint8_t* end =
      kernel.encode(words, symbols.data(), symbols.size(), out.data() + offset);
  REQUIRE(std::all_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(offset),
                      [](std::uint8_t byte) { return byte == 0x5A; }));
  return {static_cast<const std::uint8_t*>(out.data() + offset), end};
}

struct Found {
  bool whole;
  Symbols symbols;
};

// `offset` bytes stand in front of both buffers, which end exactly where the streams do.
Found decoded(const HuffmanKernels& kernel, const kernels::HuffmanSlots& slots,
              const Symbols& payload, const Sizes& bytes, const Sizes& counts, std::size_t offset) {
  std::size_t total = 0;
  for (const std::size_t count : counts) total += count;
  Symbols in(offset + payload.size());
  std::copy(payload.begin(), payload.end(), in.begin() + static_cast<std::ptrdiff_t>(offset));
  Symbols out(offset + total, 0x5A);
  HuffmanStreams streams{};
  streams.in[0] = in.data() + offset;
  streams.out[0] = out.data() + offset;
  for (std::size_t s = 0; s < kHuffmanStreams; ++s) {
    streams.in[s + 1] = streams.in[s] + bytes[s];
    streams.out[s + 1] = streams.out[s] + counts[s];
  }
  const bool whole = kernel.decode(slots, streams);
  REQUIRE(std::all_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(offset),
                      [](std::uint8_t byte) { return byte == 0x5A; }));
  return {whole, {out.begin() + static_cast<std::ptrdiff_t>(offset), out.end()}};
}

struct Case {
  Symbols symbols;
  Symbols payload;
  Sizes bytes;
  Sizes counts;
};

// Streams of different lengths, some of them empty.
Case any_case(const HuffmanCode& code, std::size_t longest, unsigned seed) {
  auto random = test::generator(seed);
  Case made;
  for (std::size_t s = 0; s < kHuffmanStreams; ++s) {
    made.counts[s] = seed % 3 == 0 ? longest : random() % (longest + 1);
    const Symbols part = any_symbols(code, made.counts[s], seed + static_cast<unsigned>(s));
    const Symbols stream = encoded(kernels::huffman_scalar, code, part, 0);
    made.bytes[s] = stream.size();
    made.symbols.insert(made.symbols.end(), part.begin(), part.end());
    made.payload.insert(made.payload.end(), stream.begin(), stream.end());
  }
  return made;
}

void check_decode(const HuffmanKernels& kernel, const kernels::HuffmanSlots& slots,
                  const Case& made, std::size_t offset) {
  const Found expected =
      decoded(kernels::huffman_scalar, slots, made.payload, made.bytes, made.counts, offset);
  const Found found = decoded(kernel, slots, made.payload, made.bytes, made.counts, offset);
  REQUIRE(found.whole == expected.whole);
  if (expected.whole) REQUIRE(found.symbols == expected.symbols);
}

}  // namespace

TEST_CASE("Huffman encodes as scalar does for all sizes and alignments") {
  for (const HuffmanCode& code : codes()) {
    const auto pairs = code.pairs();
    for_each_isa([&](const HuffmanKernels& kernel) {
      for (std::size_t count = 0; count <= 140; ++count) {
        const Symbols symbols = any_symbols(code, count, static_cast<unsigned>(count));
        const Symbols expected = encoded(kernels::huffman_scalar, code, symbols, 0);
        for (std::size_t offset = 0; offset < 9; ++offset) {
          REQUIRE(encoded(kernel, code, symbols, offset) == expected);
          REQUIRE(encoded(kernel, code, symbols, offset, pairs.data()) == expected);
        }
      }
    });
  }
}

TEST_CASE("Huffman decodes streams of all sizes at all alignments") {
  for (const HuffmanCode& code : codes()) {
    const auto slots = code.slots();
    for_each_isa([&](const HuffmanKernels& kernel) {
      for (unsigned seed = 0; seed < 180; ++seed) {
        const Case made = any_case(code, seed, seed);
        for (std::size_t offset = 0; offset < 9; ++offset) {
          const Found found =
              decoded(kernel, *slots, made.payload, made.bytes, made.counts, offset);
          REQUIRE(found.whole);
          REQUIRE(found.symbols == made.symbols);
        }
      }
    });
  }
}

TEST_CASE("Huffman judges streams cut at other places as scalar does") {
  for (const HuffmanCode& code : codes()) {
    const auto slots = code.slots();
    for_each_isa([&](const HuffmanKernels& kernel) {
      for (unsigned seed = 0; seed < 400; ++seed) {
        auto random = test::generator(seed);
        Case made = any_case(code, seed % 97, seed);
        const std::size_t s = random() % (kHuffmanStreams - 1);
        if (seed % 2 == 0) {  // a byte goes over to the neighbour
          const std::size_t moved = std::min<std::size_t>(made.bytes[s], 1 + random() % 3);
          made.bytes[s] -= moved;
          made.bytes[s + 1] += moved;
        } else {  // symbols do
          const std::size_t moved = std::min<std::size_t>(made.counts[s], 1 + random() % 30);
          made.counts[s] -= moved;
          made.counts[s + 1] += moved;
        }
        check_decode(kernel, *slots, made, seed % 9);
      }
    });
  }
}

TEST_CASE("Huffman judges any bytes as scalar does") {
  for (const HuffmanCode& code : codes()) {
    const auto slots = code.slots();
    for_each_isa([&](const HuffmanKernels& kernel) {
      for (unsigned seed = 0; seed < 600; ++seed) {
        auto random = test::generator(seed);
        Case made = any_case(code, seed % 150, seed);
        for (unsigned i = 0; i <= random() % 4 && !made.payload.empty(); ++i) {
          made.payload[random() % made.payload.size()] = static_cast<std::uint8_t>(random());
        }
        check_decode(kernel, *slots, made, seed % 9);
      }
    });
  }
}

TEST_CASE("bits that fill the last byte of a stream must be zero") {
  const HuffmanCode code = codes()[0];  // one bit a symbol
  const auto slots = code.slots();
  for_each_isa([&](const HuffmanKernels& kernel) {
    for (std::size_t count = 1; count <= 200; ++count) {
      const Symbols stream = encoded(kernels::huffman_scalar, code, any_symbols(code, count, 1), 0);
      for (std::size_t bit = count; bit < 8 * stream.size(); ++bit) {
        Symbols filled = stream;
        filled.back() |= static_cast<std::uint8_t>(1U << (bit % 8));
        const Sizes bytes = {0, 0, filled.size(), 0, 0, 0};
        REQUIRE_FALSE(decoded(kernel, *slots, filled, bytes, {0, 0, count, 0, 0, 0}, 0).whole);
      }
    }
  });
}
