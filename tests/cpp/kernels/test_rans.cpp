// Every ISA against the scalar specification, bit for bit.
#include "meadow/kernels/rans/rans.h"

#include <array>
#include <string>

#include "meadow/codec/rans_model.h"
#include "support.h"

using namespace meadow;
using kernels::kRansLanes;
using kernels::kRansRoom;
using kernels::RansKernels;
using kernels::RansWords;

namespace {

using States = std::array<std::uint32_t, kRansLanes>;

template <typename Test>
void for_each_isa(const Test& test) {
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    test(kernels::rans_kernels(isa));
  }
}

// Frequencies of every size, 1 and 4095 among them.
std::vector<RansModel> models() {
  std::vector<RansModel> made;
  std::array<std::uint64_t, 256> counts{};
  counts[7] = 1;
  counts[200] = 1000000;
  made.push_back(RansModel::from_counts(counts));
  counts.fill(3);
  made.push_back(RansModel::from_counts(counts));
  for (unsigned symbol = 0; symbol < 256; ++symbol) counts[symbol] = 1 + symbol * symbol * symbol;
  made.push_back(RansModel::from_counts(counts));
  for (unsigned symbol = 0; symbol < 256; ++symbol) counts[symbol] = symbol < 12 ? 1U << symbol : 0;
  made.push_back(RansModel::from_counts(counts));
  return made;
}

States any_states(unsigned seed) {
  auto random = test::generator(seed);
  States states;
  for (std::uint32_t& state : states) {
    state = kernels::kRansLow + static_cast<std::uint32_t>(random() >> (random() % 17));
    if (state < kernels::kRansLow) state = 0xFFFFFFFF;  // the sum has run over
  }
  return states;
}

std::vector<std::uint8_t> any_bytes(std::size_t count, unsigned seed) {
  auto random = test::generator(seed);
  std::vector<std::uint8_t> bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

struct Decoded {
  std::size_t groups;
  std::ptrdiff_t used;
  States states;
  std::vector<std::uint8_t> symbols;

  bool operator==(const Decoded&) const = default;
};

Decoded decoded(const RansKernels& kernel, const RansModel& model, States states,
                const std::vector<std::uint8_t>& bytes, std::size_t groups) {
  std::vector<std::uint8_t> symbols(groups * kRansLanes + 1, 0x5A);
  RansWords words = {bytes.data(), bytes.data() + bytes.size()};
  const std::size_t done =
      kernel.decode(model.slots(), states.data(), &words, symbols.data(), groups);
  return {done, words.next - bytes.data(), states, symbols};
}

struct Encoded {
  States states;
  std::vector<std::uint8_t> words;

  bool operator==(const Encoded&) const = default;
};

Encoded encoded(const RansKernels& kernel, const RansModel& model, States states,
                const std::vector<std::uint8_t>& symbols, std::size_t groups) {
  constexpr std::size_t kFree = 64;
  constexpr std::size_t kBehind = 64;
  const std::size_t size = 2 * kRansLanes * groups;
  std::vector<std::uint8_t> out(kFree + size + kBehind, 0x5A);
  std::uint8_t* const end = out.data() + kFree + size;
  const std::uint8_t* const begin =
      kernel.encode(model.symbols(), states.data(), symbols.data(), groups, end);
  REQUIRE(begin >= out.data() + kFree);
  REQUIRE(std::all_of(end, end + kBehind, [](std::uint8_t byte) { return byte == 0x5A; }));
  return {states, {begin, static_cast<const std::uint8_t*>(end)}};
}

std::vector<std::uint8_t> codable(const RansModel& model, std::size_t count, unsigned seed) {
  std::vector<std::uint8_t> symbols = any_bytes(count, seed);
  for (std::uint8_t& symbol : symbols) {
    while (!model.can_code(symbol)) ++symbol;
  }
  return symbols;
}

}  // namespace

TEST_CASE("rANS decodes any bytes as scalar does") {
  for (const RansModel& model : models()) {
    for_each_isa([&](const RansKernels& kernel) {
      for (unsigned seed = 0; seed < 60; ++seed) {
        const std::vector<std::uint8_t> bytes = any_bytes(37 * seed, seed);
        for (const std::size_t groups : {0U, 1U, 2U, 100U}) {
          const States states = any_states(seed);
          const Decoded expected = decoded(kernels::rans_scalar, model, states, bytes, groups);
          REQUIRE(decoded(kernel, model, states, bytes, groups) == expected);
        }
      }
    });
  }
}

