// What is coded comes back bit for bit, whatever the dtype, the layout, the effort and the size.
#include <cmath>

#include "blob_support.h"

using namespace meadow;
using test::any_bytes;
using test::bytes_of;
using test::decoded;

namespace {

// Around tiles of 65,536 symbols, and primes.
constexpr std::array<std::size_t, 13> kSizes = {0,   1,    2,     3,     7,     127,   128,
                                                129, 4099, 65535, 65536, 65537, 131101};

void check_floats(const Bytes& bytes, std::uint64_t columns, FloatType type) {
  for (const Effort effort : test::kEfforts) {
    CAPTURE(static_cast<int>(effort));
    const Bytes blob = encode_floats({bytes, "ANY", columns}, type, effort, 2);
    REQUIRE(decoded(blob, 2) == bytes);
    REQUIRE(blob.size() <= bytes.size() + 88 + 12 * (1 + bytes.size() / 65536));
  }
}

void check_records(const Bytes& bytes, const Layout& layout) {
  for (const Effort effort : test::kEfforts) {
    CAPTURE(static_cast<int>(effort));
    const Bytes blob = encode_records({bytes, "ANY", 0}, layout, effort, 2);
    REQUIRE(parse_blob(blob).head.nbytes() == bytes.size());
    REQUIRE(decoded(blob, 2) == bytes);
  }
}

Bytes normal_f32(std::size_t count, unsigned seed) {
  auto random = test::generator(seed);
  std::normal_distribution<float> normal(0.0F, 0.02F);
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return bytes_of(values);
}

// F16 bit patterns of every kind, most of them near one exponent.
std::vector<std::uint16_t> halves(std::size_t count, unsigned seed, unsigned low_zeros) {
  auto random = test::generator(seed);
  std::vector<std::uint16_t> values(count);
  for (std::uint16_t& value : values) {
    const auto bits = static_cast<std::uint16_t>(random());
    value = static_cast<std::uint16_t>((bits & 0x83FF) | (12 + bits % 3) << 10);
    value = static_cast<std::uint16_t>(value >> low_zeros << low_zeros);
  }
  return values;
}

std::vector<std::uint32_t> specials_of_f32() {
  std::vector<std::uint32_t> values;
  for (const std::uint32_t sign : {0U, 0x80000000U}) {
    for (const std::uint32_t exponent : {0U, 1U, 102U, 103U, 112U, 113U, 142U, 143U, 254U, 255U}) {
      for (const std::uint32_t mantissa : {0U, 1U, 0x1FFFU, 0x2000U, 0x400000U, 0x7FFFFFU}) {
        values.push_back(sign | exponent << 23 | mantissa);
      }
    }
  }
  return values;
}

}  // namespace

TEST_CASE("floats of every size come back") {
  for (const std::size_t size : kSizes) {
    CAPTURE(size);
    const auto values = test::scaled_bf16(size, 1, 1);
    check_floats(bytes_of(values), 0, FloatType::kBF16);
    check_floats(bytes_of(halves(size, 2, 0)), 0, FloatType::kF16);
    check_floats(normal_f32(size, 3), 0, FloatType::kF32);
    check_floats(any_bytes(4 * size, 4), 0, FloatType::kF32);
  }
}

TEST_CASE("rows of every length come back") {
  for (const std::size_t columns : {1U, 2U, 31U, 32U, 33U, 1000U, 65535U, 65536U, 65537U}) {
    for (const std::size_t rows : {1U, 3U, 4U, 5U}) {
      const std::size_t times = columns < 100 ? 700 : 1;  // several tiles
      const std::size_t count = columns * rows * times;
      CAPTURE(columns);
      CAPTURE(count);
      const Bytes bytes = bytes_of(test::scaled_bf16(count, columns, 5, 4.0));
      const Bytes blob =
          encode_floats({bytes, "BF16", columns}, FloatType::kBF16, Effort::kBalanced, 2);
      const BlobHead head = parse_blob(blob).head;
      const bool may_scale = columns >= 32 && columns <= 65536 && rows * times >= 4;
      REQUIRE((head.columns != 0) == may_scale);
      if (columns < 65535 && may_scale) REQUIRE(head.bases.columns.size() == columns);
      REQUIRE(decoded(blob) == bytes);
    }
  }
}

TEST_CASE("row lengths that do not divide the values are no rows") {
  const Bytes bytes = bytes_of(test::scaled_bf16(1000, 100, 6));
  for (const std::uint64_t columns : {0ULL, 1ULL, 33ULL, 999ULL, 1001ULL, ~0ULL}) {
    check_floats(bytes, columns, FloatType::kBF16);
  }
}

TEST_CASE("every pattern of 16 bits comes back, NaN payloads too") {
  std::vector<std::uint16_t> values(1 << 16);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::uint16_t>(i * 40503);
  for (const std::uint64_t columns : {0U, 256U, 4096U}) {
    check_floats(bytes_of(values), columns, FloatType::kBF16);
    check_floats(bytes_of(values), columns, FloatType::kF16);
  }
}

TEST_CASE("special values of F32 come back among others and alone") {
  const std::vector<std::uint32_t> specials = specials_of_f32();
  check_floats(bytes_of(specials), 0, FloatType::kF32);
  Bytes mixed = normal_f32(20000, 7);
  for (std::size_t i = 0; i < specials.size(); ++i) store(&mixed[640 * i], specials[i]);
  check_floats(mixed, 0, FloatType::kF32);
  check_floats(mixed, 100, FloatType::kF32);
}

