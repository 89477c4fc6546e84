#include <cmath>
#include <cstdint>
#include <vector>

#include "every_isa.h"
#include "matrix_support.h"
#include "meadow/codec/f16_planes.h"
#include "meadow/matrix/f16_planes.h"
#include "meadow/matrix/matrix.h"

using namespace meadow;
using namespace meadow::test;

namespace {

float float_of_half(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int mantissa = bits & 0x3FF;
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
  return static_cast<float>((bits & 0x8000U) != 0 ? -magnitude : magnitude);
}

std::vector<float> widened(const std::vector<std::uint16_t>& halves) {
  std::vector<float> values;
  for (const std::uint16_t half : halves) values.push_back(float_of_half(half));
  return values;
}

// Mostly Gaussian; every `odd_in`th any finite value, zeros and denormals among them.
std::vector<std::uint16_t> weights_of(std::size_t count, unsigned seed, unsigned odd_in) {
  auto random = generator(seed);
  std::normal_distribution<float> gaussian(0.0F, 0.02F);
  std::vector<std::uint16_t> halves(count);
  for (std::uint16_t& half : halves) {
    int exponent = 0;
    const float drawn = gaussian(random);
    const float fraction = std::frexp(std::fabs(drawn), &exponent);
    const int biased = exponent + 14;
    half =
        biased <= 0
            ? 0
            : static_cast<std::uint16_t>(biased << 10 | static_cast<int>(fraction * 2048) % 1024);
    if (drawn < 0) half |= 0x8000U;
    if (odd_in != 0 && random() % odd_in == 0) half = static_cast<std::uint16_t>(random());
    if ((half & 0x7C00U) == 0x7C00U) half &= 0xBFFFU;  // finite
  }
  return halves;
}

std::vector<float> product(const Matrix& matrix, const std::vector<float>& x, unsigned threads,
                           InputRounding rounding = InputRounding::kNone) {
  std::vector<float> y(x.size() / matrix.columns() * matrix.rows(), -1.0F);
  const Product one{&matrix, x.data(), y.data()};
  multiply({&one, 1}, x.size() / matrix.columns(), threads, rounding);
  return y;
}

void check_rows(const Matrix& matrix, const std::vector<float>& weights) {
  std::vector<float> row(matrix.columns());
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    matrix.read_row(r, row.data());
    CHECK(std::memcmp(row.data(), weights.data() + r * row.size(), row.size() * 4) == 0);
  }
}

void check_everywhere(const std::vector<std::uint16_t>& halves, Shape shape, std::size_t tokens,
                      unsigned seed) {
  const auto weights = widened(halves);
  const auto x = random_inputs(tokens * shape.columns, seed);
  const auto expected = specified(weights, shape, x);
  EveryIsa().run([&] {
    const auto dense = dense_matrix(DenseType::kF16, halves.data(), shape.rows, shape.columns);
    const auto packed = f16_planes_matrix(halves.data(), shape.rows, shape.columns, 2);
    CHECK(same_bits(product(*dense, x, 1), expected));
    CHECK(same_bits(product(*packed, x, 1), expected));
    CHECK(same_bits(product(*packed, x, 3), expected));
    check_rows(*packed, weights);
  });
}

}  // namespace

TEST_CASE(
    "F16 planes: products of every ISA, shape and number of tokens are those of the contract") {
  unsigned seed = 0;
  for (const Shape shape : kShapes) {
    for (const std::size_t tokens : kTokenCounts) {
      CAPTURE(shape.rows);
      CAPTURE(shape.columns);
      CAPTURE(tokens);
      ++seed;
      const auto halves = weights_of(shape.rows * shape.columns, seed, seed % 3 * 40);
      check_everywhere(halves, shape, tokens, seed + 1000);
    }
  }
}