TEST_CASE("rANS decodes a group only where there is room") {
  const RansModel model = models()[1];
  for_each_isa([&](const RansKernels& kernel) {
    const States states = any_states(1);
    CHECK(decoded(kernel, model, states, any_bytes(kRansRoom - 1, 2), 5).groups == 0);
    CHECK(decoded(kernel, model, states, any_bytes(kRansRoom, 2), 5).groups >= 1);
  });
}

TEST_CASE("rANS encodes as scalar does, and decoding takes it back") {
  for (const RansModel& model : models()) {
    for_each_isa([&](const RansKernels& kernel) {
      for (unsigned seed = 0; seed < 80; ++seed) {
        const std::size_t groups = seed % 9;
        const std::vector<std::uint8_t> symbols = codable(model, groups * kRansLanes, seed);
        const States states = any_states(seed);
        const Encoded expected = encoded(kernels::rans_scalar, model, states, symbols, groups);
        REQUIRE(encoded(kernel, model, states, symbols, groups) == expected);
        std::vector<std::uint8_t> padded = expected.words;
        padded.resize(padded.size() + kRansRoom);
        const Decoded again = decoded(kernel, model, expected.states, padded, groups);
        REQUIRE(again.groups == groups);
        REQUIRE(again.states == states);
        REQUIRE(again.used == static_cast<std::ptrdiff_t>(expected.words.size()));
      }
    });
  }
}

TEST_CASE("scalar divides exactly at the borders of every frequency") {
  for (std::uint64_t frequency = 1; frequency < kernels::kRansSlots; ++frequency) {
    const std::uint64_t reciprocal = ((std::uint64_t{1} << 44) + frequency - 1) / frequency;
    for (const std::uint64_t quotient : {0x10U, 0x1234U, 0xFFFFFU}) {
      const std::uint64_t lowest = quotient * frequency;
      const std::uint64_t highest = lowest + frequency - 1;
      REQUIRE(((lowest * reciprocal) >> 44U) == quotient);
      REQUIRE(((highest * reciprocal) >> 44U) == quotient);
    }
  }
}

TEST_CASE("every ISA divides exactly at the borders of every frequency") {
  for (std::uint32_t frequency = 1; frequency < kernels::kRansSlots; ++frequency) {
    const std::uint64_t reciprocal = ((std::uint64_t{1} << 44) + frequency - 1) / frequency;
    const std::vector<kernels::RansSymbol> table(
        256, {reciprocal, frequency, static_cast<std::uint32_t>(kernels::kRansSlots) - frequency});
    States states;
    for (std::uint32_t lane = 0; lane < kRansLanes; ++lane) {
      const std::uint32_t quotient =
          lane < 16 ? (1U << 20) - 1 - lane / 2 * 7777 : 65536 / frequency + lane;
      states[lane] =
          std::max(quotient * frequency + (lane % 2 == 0 ? 0 : frequency - 1), kernels::kRansLow);
    }
    const std::vector<std::uint8_t> symbols(kRansLanes, 9);
    std::array<std::uint8_t, 192> room{};
    States expected = states;
    kernels::rans_scalar.encode(table.data(), expected.data(), symbols.data(), 1,
                                room.data() + room.size());
    for_each_isa([&](const RansKernels& kernel) {
      States found = states;
      kernel.encode(table.data(), found.data(), symbols.data(), 1, room.data() + room.size());
      REQUIRE(found == expected);
    });
  }
}

TEST_CASE("escapes are put back as scalar does for all sizes and alignments") {
  for_each_isa([](const RansKernels& kernel) {
    for (std::size_t offset = 0; offset < 16; ++offset) {
      for (std::size_t count = 0; count <= 140; ++count) {
        std::vector<std::uint8_t> symbols =
            any_bytes(offset + count + 1, static_cast<unsigned>(count));
        for (std::uint8_t& symbol : symbols) symbol %= count % 7 + 1;
        const auto first = symbols.begin() + static_cast<std::ptrdiff_t>(offset);
        const auto escapes = static_cast<std::size_t>(
            std::count(first, first + static_cast<std::ptrdiff_t>(count), 0));
        for (std::size_t available = escapes > 0 ? escapes - 1 : 0; available <= escapes + 1;
             ++available) {
          std::vector<std::uint8_t> bytes = any_bytes(available, 3);
          std::vector<std::uint8_t> expected = symbols;
          std::vector<std::uint8_t> found = symbols;
          const bool right = kernels::rans_scalar.put_back(expected.data() + offset, count, 0,
                                                           bytes.data(), available);
          REQUIRE(right == (available == escapes));
          REQUIRE(kernel.put_back(found.data() + offset, count, 0, bytes.data(), available) ==
                  right);
          if (right) REQUIRE(found == expected);
          REQUIRE(found.back() == symbols.back());
        }
      }
    }
  });
}