TEST_CASE("F32 and F16 that are really narrower cost what the narrower ones cost") {
  const std::vector<std::uint16_t> bf16 = test::scaled_bf16(50000, 100, 8);
  std::vector<std::uint32_t> wide(bf16.begin(), bf16.end());
  for (std::uint32_t& value : wide) value <<= 16;
  const auto size = [](const Bytes& bytes, FloatType type) {
    const Bytes blob = encode_floats({bytes, "ANY", 100}, type, Effort::kBalanced, 1);
    REQUIRE(decoded(blob) == bytes);
    return blob.size();
  };
  CHECK(size(bytes_of(wide), FloatType::kF32) == size(bytes_of(bf16), FloatType::kBF16));
  const std::vector<std::uint16_t> f16 = halves(50000, 9, 0);
  for (std::size_t i = 0; i < f16.size(); ++i) {  // normal F16: add 112 to the exponent
    wide[i] = (f16[i] & 0x8000U) << 16 | ((f16[i] & 0x7FFFU) << 13) + (112U << 23);
  }
  CHECK(size(bytes_of(wide), FloatType::kF32) == size(bytes_of(f16), FloatType::kF16));
  const Bytes of_bf16 = bytes_of(halves(50000, 9, 3));
  const Bytes blob = encode_floats({of_bf16, "F16", 0}, FloatType::kF16, Effort::kBalanced, 1);
  CHECK(parse_blob(blob).head.layout.content == FloatType::kBF16);
  check_floats(of_bf16, 0, FloatType::kF16);
}

TEST_CASE("escapes come back: a window of exponents and every other one among them") {
  auto values = test::scaled_bf16(70000, 1, 10, 0.0);
  auto random = test::generator(11);
  for (std::size_t i = 0; i < values.size(); i += 50) {
    values[i] = static_cast<std::uint16_t>(random());
  }
  const Bytes bytes = bytes_of(values);
  check_floats(bytes, 0, FloatType::kBF16);
  check_floats(bytes, 100, FloatType::kBF16);
  const Bytes blob = encode_floats({bytes, "BF16", 0}, FloatType::kBF16, Effort::kBalanced, 1);
  const BlobView view = parse_blob(blob);
  CHECK(view.head.bases.base != 0);
  CHECK(view.head.codes[0].may_hold(254));
  CHECK_FALSE(view.head.layout.cut().escape == 256);
}

TEST_CASE("equal values cost nothing but the head") {
  for (const std::size_t size : {1000U, 65536U, 200000U}) {
    const Bytes bytes = bytes_of(std::vector<std::uint16_t>(size, 0xBF81));
    const Bytes blob = encode_floats({bytes, "BF16", 0}, FloatType::kBF16, Effort::kBalanced, 1);
    CHECK(blob.size() == 72 + 2 * 8 + 2 + 12 * ((size + 65535) / 65536) + 8);
    CHECK(decoded(blob) == bytes);
  }
}

TEST_CASE("records of every layout come back") {
  for (const std::size_t records : kSizes) {
    CAPTURE(records);
    const Bytes codes = test::skewed_codes(records, 12, 3.0);
    check_records(codes, test::segments(1, {{0, 1, 8}}));
    check_records(codes, test::groups(1, {4, 4}));
    check_records(codes, test::groups(1, {1, 2, 5}));
    if (records > 5000) continue;
    check_records(test::skewed_codes(20 * records, 13, 3.0),
                  test::segments(20, {{0, 1, 8}, {1, 1, 8}, {2, 1, 8}, {3, 1, 8}, {4, 16, 8}}));
    check_records(test::skewed_codes(3 * records, 14, 3.0),
                  test::segments(3, {{1, 2, 8}, {0, 1, 8}}));
    check_records(any_bytes(8 * records, 15), test::groups(8, {8, 8, 8, 8, 8, 8, 8, 8}));
  }
}

TEST_CASE("Huff-LLM's groups of every float come back") {
  const auto bf16 = test::scaled_bf16(70001, 1, 16);
  check_records(bytes_of(bf16), test::groups(2, {1, 8, 7}));
  check_records(bytes_of(bf16), test::groups(2, {1, 8, 3, 4}));
  check_records(bytes_of(halves(70001, 17, 0)), test::groups(2, {1, 5, 5, 5}));
  check_records(normal_f32(70001, 18), test::groups(4, {1, 8, 7, 8, 8}));
  check_records(test::skewed_codes(70001, 19, 2.0), test::groups(1, {1, 4, 3}));
}

TEST_CASE("the largest records come back") {
  const Bytes bytes = any_bytes(3 * 4096, 20);
  check_records(bytes, test::segments(4096, {{0, 4096, 8}}));
  std::vector<PlaneShape> planes;
  for (unsigned at = 0; at < 64; ++at) planes.push_back({64 * at, 64, 8});
  check_records(bytes, test::segments(4096, planes));
}

TEST_CASE("bytes that are no whole records, and other names of dtypes, are refused") {
  const Bytes bytes(7, 0);
  const auto kind = [&](const char* dtype, FloatType type) {
    return test::kind_of_failure(
        [&] { encode_floats({bytes, dtype, 0}, type, Effort::kBalanced, 1); });
  };
  CHECK(kind("BF16", FloatType::kBF16) == ErrorKind::kInvalidArgument);
  CHECK(kind("F32", FloatType::kF32) == ErrorKind::kInvalidArgument);
  const Layout layout = test::segments(1, {{0, 1, 8}});
  for (const char* dtype : {"A name of letters", "tab\t", "seventeen_letters"}) {
    CHECK(test::kind_of_failure([&] {
            encode_records({bytes, dtype, 0}, layout, Effort::kRaw, 1);
          }) == ErrorKind::kInvalidArgument);
  }
}
