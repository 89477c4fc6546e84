// Every ISA against the scalar specification, bit for bit, and that against the formula.
#include "meadow/kernels/float_cut/float_cut.h"

#include "meadow/blob/layout.h"
#include "support.h"

using namespace meadow;
using kernels::FloatCut;
using kernels::FloatCutKernels;

namespace {

constexpr std::size_t kLongest = 140;  // around 8, 16, 32 and 64 lanes
constexpr std::size_t kOffsets = 9;

template <typename Test>
void for_each_isa(const Test& test) {
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    test(kernels::float_cut_kernels(isa));
  }
}

std::vector<FloatCut> cuts() {
  std::vector<FloatCut> made;
  Layout layout;
  layout.content = FloatType::kF16;
  layout.top = 3;
  made.push_back(layout.cut());
  layout.content = FloatType::kBF16;
  for (layout.top = 0; layout.top <= 3; ++layout.top) made.push_back(layout.cut());
  return made;
}

template <typename Word>
std::vector<Word> any_words(std::size_t count, unsigned seed) {
  auto random = test::generator(seed);
  std::vector<Word> words(count);
  for (Word& word : words) word = static_cast<Word>(random());
  return words;
}

struct Planes {
  std::size_t escapes;
  std::vector<std::uint8_t> symbols;
  std::vector<std::uint8_t> rest;
};

Planes split(const FloatCutKernels& kernel, const FloatCut& cut, const std::uint16_t* values,
             std::size_t count, const std::uint16_t* bases, std::uint16_t row) {
  Planes made{0, std::vector<std::uint8_t>(count), std::vector<std::uint8_t>(count)};
  made.escapes =
      kernel.split(cut, values, count, bases, row, made.symbols.data(), made.rest.data());
  std::vector<std::uint8_t> alone(count);
  REQUIRE(kernel.split(cut, values, count, bases, row, alone.data(), nullptr) == made.escapes);
  REQUIRE(alone == made.symbols);
  return made;
}

// The formula of the header, one value at a time.
Planes split_by_formula(const FloatCut& cut, const std::uint16_t* values, std::size_t count,
                        const std::uint16_t* bases, std::uint16_t row) {
  Planes made{0, {}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned modulus = cut.field + 1U;
    const unsigned field = (values[i] & 0x7FFFU) >> cut.shift;
    const unsigned symbol = (field + 16 * modulus - (row + bases[i]) % modulus) % modulus;
    const bool escaped = symbol >= cut.escape;
    made.escapes += escaped ? 1 : 0;
    const unsigned top = symbol & cut.top;
    made.symbols.push_back(static_cast<std::uint8_t>(escaped ? cut.escape + top : symbol));
    const unsigned low = values[i] & ((1U << cut.shift) - 1);
    made.rest.push_back(static_cast<std::uint8_t>(low | (values[i] >> 15) << cut.shift));
  }
  return made;
}

void check_split(const FloatCutKernels& kernel, const FloatCut& cut, const std::uint16_t* values,
                 std::size_t count, const std::uint16_t* bases, std::uint16_t row) {
  const Planes expected = split_by_formula(cut, values, count, bases, row);
  const Planes found = split(kernel, cut, values, count, bases, row);
  REQUIRE(found.escapes == expected.escapes);
  REQUIRE(found.symbols == expected.symbols);
  REQUIRE(found.rest == expected.rest);
  std::vector<std::uint16_t> merged(count);
  kernel.merge(cut, found.symbols.data(), found.rest.data(), count, bases, row, merged.data());
  for (std::size_t i = 0; i < count; ++i) {
    if (found.symbols[i] < cut.escape) REQUIRE(merged[i] == values[i]);
  }
}

std::vector<std::uint16_t> bases_of(const FloatCut& cut, std::size_t count) {
  std::vector<std::uint16_t> bases = any_words<std::uint16_t>(count, 7);
  for (std::uint16_t& base : bases) {
    base = static_cast<std::uint16_t>((base % 511) * (cut.top + 1U));
  }
  return bases;
}

}  // namespace

TEST_CASE("floats are cut as the formula says for all sizes and alignments") {
  const auto values = any_words<std::uint16_t>(kLongest + kOffsets, 1);
  for (const FloatCut& cut : cuts()) {
    const auto bases = bases_of(cut, kLongest + kOffsets);
    for_each_isa([&](const FloatCutKernels& kernel) {
      for (std::size_t offset = 0; offset < kOffsets; ++offset) {
        for (std::size_t count = 0; count <= kLongest; ++count) {
          const auto row = static_cast<std::uint16_t>(count * 37 % 256 * (cut.top + 1U));
          check_split(kernel, cut, values.data() + offset, count,
                      bases.data() + (kOffsets - 1 - offset), row);
        }
      }
    });
  }
}

TEST_CASE("every pattern of 16 bits is cut and comes back") {
  std::vector<std::uint16_t> values(1 << 16);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(i);
  for (const FloatCut& cut : cuts()) {
    const std::vector<std::uint16_t> none(values.size(), 0);
    const auto bases = bases_of(cut, values.size());
    for_each_isa([&](const FloatCutKernels& kernel) {
      check_split(kernel, cut, values.data(), values.size(), none.data(), 0);
      check_split(kernel, cut, values.data(), values.size(), bases.data(), 55);
    });
  }
}

TEST_CASE("escapes are counted where there are more than 16 bits of them") {
  const FloatCut cut = cuts()[2];
  REQUIRE(cut.escape == 254);
  const std::vector<std::uint16_t> values(70001, 0x7F80);  // infinity: the highest exponent
  const std::vector<std::uint16_t> bases(values.size(), 0);
  for_each_isa([&](const FloatCutKernels& kernel) {
    CHECK(split(kernel, cut, values.data(), values.size(), bases.data(), 0).escapes == 70001);
    CHECK(split(kernel, cut, values.data(), values.size(), bases.data(), 400).escapes == 0);
  });
}