TEST_CASE("F16 planes: most weights escapes, in every place of a unit") {
  const Shape shape{70, 3 * 1024 + 45};
  auto random = generator(4);
  std::vector<std::uint16_t> halves(shape.rows * shape.columns);
  for (auto& half : halves) half = static_cast<std::uint16_t>(random() & 0xBFFFU);
  const auto packed = f16_planes_matrix(halves.data(), shape.rows, shape.columns, 1);
  CHECK(packed->bytes() > halves.size() * 2);  // nothing is hidden
  for (const std::size_t tokens : {1, 5, 12, 40}) check_everywhere(halves, shape, tokens, 9);
}

TEST_CASE("F16 planes: a single escape in each of a unit's places") {
  const Shape shape{8, 64};
  for (std::size_t place = 0; place < shape.rows * shape.columns; place += 7) {
    CAPTURE(place);
    std::vector<std::uint16_t> halves(shape.rows * shape.columns);
    for (std::size_t i = 0; i < halves.size(); ++i) {
      halves[i] = static_cast<std::uint16_t>((i % 63 + 40) << 8 | (i * 37 % 256));
    }
    halves[place] = 0x8123;
    check_everywhere(halves, shape, 1, 3);
  }
}

TEST_CASE("F16 planes: 14 bits a weight, and a quarter of a bit for tables and escapes") {
  const Shape shape{512, 2048};
  const auto halves = weights_of(shape.rows * shape.columns, 5, 0);
  const auto planes = encode_f16_planes(shape.rows, shape.columns, halves.data(), 2);
  const double bits =
      8.0 * static_cast<double>(planes.bytes()) / static_cast<double>(shape.rows * shape.columns);
  CHECK(bits > 14.0);
  CHECK(bits < 14.25);
  const auto other = encode_f16_planes(shape.rows, shape.columns, halves.data(), 1);
  CHECK(planes.codes == other.codes);
  CHECK(planes.escaped == other.escaped);
  CHECK(std::memcmp(planes.escapes.data(), other.escapes.data(),
                    planes.escapes.size() * sizeof planes.escapes[0]) == 0);
}

TEST_CASE("F16 planes: all upper bytes of finite values, zeros of both signs, denormals") {
  std::vector<std::uint16_t> halves;
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7C00U) != 0x7C00U) halves.push_back(static_cast<std::uint16_t>(bits));
  }
  check_everywhere(halves, {halves.size() / 512, 512}, 1, 1);
}

TEST_CASE("F16 planes: inputs rounded to BF16 give what dense weights give") {
  const Shape shape{20, 200};
  const auto halves = weights_of(shape.rows * shape.columns, 8, 3);
  std::vector<float> expected;
  for (const std::size_t tokens : {1, 6, 40}) {
    const auto x = random_inputs(tokens * shape.columns, 6);
    expected.clear();
    EveryIsa().run([&] {
      const auto dense = dense_matrix(DenseType::kF16, halves.data(), shape.rows, shape.columns);
      const auto packed = f16_planes_matrix(halves.data(), shape.rows, shape.columns, 1);
      CHECK_FALSE(packed->takes_pairs());
      if (expected.empty()) expected = product(*dense, x, 1, InputRounding::kBF16);
      CHECK(same_bits(product(*dense, x, 2, InputRounding::kBF16), expected));
      CHECK(same_bits(product(*packed, x, 2, InputRounding::kBF16), expected));
    });
  }
}

TEST_CASE("F16 planes: NaN, infinities and empty weights are refused") {
  for (const unsigned bits : {0x7C00U, 0xFC00U, 0x7C01U, 0x7E00U, 0xFFFFU}) {
    std::vector<std::uint16_t> halves(130 * 33, 0x3C01);
    CHECK_NOTHROW(f16_planes_matrix(halves.data(), 130, 33, 2));
    halves[129 * 33 + 32] = static_cast<std::uint16_t>(bits);
    CHECK(kind_of_failure([&] { f16_planes_matrix(halves.data(), 130, 33, 2); }) ==
          ErrorKind::kInvalidArgument);
  }
  CHECK(kind_of_failure([] { f16_planes_matrix(nullptr, 4, 0, 1); }) ==
        ErrorKind::kInvalidArgument);
  CHECK(kind_of_failure([] { f16_planes_matrix(nullptr, 0, 4, 1); }) ==
        ErrorKind::kInvalidArgument);
}
