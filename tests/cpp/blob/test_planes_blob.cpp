// Blobs of planes: what comes back, what is multiplied, and every damage noticed before a kernel
// could read behind it.
#include <array>
#include <limits>

#include "blob_support.h"
#include "meadow/base/checksum.h"
#include "meadow/blob/planes_blob.h"
#include "meadow/matrix/bf16_planes.h"

using namespace meadow;
using namespace meadow::planes_fields;

namespace {

// Values whose rows have scales of their own, `rare` of them anything else.
std::vector<std::uint16_t> weights(std::size_t rows, std::size_t columns, unsigned seed,
                                   double rare = 0.01) {
  auto random = test::generator(seed);
  std::normal_distribution<float> normal(0.0F, 0.02F);
  std::bernoulli_distribution any(rare);
  std::vector<std::uint16_t> values(rows * columns);
  for (std::uint16_t& value : values) {
    const float number = normal(random);
    std::uint32_t bits = 0;
    std::memcpy(&bits, &number, sizeof bits);
    value = static_cast<std::uint16_t>(any(random) ? random() : bits >> 16);
  }
  return values;
}

Bytes encoded(const std::vector<std::uint16_t>& values, std::size_t rows, std::size_t columns,
              unsigned threads = 1) {
  const auto blob = encode_planes_blob(FloatType::kBF16, values.data(), rows, columns, threads);
  REQUIRE(blob.has_value());
  return blob.value_or(Bytes());
}

Bytes decoded_planes(std::span<const std::uint8_t> blob, unsigned threads = 1) {
  const PlanesView view = parse_planes_blob(blob);
  Bytes out(view.nbytes());
  decode_planes(view, 0, view.layout.blocks(), out, threads);
  return out;
}

Bytes small_blob() { return encoded(weights(70, 120, 1), 70, 120); }

bool is_format_error(ErrorKind kind) {
  return kind == ErrorKind::kTruncated || kind == ErrorKind::kCorrupt ||
         kind == ErrorKind::kNewerVersion;
}

template <typename Word>
Bytes changed(Bytes blob, std::size_t at, Word word) {
  store(&blob[at], word);
  fix_planes_checksums(blob);
  return blob;
}

ErrorKind refusal(const Bytes& blob) {
  return test::kind_of_failure([&] { parse_planes_blob(blob); });
}

}  // namespace

TEST_CASE("planes of a blob decode to what was stored, whatever the shape, ISA and threads") {
  const std::array<std::pair<std::size_t, std::size_t>, 6> shapes = {
      {{64, 256}, {65, 300}, {1030, 4096}, {67, 2080}, {4, 4500}, {300, 63}}};
  for (const auto& [rows, columns] : shapes) {
    CAPTURE(rows);
    CAPTURE(columns);
    const auto values = weights(rows, columns, static_cast<unsigned>(rows));
    const Bytes blob = encoded(values, rows, columns);
    test::EveryIsa().run([&] {
      REQUIRE(test::same_bits(encoded(values, rows, columns, 3), blob));
      REQUIRE(test::same_bits(decoded_planes(blob, 2), test::bytes_of(values)));
    });
    verify_planes(parse_planes_blob(blob), 2);
  }
}

TEST_CASE("F16 and F32 that hold BF16 come back as they were stored") {
  const auto halves = weights(80, 128, 3, 0.0);
  std::vector<std::uint32_t> wide(halves.size());
  std::transform(halves.begin(), halves.end(), wide.begin(),
                 [](std::uint16_t half) { return std::uint32_t{half} << 16; });
  wide[5] = 0x7FC10000;  // NaN with a payload
  const auto blob = encode_planes_blob(FloatType::kF32, wide.data(), 80, 128, 1);
  REQUIRE(blob.has_value());
  CHECK(test::same_bits(decoded_planes(blob.value_or(Bytes())), test::bytes_of(wide)));

  std::vector<std::uint16_t> f16(80 * 128);
  auto random = test::generator(4);
  for (auto& value : f16) value = static_cast<std::uint16_t>(0x3000 + random() % 0x400 * 8);
  const auto narrow = encode_planes_blob(FloatType::kF16, f16.data(), 80, 128, 1);
  REQUIRE(narrow.has_value());
  test::EveryIsa().run([&] {
    CHECK(test::same_bits(decoded_planes(narrow.value_or(Bytes())), test::bytes_of(f16)));
  });
}