TEST_CASE("any symbols are merged as scalar does") {
  const auto symbols = any_words<std::uint8_t>(kLongest + kOffsets, 2);
  const auto rest = any_words<std::uint8_t>(kLongest + kOffsets, 3);
  for (const FloatCut& cut : cuts()) {
    const auto bases = bases_of(cut, kLongest + kOffsets);
    for_each_isa([&](const FloatCutKernels& kernel) {
      for (std::size_t offset = 0; offset < kOffsets; ++offset) {
        for (std::size_t count = 0; count <= kLongest; ++count) {
          std::vector<std::uint16_t> expected(count);
          std::vector<std::uint16_t> found(count);
          kernels::float_cut_scalar.merge(cut, symbols.data() + offset, rest.data() + offset, count,
                                          bases.data(), 300, expected.data());
          kernel.merge(cut, symbols.data() + offset, rest.data() + offset, count, bases.data(), 300,
                       found.data());
          REQUIRE(found == expected);
        }
      }
    });
  }
}

TEST_CASE("fields of every width are packed lowest bit first, and come back") {
  for_each_isa([](const FloatCutKernels& kernel) {
    for (unsigned width = 1; width <= 8; ++width) {
      for (std::size_t offset = 0; offset < kOffsets; ++offset) {
        for (std::size_t count = 0; count <= kLongest; ++count) {
          auto values = any_words<std::uint8_t>(offset + count, width);
          for (std::uint8_t& value : values) value &= static_cast<std::uint8_t>((1U << width) - 1);
          const std::size_t bytes = (count * width + 7) / 8;
          std::vector<std::uint8_t> expected(bytes, 0);
          for (std::size_t bit = 0; bit < count * width; ++bit) {
            const unsigned value = values[offset + bit / width] >> (bit % width) & 1U;
            expected[bit / 8] |= static_cast<std::uint8_t>(value << (bit % 8));
          }
          std::vector<std::uint8_t> packed(offset + bytes);  // ends where the heap block does
          kernel.pack(values.data() + offset, count, width, packed.data() + offset);
          REQUIRE(std::equal(expected.begin(), expected.end(),
                             packed.begin() + static_cast<std::ptrdiff_t>(offset)));
          std::vector<std::uint8_t> again(offset + count);
          std::copy_n(values.begin(), offset, again.begin());
          kernel.unpack(packed.data() + offset, count, width, again.data() + offset);
          REQUIRE(again == values);
        }
      }
    }
  });
}

TEST_CASE("F32 is cut in an upper half and two bytes, and comes back") {
  const auto values = any_words<std::uint32_t>(kLongest + kOffsets, 4);
  for_each_isa([&](const FloatCutKernels& kernel) {
    for (std::size_t offset = 0; offset < kOffsets; ++offset) {
      for (std::size_t count = 0; count <= kLongest; ++count) {
        const std::uint32_t* from = values.data() + offset;
        std::vector<std::uint16_t> upper(count);
        std::vector<std::uint8_t> middle(count);
        std::vector<std::uint8_t> low(count);
        kernel.split_f32(from, count, upper.data(), middle.data(), low.data());
        for (std::size_t i = 0; i < count; ++i) {
          REQUIRE(upper[i] == (from[i] >> 16));
          REQUIRE(middle[i] == ((from[i] >> 8) & 0xFF));
          REQUIRE(low[i] == (from[i] & 0xFF));
        }
        std::vector<std::uint32_t> again(count);
        kernel.merge_f32(upper.data(), middle.data(), low.data(), count, again.data());
        REQUIRE(std::equal(again.begin(), again.end(), from));
      }
    }
  });
}

TEST_CASE("planes add squares of all values as scalar does, and none of NaN and infinity") {
  std::vector<std::uint16_t> values(1 << 16);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(i);
  std::vector<float> weights(values.size());
  auto random = test::generator(3);
  for (float& weight : weights) weight = static_cast<float>(random() % 1000) / 64.0F;
  const std::vector<float> before(values.size(), 0.375F);
  using Add = void (*)(const std::uint16_t*, std::size_t, const float*, float*);
  const auto sums = [&](Add add, std::size_t first, std::size_t count) {
    std::vector<float> sums = before;
    add(values.data() + first, count, weights.data() + first, sums.data() + first);
    return sums;
  };
  const std::vector<float> bf16 =
      sums(kernels::float_cut_scalar.add_squares_bf16, 0, values.size());
  const std::vector<float> f16 = sums(kernels::float_cut_scalar.add_squares_f16, 0, values.size());
  CHECK(bf16[0x4040] == 0.375F + 9.0F * weights[0x4040]);  // 3
  CHECK(f16[0xC200] == 0.375F + 9.0F * weights[0xC200]);   // -3
  for (const std::size_t none : {0x7F80, 0xFF80, 0x7FC0, 0x7F81}) CHECK(bf16[none] == 0.375F);
  for (const std::size_t none : {0x7C00, 0xFC00, 0x7E00, 0x7C01}) CHECK(f16[none] == 0.375F);
  for_each_isa([&](const FloatCutKernels& kernel) {
    REQUIRE(sums(kernel.add_squares_bf16, 0, values.size()) == bf16);
    REQUIRE(sums(kernel.add_squares_f16, 0, values.size()) == f16);
    for (std::size_t count = 0; count <= kLongest; ++count) {
      for (std::size_t first = 0x3F00; first < 0x3F00 + kOffsets; ++first) {
        REQUIRE(sums(kernel.add_squares_bf16, first, count) ==
                sums(kernels::float_cut_scalar.add_squares_bf16, first, count));
      }
    }
  });
}
