#include <map>

#include "support.h"

using namespace meadow;

namespace {

// The definition, in the plainest way: chunks in order, numbered when they first appear.
UniqueChunks plain_unique(const CodeMatrix& codes, unsigned chunk) {
  UniqueChunks found;
  std::map<std::string, std::uint32_t> seen;
  const std::size_t entry = std::size_t{chunk} * codes.element_bytes;
  for (std::size_t row = 0; row < codes.rows; ++row) {
    for (std::size_t column = 0; column < codes.columns; column += chunk) {
      std::string bytes(entry, '\0');
      const std::size_t count = std::min<std::size_t>(chunk, codes.columns - column);
      std::memcpy(bytes.data(), codes.data + (row * codes.columns + column) * codes.element_bytes,
                  count * codes.element_bytes);
      const auto [at, added] = seen.emplace(bytes, static_cast<std::uint32_t>(found.counts.size()));
      if (added) {
        found.counts.push_back(0);
        found.dictionary.insert(found.dictionary.end(), bytes.begin(), bytes.end());
      }
      ++found.counts[at->second];
      found.indices.push_back(at->second);
    }
  }
  return found;
}

void check_same(const CodeMatrix& codes, unsigned chunk) {
  CAPTURE(codes.rows);
  CAPTURE(codes.columns);
  CAPTURE(codes.element_bytes);
  CAPTURE(codes.bits);
  CAPTURE(chunk);
  const UniqueChunks expected = plain_unique(codes, chunk);
  for (const unsigned threads : {1U, 2U, 3U}) {
    const UniqueChunks found = unique_chunks(codes, chunk, threads);
    REQUIRE(found.dictionary == expected.dictionary);
    REQUIRE(found.counts == expected.counts);
    REQUIRE(found.indices == expected.indices);
  }
}

}  // namespace

TEST_CASE("all chunk sizes, element widths and ragged rows") {
  for (const unsigned bytes : {1U, 2U, 4U}) {
    for (const auto& [rows, columns] :
         {std::pair<std::size_t, std::size_t>{1, 1}, {1, 37}, {37, 1}, {19, 64}, {31, 101}}) {
      const Bytes codes = test::skewed_codes(rows * columns * bytes, bytes, 1.5);
      for (unsigned chunk = 1; chunk <= kMaxChunk; ++chunk) {
        check_same({codes.data(), rows, columns, bytes, 8 * bytes, true}, chunk);
      }
    }
  }
}

TEST_CASE("codes of fewer bits than their elements") {
  for (const unsigned bits : {1U, 2U, 3U, 4U, 7U}) {
    Bytes codes = test::skewed_codes(50 * 33, bits, 2.0);
    for (std::uint8_t& code : codes) code &= static_cast<std::uint8_t>((1U << bits) - 1);
    for (unsigned chunk = 1; chunk <= kMaxChunk; ++chunk) {
      check_same({codes.data(), 50, 33, 1, bits, false}, chunk);
    }
    const auto sign = static_cast<std::uint8_t>(1U << (bits - 1));
    for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>((code ^ sign) - sign);
    for (unsigned chunk = 1; chunk <= kMaxChunk; ++chunk) {
      check_same({codes.data(), 50, 33, 1, bits, true}, chunk);
    }
  }
}

TEST_CASE("enough chunks for many partitions, slices and blocks") {
  const Bytes codes = test::skewed_codes(1000 * 1203, 3, 4.0);
  for (const unsigned chunk : {2U, 3U, 4U, 8U, 16U}) {
    check_same(test::int8_matrix(codes, 1000), chunk);
  }
}

TEST_CASE("one chunk everywhere, and no chunk at all") {
  const Bytes same(300 * 400, 7);
  for (const unsigned chunk : {1U, 4U, 16U}) check_same(test::int8_matrix(same, 300), chunk);
  check_same({nullptr, 0, 10, 1, 8, true}, 4);
  check_same({nullptr, 10, 0, 1, 8, true}, 4);
  check_same({nullptr, 10, 0, 1, 8, true}, 2);
}

TEST_CASE("transposed") {
  const Bytes codes = test::skewed_codes(70 * 131 * 2, 4, 9.0);
  const CodeMatrix matrix{codes.data(), 70, 131, 2, 16, true};
  const Bytes turned = transposed(matrix, 2);
  for (std::size_t row = 0; row < 70; ++row) {
    for (std::size_t column = 0; column < 131; ++column) {
      REQUIRE(std::memcmp(&turned[2 * (column * 70 + row)], &codes[2 * (row * 131 + column)], 2) ==
              0);
    }
  }
}

TEST_CASE("what makes no sense is refused, and a misfit is named") {
  const std::vector<std::uint8_t> codes = {0, 1, 2, 3, 4, 5, 6, 200};
  const CodeMatrix matrix{codes.data(), 2, 4, 1, 3, false};
  for (const unsigned chunk : {0U, 17U}) {
    CHECK(test::kind_of_failure([&] { unique_chunks(matrix, chunk, 1); }) ==
          ErrorKind::kInvalidArgument);
  }
  CHECK_THROWS_WITH(unique_chunks(matrix, 2, 1),
                    "codes: expected values of 3 unsigned bits, found another at [1, 3]");
  CHECK_THROWS_WITH(unique_chunks({codes.data(), 2, 4, 1, 3, true}, 2, 1),
                    "codes: expected values of 3 signed bits, found another at [1, 0]");
  CHECK(test::kind_of_failure([&] { unique_chunks({codes.data(), 2, 4, 1, 9, false}, 2, 1); }) ==
        ErrorKind::kInvalidArgument);
}