TEST_CASE("nothing is made where planes do not hold the values, or would not be smaller") {
  std::vector<std::uint32_t> wide(64 * 256, 0x3F800001);
  CHECK_FALSE(encode_planes_blob(FloatType::kF32, wide.data(), 64, 256, 1).has_value());
  const auto any = weights(64, 256, 5, 1.0);
  CHECK_FALSE(encode_planes_blob(FloatType::kBF16, any.data(), 64, 256, 1).has_value());
  const auto row = weights(1, 4096, 6);
  CHECK_FALSE(encode_planes_blob(FloatType::kBF16, row.data(), 1, 4096, 1).has_value());
  CHECK_FALSE(encode_planes_blob(FloatType::kBF16, row.data(), 0, 4096, 1).has_value());
  CHECK_FALSE(encode_planes_blob(FloatType::kBF16, row.data(), 0, 0, 1).has_value());
}

TEST_CASE("a matrix over a blob gives the bits of the dense one") {
  const std::size_t rows = 131;
  const std::size_t columns = 1000;
  const auto values = weights(rows, columns, 7);
  const Bytes blob = encoded(values, rows, columns);
  const PlanesView view = parse_planes_blob(blob);
  const auto mapped = bf16_planes_matrix(view.planes, rows, view.plane_bytes());
  const auto dense = dense_matrix(DenseType::kBF16, values.data(), rows, columns);
  CHECK(mapped->bytes() < dense->bytes());
  auto random = test::generator(8);
  std::normal_distribution<float> normal;
  std::vector<float> x(columns);
  for (float& value : x) value = normal(random);
  std::vector<float> found(rows);
  std::vector<float> expected(rows);
  const Product products[] = {{mapped.get(), x.data(), found.data()},
                              {dense.get(), x.data(), expected.data()}};
  multiply(products, 1, 2);
  CHECK(std::memcmp(found.data(), expected.data(), rows * sizeof(float)) == 0);
}

TEST_CASE("parts of a blob of planes lie at multiples of 64") {
  const Bytes blob = small_blob();
  const PlanesLayout layout = parse_planes_blob(blob).layout;
  for (const std::size_t at : {layout.tables_at(), layout.escaped_at(), layout.escapes_at(),
                               layout.codes_at(), layout.lower_at(), layout.bytes()}) {
    CHECK(at % 64 == 0);
  }
  CHECK(blob.size() == layout.bytes());
}

TEST_CASE("blocks decode alone, and a damaged one harms no other") {
  const auto values = weights(1030, 4096, 9);
  Bytes blob = encoded(values, 1030, 4096);
  blob.back() ^= 1U;
  const PlanesView view = parse_planes_blob(blob);
  const std::size_t blocks = view.layout.blocks();
  REQUIRE(blocks > 2);
  const std::size_t rows = (blocks - 1) * view.layout.block_rows;
  Bytes out(rows * view.row_bytes());
  decode_planes(view, 0, blocks - 1, out, 2);
  CHECK(std::memcmp(out.data(), values.data(), out.size()) == 0);
  Bytes last((1030 - rows) * view.row_bytes());
  CHECK(test::kind_of_failure([&] { decode_planes(view, blocks - 1, blocks, last, 1); }) ==
        ErrorKind::kCorrupt);
  CHECK(test::kind_of_failure([&] { verify_planes(view, 2); }) == ErrorKind::kCorrupt);
  CHECK(test::kind_of_failure([&] { decode_planes(view, 0, 1, last, 1); }) ==
        ErrorKind::kInvalidArgument);
  CHECK(test::kind_of_failure([&] { decode_planes(view, 1, blocks + 1, last, 1); }) ==
        ErrorKind::kInvalidArgument);
}

