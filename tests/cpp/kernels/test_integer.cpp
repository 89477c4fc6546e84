// Products of integer weights: the scalar specification against its formula, every ISA against the
// scalar one, and narrow fields against dense ones.
#include "meadow/kernels/integer/integer.h"

#include <limits>

#include "kernels/integer_support.h"

using namespace meadow;
using namespace meadow::test;

namespace {

const kernels::IntegerKernels& scalar = kernels::integer_scalar;

std::vector<float> products(const kernels::IntegerKernels& kernels, const IntegerPlanes& planes,
                            const TestScales& scales, const std::vector<float>& x) {
  const std::size_t rows = planes.rows();
  const QuantizedTokens tokens(kernels, x, planes.columns());
  std::vector<float> y(tokens.tokens * rows, -1.0F);
  for (std::size_t n = 0; n < planes.heads().size(); ++n) {
    const std::size_t size = std::min<std::size_t>(16, rows - 16 * n);
    kernels.multiply_codes(planes.strip(n), scales.strip(n), size,
                           {tokens.tokens, tokens.codes.data(), tokens.stride, tokens.scales.data(),
                            tokens.block_sums.data(), y.data() + 16 * n, rows});
  }
  return y;
}

std::vector<float> weight_only(const kernels::IntegerKernels& kernels, const IntegerPlanes& planes,
                               const TestScales& scales, const std::vector<float>& x) {
  const std::size_t rows = planes.rows();
  const std::size_t columns = planes.columns();
  std::vector<float> y(x.size() / columns * rows, -1.0F);
  for (std::size_t n = 0; n < planes.heads().size(); ++n) {
    const std::size_t size = std::min<std::size_t>(16, rows - 16 * n);
    kernels.multiply_values(planes.strip(n), scales.strip(n), size,
                            {x.size() / columns, x.data(), columns, y.data() + 16 * n, rows});
  }
  return y;
}

IntegerPlanes encoded(const std::vector<std::int8_t>& codes, std::size_t columns,
                      PlaneWidths widths) {
  return encode_integer_planes(codes.data(), codes.size() / columns, columns, widths, 1);
}

// Of one weight, dense and packed, on every ISA.
void require_same_everywhere(const std::vector<std::int8_t>& codes, std::size_t columns,
                             const TestScales& scales, std::size_t tokens) {
  const auto dense = encoded(codes, columns, PlaneWidths::kDense);
  const auto packed = encoded(codes, columns, PlaneWidths::kPacked);
  const std::vector<float> x = normal_floats(tokens * columns, 7);
  const std::vector<float> expected = products(scalar, dense, scales, x);
  const std::vector<float> expected_values = weight_only(scalar, dense, scales, x);
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    const auto& kernels = kernels::integer_kernels(isa);
    REQUIRE(same_bits(products(kernels, dense, scales, x), expected));
    REQUIRE(same_bits(products(kernels, packed, scales, x), expected));
    REQUIRE(same_bits(weight_only(kernels, dense, scales, x), expected_values));
    REQUIRE(same_bits(weight_only(kernels, packed, scales, x), expected_values));
  }
}

}  // namespace

TEST_CASE("scalar products of integers are what their formula says") {
  constexpr std::size_t kRows = 19;
  constexpr std::size_t kColumns = 100;
  const auto codes = integer_codes(kRows * kColumns, 20, 0, 1);
  const auto planes = encoded(codes, kColumns, PlaneWidths::kPacked);
  const TestScales scales(2, planes.blocks(), 0, false, 2);
  const std::vector<float> x = normal_floats(2 * kColumns, 3);
  const QuantizedTokens tokens(scalar, x, kColumns);
  const std::vector<float> y = products(scalar, planes, scales, x);
  for (std::size_t t = 0; t < 2; ++t) {
    for (std::size_t r = 0; r < kRows; ++r) {
      std::int64_t dot = 0;
      for (std::size_t c = 0; c < kColumns; ++c) {
        dot += codes[r * kColumns + c] * tokens.codes[t * tokens.stride + c];
      }
      REQUIRE(y[t * kRows + r] == static_cast<float>(dot) * (scales.outer[r] * tokens.scales[t]));
    }
  }
}

