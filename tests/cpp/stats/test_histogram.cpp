#include "meadow/stats/histogram.h"

#include <cmath>
#include <numeric>

#include "support.h"

using namespace meadow;

TEST_CASE("symbols are counted by their low bits, for any number of threads") {
  auto random = test::generator(1);
  std::vector<std::uint16_t> values(200003);
  for (std::uint16_t& value : values) value = static_cast<std::uint16_t>(random());
  for (const unsigned bits : {1U, 4U, 11U, 16U}) {
    Counts expected(std::size_t{1} << bits, 0);
    for (const std::uint16_t value : values) ++expected[value & ((1U << bits) - 1)];
    for (const unsigned threads : {1U, 2U, 5U}) {
      CHECK(count_symbols(values.data(), values.size(), 2, bits, threads) == expected);
    }
  }
}

TEST_CASE("fields of every pattern: the tables are uniform") {
  std::vector<std::uint16_t> patterns(1 << 16);
  std::iota(patterns.begin(), patterns.end(), std::uint16_t{0});
  for (const auto& [type, sizes] :
       {std::pair{FloatType::kBF16, std::vector<std::size_t>{2, 256, 128}},
        std::pair{FloatType::kF16, std::vector<std::size_t>{2, 32, 1024}}}) {
    const std::vector<Counts> tables = count_fields(patterns.data(), patterns.size(), type, 2);
    REQUIRE(tables.size() == sizes.size());
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      CHECK(tables[i] == Counts(sizes[i], patterns.size() / sizes[i]));
    }
  }
}

TEST_CASE("F32: sign, exponent, and the mantissa in slices of 7, 8 and 8 bits") {
  const std::uint32_t value = 0b1'10000001'1010101'11001100'11110000;
  const std::vector<Counts> tables = count_fields(&value, 1, FloatType::kF32, 1);
  REQUIRE(tables.size() == 5);
  CHECK(tables[0][1] == 1);
  CHECK(tables[1][0b10000001] == 1);
  CHECK(tables[2][0b1010101] == 1);
  CHECK(tables[3][0b11001100] == 1);
  CHECK(tables[4][0b11110000] == 1);
}

TEST_CASE("entropy of known tables") {
  CHECK(entropy(Counts{}) == 0.0);
  CHECK(entropy(Counts{0, 0}) == 0.0);
  CHECK(entropy(Counts{7}) == 0.0);
  CHECK(entropy(Counts(256, 3)) == doctest::Approx(8.0).epsilon(1e-15));
  CHECK(entropy(Counts{1, 1, 2}) == doctest::Approx(1.5).epsilon(1e-15));
}

TEST_CASE("what cannot be counted is refused") {
  const std::uint32_t value = 0;
  CHECK(test::kind_of_failure([&] { count_symbols(&value, 1, 4, 8, 1); }) ==
        ErrorKind::kWrongDtype);
  CHECK(test::kind_of_failure([&] { count_symbols(&value, 1, 1, 9, 1); }) ==
        ErrorKind::kInvalidArgument);
  CHECK(test::kind_of_failure([&] { count_fields(&value, 0, FloatType::kF64, 1); }) ==
        ErrorKind::kWrongDtype);
}