TEST_CASE("every prefix of a blob of planes is truncated") {
  const Bytes blob = small_blob();
  for (std::size_t size = 0; size < blob.size(); ++size) {
    const Bytes prefix(blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE(refusal(prefix) == ErrorKind::kTruncated);
  }
  Bytes longer(blob);
  longer.resize(blob.size() + 37, 0);
  CHECK(test::same_bits(decoded_planes(longer), decoded_planes(blob)));
  longer.back() = 1;
  CHECK(refusal(longer) == ErrorKind::kCorrupt);
}

TEST_CASE("every flipped byte of a blob of planes is noticed") {
  const Bytes blob = small_blob();
  const std::size_t head = parse_planes_blob(blob).layout.head_bytes();
  for (std::size_t at = 0; at < blob.size(); ++at) {
    CAPTURE(at);
    Bytes flipped = blob;
    flipped[at] ^= static_cast<std::uint8_t>(1 + at % 255);
    if (at < head) {
      REQUIRE(is_format_error(refusal(flipped)));
      continue;
    }
    const PlanesView view = parse_planes_blob(flipped);
    REQUIRE(test::kind_of_failure([&] { verify_planes(view, 1); }) == ErrorKind::kCorrupt);
    REQUIRE(test::kind_of_failure([&] { decoded_planes(flipped); }) == ErrorKind::kCorrupt);
  }
}

TEST_CASE("with mended checksums no byte of a head makes a decoder leave the blob") {
  const Bytes blob = small_blob();
  const std::size_t head = parse_planes_blob(blob).layout.head_bytes();
  for (std::size_t at = 0; at < head; ++at) {
    for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
      Bytes mended(blob);
      mended[at] ^= static_cast<std::uint8_t>(flip);
      fix_planes_checksums(mended);
      try {
        const PlanesView view = parse_planes_blob(mended);
        if (view.nbytes() <= (1 << 20)) static_cast<void>(decoded_planes(mended));
      } catch (const Error& error) {
        REQUIRE(is_format_error(error.kind()));
      }
    }
  }
}

TEST_CASE("fields of planes that lie are refused") {
  const Bytes blob = small_blob();
  const PlanesLayout layout = parse_planes_blob(blob).layout;
  REQUIRE(layout.escapes > 4);
  CHECK(refusal(changed(blob, kAtMagic, std::uint8_t{'X'})) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, kAtVersion, std::uint8_t{2})) == ErrorKind::kNewerVersion);
  CHECK(refusal(changed(blob, kAtVersion, std::uint8_t{0})) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, kAtKind, std::uint8_t{2})) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, kAtStored, std::uint8_t{0})) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, kAtReservedWord, std::uint64_t{1})) == ErrorKind::kCorrupt);
  const auto most = std::numeric_limits<std::uint64_t>::max();
  for (const std::uint64_t lie : {std::uint64_t{0}, std::uint64_t{73}, most}) {
    CHECK(refusal(changed(blob, kAtRows, lie)) == ErrorKind::kCorrupt);
    CHECK(refusal(changed(blob, kAtColumns, lie << 1)) == ErrorKind::kCorrupt);
    CHECK(is_format_error(refusal(changed(blob, kAtBytes, lie))));
    CHECK(refusal(changed(blob, kAtHeadBytes, lie)) == ErrorKind::kCorrupt);
  }
  CHECK(refusal(changed(blob, kAtBlockRows, std::uint32_t{0})) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, kAtBlockRows, std::uint32_t{100})) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, kAtEscapes, 0xFFFFFFFFU)) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, layout.escaped_at(), 1U)) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, layout.escaped_at() + 4, 0xFFFFFFFFU)) == ErrorKind::kCorrupt);
  const std::size_t escape = layout.escapes_at();
  CHECK(refusal(changed(blob, escape, std::uint16_t{4})) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, escape + 2, std::uint8_t{128})) == ErrorKind::kCorrupt);
  CHECK(refusal(changed(blob, layout.escapes_at() - 1, std::uint8_t{1})) == ErrorKind::kCorrupt);
}

TEST_CASE("escapes out of order are refused") {
  Bytes blob = small_blob();
  const PlanesView view = parse_planes_blob(blob);
  std::size_t group = 0;
  while (view.planes.escaped[group + 1] - view.planes.escaped[group] < 2) ++group;
  const std::size_t at = view.layout.escapes_at() + 4 * view.planes.escaped[group];
  const auto first = load<std::uint32_t>(&blob[at]);
  const auto second = load<std::uint32_t>(&blob[at + 4]);
  CHECK(refusal(changed(blob, at, second)) == ErrorKind::kCorrupt);
  store(&blob[at], second);
  CHECK(refusal(changed(blob, at + 4, first)) == ErrorKind::kCorrupt);
}