TEST_CASE("inputs are rounded half to even, by a scale of their greatest magnitude") {
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    const auto& kernels = kernels::integer_kernels(isa);
    const QuantizedTokens tokens(kernels, {127.0F, 0.5F, 1.5F, -2.5F, -127.0F}, 5);
    CHECK(tokens.scales[0] == 1.0F);
    CHECK(std::vector<std::int8_t>(tokens.codes.begin(), tokens.codes.begin() + 6) ==
          std::vector<std::int8_t>{127, 0, 2, -2, -127, 0});
    CHECK(tokens.block_sums == std::vector<std::int32_t>{0, 0});
  }
}

TEST_CASE("inputs that have no scale") {
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    const auto& kernels = kernels::integer_kernels(isa);
    for (const float small : {0.0F, kTiny, 60 * kTiny}) {
      const QuantizedTokens tokens(kernels, {small, -small}, 2);
      CHECK(tokens.scales[0] == 1.0F);
      CHECK(tokens.codes == std::vector<std::int8_t>(64, 0));
    }
    // 190 / 127 rounds to one unit, and 190 units are clamped.
    CHECK(QuantizedTokens(kernels, {190 * kTiny, kTiny}, 2).codes[0] == 127);
    for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
      const QuantizedTokens tokens(kernels, {1.0F, bad, 2.0F}, 3);
      CHECK(std::isnan(tokens.scales[0]));
      CHECK(tokens.codes == std::vector<std::int8_t>(64, 0));
      CHECK(tokens.block_sums == std::vector<std::int32_t>{0, 0});
    }
  }
}

TEST_CASE("inputs have the same integers on every ISA") {
  for (const std::size_t columns : {1, 31, 32, 33, 63, 64, 65, 127, 200, 768}) {
    CAPTURE(columns);
    const std::vector<float> x = normal_floats(columns, static_cast<unsigned>(columns));
    const QuantizedTokens expected(scalar, x, columns);
    for (const Isa isa : available_isas()) {
      const QuantizedTokens found(kernels::integer_kernels(isa), x, columns);
      REQUIRE(same_bits(found.codes, expected.codes));
      REQUIRE(same_bits(found.block_sums, expected.block_sums));
      REQUIRE(same_bits(found.scales, expected.scales));
    }
  }
}

TEST_CASE("integer products are the same bits on every ISA, packed or dense") {
  auto random = generator(5);
  for (const std::size_t columns : {1, 15, 16, 31, 32, 33, 64, 100, 256, 257, 320, 700}) {
    for (const double spread : {0.4, 2.0, 5.0, 11.0, 22.0, 60.0}) {
      CAPTURE(columns);
      CAPTURE(spread);
      const std::size_t rows = 1 + random() % 40;
      const std::size_t tokens = 1 + random() % 3;
      const double centre = random() % 3 == 0 ? 30 : 0;
      const auto codes = integer_codes(rows * columns, spread, centre, unsigned(random()));
      const std::size_t blocks = (columns + 31) / 32;
      const bool coded = random() % 2 == 0;
      const auto per_scale = static_cast<std::uint32_t>(random() % 4);
      const TestScales scales((rows + 15) / 16, blocks, per_scale, coded, unsigned(random()));
      require_same_everywhere(codes, columns, scales, tokens);
    }
  }
}

TEST_CASE("integer products are the same bits for every number of tokens") {
  constexpr std::size_t kColumns = 300;
  const auto codes = integer_codes(20 * kColumns, 9, 0, 11);
  for (const std::uint32_t per_scale : {0U, 1U, 4U}) {
    const TestScales scales(2, 10, per_scale, false, 12);
    for (const std::size_t tokens : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65}) {
      CAPTURE(tokens);
      require_same_everywhere(codes, kColumns, scales, tokens);
    }
  }
}

TEST_CASE("sums of the longest rows and the largest codes are exact") {
  constexpr std::size_t kColumns = kernels::kMostIntegerColumns;
  const std::vector<std::int8_t> codes(16 * kColumns, -128);
  const auto planes = encoded(codes, kColumns, PlaneWidths::kDense);
  const TestScales scales(1, planes.blocks(), 0, false, 1);
  const std::vector<float> x(kColumns, -1.0F);
  const auto expected = static_cast<float>(std::int64_t{kColumns} * 128 * 127);
  for (const Isa isa : available_isas()) {
    const auto y = products(kernels::integer_kernels(isa), planes, scales, x);
    CHECK(y[0] == expected * (scales.outer[0] * (1.0F / 127.0F)));
  }
}
