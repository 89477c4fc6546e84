// Groups of few values: multiples of a scale, tables, and tiles with codes of their own.
#include <bit>

#include "blob_support.h"
#include "meadow/blob/grid.h"
#include "meadow/blob/palette.h"

using namespace meadow;
using test::bytes_of;
using test::decoded;

namespace {

template <typename Word>
Bytes stored(const std::vector<float>& values, Word (*cut)(float)) {
  std::vector<Word> words;
  for (const float value : values) words.push_back(cut(value));
  return bytes_of(words);
}

std::uint32_t as_f32(float value) { return std::bit_cast<std::uint32_t>(value); }

std::uint16_t as_bf16(float value) {  // the scales of the tests make no ties
  return static_cast<std::uint16_t>((as_f32(value) + 0x8000U) >> 16);
}

LayoutKind kind_of(const Bytes& blob) { return parse_blob(blob).head.layout.kind; }

void check_everywhere(const TensorBytes& tensor, FloatType type, LayoutKind kind) {
  for (const Effort effort : {Effort::kFast, Effort::kBalanced, Effort::kSmall}) {
    std::vector<Bytes> found;
    test::EveryIsa().run([&] {
      for (const unsigned threads : {1U, 3U}) {
        found.push_back(encode_floats(tensor, type, effort, threads));
        const Bytes out = decoded(found.back(), threads);
        REQUIRE(std::equal(out.begin(), out.end(), tensor.bytes.begin(), tensor.bytes.end()));
      }
    });
    for (const Bytes& one : found) REQUIRE(one == found[0]);
    CHECK(kind_of(found[0]) == kind);
    CHECK(found[0][4] == 2);  // the version
  }
}

}  // namespace

TEST_CASE("multiples of a scale are found, in every type and with zeros of both signs") {
  for (const std::size_t group : {std::size_t{64}, std::size_t{320}}) {
    for (const int steps : {1, 7, 127}) {
      CAPTURE(group);
      CAPTURE(steps);
      const auto values = test::quantised(320 * 40, group, steps, 5);
      check_everywhere({stored(values, as_f32), "F32", 320}, FloatType::kF32, LayoutKind::kGrid);
      check_everywhere({stored(values, as_bf16), "BF16", 320}, FloatType::kBF16, LayoutKind::kGrid);
    }
  }
}

TEST_CASE("values that are no multiples of a scale get tables") {
  auto values = test::quantised(320 * 40, 320, 7, 6);
  for (float& value : values) value *= std::sqrt(std::abs(value));
  check_everywhere({stored(values, as_bf16), "BF16", 320}, FloatType::kBF16, LayoutKind::kPalette);
  values[999] = std::numeric_limits<float>::quiet_NaN();
  values[1999] = -std::numeric_limits<float>::infinity();
  check_everywhere({stored(values, as_f32), "F32", 320}, FloatType::kF32, LayoutKind::kPalette);
}

TEST_CASE("the blobs that other tests damage are of the kinds that they are named after") {
  for (const auto& [name, blob] : test::small_blobs()) {
    if (name == "grid") CHECK(kind_of(blob) == LayoutKind::kGrid);
    if (name == "palette") CHECK(kind_of(blob) == LayoutKind::kPalette);
  }
}

TEST_CASE("a coding of groups that does not win leaves the bytes of version 1") {
  const Bytes normal = bytes_of(test::scaled_bf16(64 * 320, 320, 1));
  const Bytes blob = encode_floats({normal, "BF16", 320}, FloatType::kBF16, Effort::kBalanced, 1);
  CHECK(kind_of(blob) == LayoutKind::kScaled);
  CHECK(blob[4] == 1);
}

TEST_CASE("the value of a step is its product with the scale, to the nearest, ties to even") {
  CHECK(grid_value(FloatType::kF32, 131, 0.1F) == as_f32(3.0F * 0.1F));
  CHECK(grid_value(FloatType::kF32, 0, 0.1F) == 0x80000000);
  CHECK(grid_value(FloatType::kBF16, 0, 0.1F) == 0x8000);
  CHECK(grid_value(FloatType::kBF16, 129, std::bit_cast<float>(0x3F808000U)) == 0x3F80);  // a tie
  CHECK(grid_value(FloatType::kBF16, 127, std::bit_cast<float>(0x3F818000U)) == 0xBF82);
  CHECK(grid_value(FloatType::kF16, 129, 65520.0F) == 0x7C00);
  CHECK(grid_value(FloatType::kF16, 129, 0x1p-25F) == 0x0000);  // a tie, below the least F16
  CHECK(grid_value(FloatType::kF16, 129, 0x1.8p-24F) == 0x0002);
  CHECK(grid_value(FloatType::kF16, 127, 0x1.002p-14F) == 0x8400);  // a tie: to even
  CHECK(grid_value(FloatType::kF16, 129, 0x1.FFEp-15F) == 0x0400);
}

TEST_CASE("every step of a fitted scale is the value again") {
  auto random = test::generator(9);
  for (int round = 0; round < 300; ++round) {
    const float scale = std::ldexp(1.0F + static_cast<float>(random() % 8191) / 8192.0F,
                                   static_cast<int>(random() % 12) - 10);
    std::vector<std::uint32_t> values;
    for (int i = 0; i < 64; ++i) {
      const auto step = static_cast<std::uint8_t>(121 + random() % 15);
      values.push_back(grid_value(FloatType::kF16, step, scale));
    }
    const auto found = fit_grid(values, FloatType::kF16);
    REQUIRE(found.has_value());
    for (const std::uint32_t value : values) {
      const std::uint8_t step = grid_symbol(FloatType::kF16, value, *found);
      REQUIRE(grid_value(FloatType::kF16, step, *found) == value);
    }
  }
}

