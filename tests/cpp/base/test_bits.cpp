#include <array>

#include "meadow/base/bits.h"
#include "support.h"

using namespace meadow;

TEST_CASE("index_width is ceil(log2(values))") {
  CHECK(index_width(0) == 0);
  CHECK(index_width(1) == 0);
  CHECK(index_width(2) == 1);
  CHECK(index_width(1272) == 11);
  CHECK(index_width(2048) == 11);
  CHECK(index_width(2049) == 12);
  CHECK(index_width(std::uint64_t{1} << 32) == 32);
}

TEST_CASE("fields of every width come back, and the stream ends where it should") {
  auto random = test::generator(1);
  std::vector<std::pair<std::uint32_t, unsigned>> fields;
  for (int i = 0; i < 5000; ++i) {
    const unsigned width = random() % 33;
    fields.emplace_back(static_cast<std::uint32_t>(random() & low_bits(width)), width);
  }
  std::uint64_t bits = 0;
  for (const auto& [value, width] : fields) bits += width;
  std::vector<std::uint8_t> bytes(bytes_of_bits(bits) + 1, 0xA5);
  BitWriter writer(bytes.data());
  for (const auto& [value, width] : fields) writer.put(value, width);
  CHECK(writer.finish() == bytes.data() + bytes.size() - 1);
  CHECK(bytes.back() == 0xA5);

  BitReader reader(bytes.data(), bytes.size() - 1);
  for (const auto& [value, width] : fields) REQUIRE(reader.get(width) == value);
  CHECK(reader.finished());
}

TEST_CASE("the lowest bit of the first byte comes first") {
  const std::array<std::uint8_t, 2> bytes = {0b10110'101, 0b00000'001};
  BitReader reader(bytes.data(), bytes.size());
  CHECK(reader.get(3) == 0b101);
  CHECK(reader.get(8) == 0b001'10110);
  CHECK(reader.finished());
}

TEST_CASE("reading past the end gives zeros and is noticed") {
  for (std::size_t size = 0; size < 10; ++size) {
    const std::vector<std::uint8_t> bytes(size, 0);
    BitReader reader(bytes.data(), bytes.size());
    for (std::size_t i = 0; i < size; ++i) CHECK(reader.get(8) == 0);
    CHECK(reader.finished());
    for (int i = 0; i < 20; ++i) CHECK(reader.get(7) == 0);
    CHECK_FALSE(reader.finished());
  }
}

TEST_CASE("bytes that were not read, and a filling that is not zero, are noticed") {
  const std::array<std::uint8_t, 3> bytes = {0, 0, 0};
  BitReader early(bytes.data(), bytes.size());
  early.get(16);
  CHECK_FALSE(early.finished());
  const std::uint8_t filled = 0b1000'0001;
  BitReader dirty(&filled, 1);
  dirty.get(3);
  CHECK_FALSE(dirty.finished());
}