TEST_CASE("what has no scale of a grid is told") {
  CHECK(fit_grid(std::vector<std::uint32_t>{0, 0x8000, 0}, FloatType::kBF16) == 0.0F);
  CHECK(!fit_grid(std::vector<std::uint32_t>{0x3F80, 0x7F80}, FloatType::kBF16));
  CHECK(!fit_grid(std::vector<std::uint32_t>{0x3F80, 0x7FC0}, FloatType::kBF16));
  CHECK(!fit_grid(std::vector<std::uint32_t>{0x3F80, 0x0080}, FloatType::kBF16));
  CHECK(!fit_grid(std::vector<std::uint32_t>{1, 2}, FloatType::kF32));  // subnormals
  for (const float bad :
       {-1.0F, -0.0F, 0x1p-101F, 0x1p101F, std::numeric_limits<float>::quiet_NaN(),
        std::numeric_limits<float>::infinity()}) {
    CHECK(!is_grid_scale(bad));
  }
}

TEST_CASE("tables that do not ascend, or have values that do not occur, are refused") {
  const std::vector<std::uint8_t> numbers = {0, 1, 2, 1};
  Bytes out(8);
  const auto merge = [&](const std::vector<std::uint32_t>& palette) {
    return merge_palette(numbers, palette, 2, out.data());
  };
  CHECK(merge({5, 7, 9}));
  CHECK(out == Bytes{5, 0, 7, 0, 9, 0, 7, 0});
  CHECK(merge({5, 7, 9, 9, 9}));
  CHECK(!merge({5, 7}));
  CHECK(!merge({5, 7, 9, 11}));
  CHECK(!merge({5, 7, 7}));
  CHECK(!merge({5, 7, 9, 8}));
}

TEST_CASE("tiles that differ get codes of their own") {
  Bytes bytes(3 << 17, 7);
  auto random = test::generator(3);
  for (std::size_t i = 1 << 17; i < 2 << 17; ++i) bytes[i] = static_cast<std::uint8_t>(random());
  const Layout plain = test::segments(1, {{0, 1, 8}});
  for (const Effort effort : {Effort::kFast, Effort::kBalanced, Effort::kSmall}) {
    const Bytes blob = encode_records({bytes, "U8", 0}, plain, effort, 2);
    CHECK(parse_blob(blob).head.codes[0].coding() == Coding::kTiled);
    CHECK(blob.size() < (1 << 17) + 400);
    CHECK(decoded(blob, 2) == bytes);
    CHECK(blob[4] == 2);
  }
  const Bytes huffman = encode_records({bytes, "U8", 0}, plain, Effort::kHuffman, 2);
  CHECK(parse_blob(huffman).head.codes[0].coding() == Coding::kHuffman);
}

TEST_CASE("a few rows of another kind are noticed in the rest of floats") {
  auto random = test::generator(4);
  std::normal_distribution<float> normal;
  std::vector<float> values(40 << 16);
  for (float& value : values) value = normal(random);
  std::vector<std::uint32_t> words;
  for (const float value : values) words.push_back(as_f32(value));
  for (std::size_t i = 7 << 16; i < 9 << 16; ++i) words[i] &= 0xFFFF0000U;
  const Bytes bytes = bytes_of(words);
  const Bytes blob = encode_floats({bytes, "F32", 1 << 10}, FloatType::kF32, Effort::kBalanced, 2);
  const BlobView view = parse_blob(blob);
  CHECK(view.head.codes[2].coding() == Coding::kTiled);
  CHECK(view.head.codes[3].coding() == Coding::kTiled);
  CHECK(decoded(blob, 2) == bytes);
}

TEST_CASE("a tiled plane of a tiled plane, and other bad tables, are refused") {
  const auto kind = [](const Bytes& table) {
    return test::kind_of_failure([&] { PlaneCode::parse(Coding::kTiled, 8, table); });
  };
  CHECK(kind({}) == ErrorKind::kCorrupt);
  CHECK(kind({4, 1}) == ErrorKind::kCorrupt);
  CHECK(kind({1, 1}) == ErrorKind::kCorrupt);
  CHECK(kind({2}) == ErrorKind::kCorrupt);
  const PlaneCode code = PlaneCode::parse(Coding::kTiled, 8, Bytes{0, 9});
  Bytes symbols(3);
  CHECK(code.decode(Bytes{4}, symbols));
  CHECK(symbols == Bytes{9, 9, 9});
  CHECK(code.decode(Bytes{0, 1, 0, 8}, symbols));
  CHECK(symbols == Bytes{8, 8, 8});
  CHECK(code.decode(Bytes{1, 0, 0, 1, 2, 3}, symbols));
  CHECK(symbols == Bytes{1, 2, 3});
  for (const Bytes& bad : {Bytes{}, Bytes{5}, Bytes{4, 0}, Bytes{0}, Bytes{0, 1, 0},
                           Bytes{1, 0, 0, 1, 2}, Bytes{0, 1, 0, 8, 8}}) {
    CHECK(!code.decode(bad, symbols));
  }
  CHECK(test::kind_of_failure([&] { (void)code.decode(Bytes{2, 0, 0}, symbols); }) ==
        ErrorKind::kCorrupt);
}
