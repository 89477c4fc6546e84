// Products with inputs rounded to BF16: the contract of kernels/bf16_dot, by the instruction
// where the CPU has it, and by kernels that flush denormals elsewhere.
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "every_isa.h"
#include "matrix_support.h"
#include "meadow/kernels/bf16_dot/bf16_dot.h"
#include "meadow/matrix/bf16_planes.h"
#include "meadow/matrix/many_tokens.h"
#include "meadow/matrix/matrix.h"

using namespace meadow;
using namespace meadow::test;

namespace {

std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

float flushed(float value) {
  return std::fpclassify(value) == FP_SUBNORMAL ? std::copysign(0.0F, value) : value;
}

// To nearest, ties to even, by its definition: of the two neighbours the nearer one.
float rounded(float value) {
  const float below = float_of_bits(bits_of(value) & 0xFFFF0000);
  const float above = float_of_bits((bits_of(value) & 0xFFFF0000) + 0x10000);
  const double down = std::fabs(static_cast<double>(value) - below);
  const double up = std::fabs(static_cast<double>(above) - value);
  if (down != up) return down < up ? below : above;
  return (bits_of(below) >> 16 & 1) == 0 ? below : above;
}

std::vector<float> rounded(const std::vector<float>& x) {
  std::vector<float> values;
  for (const float value : x) values.push_back(rounded(value));
  return values;
}

// [tokens, rows] of weights and rounded inputs.
std::vector<float> specified_flushed(const std::vector<float>& weights, Shape shape,
                                     const std::vector<float>& x) {
  std::vector<float> y;
  for (std::size_t at = 0; at < x.size(); at += shape.columns) {
    for (std::size_t r = 0; r < shape.rows; ++r) {
      float lanes[16] = {};
      for (std::size_t c = 0; c < shape.columns; ++c) {
        const float weight = flushed(weights[r * shape.columns + c]);
        lanes[c % 16] = flushed(std::fma(weight, flushed(x[at + c]), lanes[c % 16]));
      }
      for (std::size_t half = 8; half > 0; half /= 2) {
        for (std::size_t j = 0; j < half; ++j) lanes[j] = flushed(lanes[j] + lanes[j + half]);
      }
      y.push_back(lanes[0]);
    }
  }
  return y;
}

std::vector<float> widened(const std::vector<std::uint16_t>& bits) {
  std::vector<float> values;
  for (const std::uint16_t value : bits) {
    values.push_back(float_of_bits(std::uint32_t{value} << 16));
  }
  return values;
}

std::vector<float> product(const Matrix& matrix, const std::vector<float>& x, unsigned threads) {
  const std::size_t tokens = x.size() / matrix.columns();
  std::vector<float> y(tokens * matrix.rows(), -1.0F);
  const Product one{&matrix, x.data(), y.data()};
  multiply({&one, 1}, tokens, threads, InputRounding::kBF16);
  return y;
}

void check_every_form(const std::vector<std::uint16_t>& bits, Shape shape,
                      const std::vector<float>& x) {
  const auto weights = widened(bits);
  const auto expected = specified_flushed(weights, shape, rounded(x));
  EveryIsa().run([&] {
    const auto dense = dense_matrix(DenseType::kBF16, bits.data(), shape.rows, shape.columns);
    const auto wide = dense_matrix(DenseType::kF32, weights.data(), shape.rows, shape.columns);
    const auto packed =
        bf16_planes_matrix(DenseType::kBF16, bits.data(), shape.rows, shape.columns, 1);
    for (const unsigned threads : {1U, 3U}) {
      CHECK(same_bits(product(*dense, x, threads), expected));
      CHECK(same_bits(product(*wide, x, threads), expected));
      CHECK(same_bits(product(*packed, x, threads), expected));
    }
  });
}

}  // namespace

TEST_CASE("products with inputs in BF16 are those of their contract") {
  unsigned seed = 0;
  for (const Shape shape : kShapes) {
    for (const std::size_t tokens : {1U, 5U, 32U, 33U, 70U, 150U}) {
      CAPTURE(shape.rows);
      CAPTURE(shape.columns);
      CAPTURE(tokens);
      ++seed;
      check_every_form(bf16_weights(shape.rows * shape.columns, seed, seed % 3 * 40), shape,
                       random_inputs(tokens * shape.columns, seed + 1000));
    }
  }
}

TEST_CASE("denormal weights, inputs and sums count as zeros of their sign") {
  const Shape shape{9, 96};
  auto random = generator(8);
  std::vector<std::uint16_t> bits;
  for (std::size_t i = 0; i < shape.rows * shape.columns; ++i) {
    // exponents 0 to 3: as they are, denormal, or small enough that products are
    bits.push_back(static_cast<std::uint16_t>(random() & 0x81FFU));
  }
  for (const std::size_t tokens : {1U, 40U}) {
    auto x = random_inputs(tokens * shape.columns, 9);
    for (std::size_t i = 0; i < x.size(); i += 7) x[i] *= 1e-39F;
    check_every_form(bits, shape, x);
  }
  const std::vector<std::uint16_t> negative(64, 0x8001);
  const auto one = dense_matrix(DenseType::kBF16, negative.data(), 1, 64);
  EveryIsa().run([&] { CHECK(product(*one, std::vector<float>(64, 1.0F), 1)[0] == 0.0F); });
}

TEST_CASE("flushing denormals ends with the product") {
  const std::vector<std::uint16_t> bits(64, 0x3F80);
  const auto matrix = dense_matrix(DenseType::kBF16, bits.data(), 1, 64);
  product(*matrix, std::vector<float>(64, 1.0F), 1);
  const volatile float tiny = 1e-39F;
  CHECK(tiny * 0.5F != 0.0F);
}

TEST_CASE("the instruction of pairs equals its scalar specification") {
  const kernels::Bf16DotKernels* fast = kernels::bf16_dot_kernels(Isa::kAvx512);
  if (fast == nullptr) return;  // no such CPU
  const kernels::Bf16DotKernels& scalar = kernels::bf16_dot_scalar;
  for (const std::size_t columns : {1U, 16U, 17U, 31U, 32U, 33U, 96U, 130U}) {
    CAPTURE(columns);
    const std::size_t units = (columns + 31) / 32;
    const std::size_t stride = units * 32 + 3;
    const auto weights = bf16_weights(4 * columns, 1, 5);
    const auto x = random_inputs(13 * columns, 2);
    const auto run = [&](const kernels::Bf16DotKernels& kernel) {
      std::vector<std::uint16_t> rows(4 * stride, 7);
      std::vector<std::uint16_t> values(13 * stride, 7);
      for (std::size_t r = 0; r < 4; ++r) {
        kernel.pair(weights.data() + r * columns, columns, rows.data() + r * stride);
      }
      for (std::size_t t = 0; t < 13; ++t) {
        kernel.round(x.data() + t * columns, columns, values.data() + t * stride);
      }
      std::vector<float> lanes(13 * many_tokens::kTileLanes, -0.0F);
      kernel.accumulate({rows.data(), stride, units}, 13, values.data(), stride, lanes.data());
      std::vector<std::uint32_t> all(rows.begin(), rows.end());
      all.insert(all.end(), values.begin(), values.end());
      for (const float lane : lanes) all.push_back(bits_of(lane));
      return all;
    };
    CHECK(run(*fast) == run(scalar));
  }
}

TEST_CASE("packed units unpack to the same pairs, escapes in their places") {
  const kernels::Bf16DotKernels* fast = kernels::bf16_dot_kernels(Isa::kAvx512);
  if (fast == nullptr) return;  // no such CPU
  const Shape shape{16, 160};
  const auto bits = bf16_weights(shape.rows * shape.columns, 3, 9);
  const auto planes = encode_bf16_planes(
      shape.rows, shape.columns, bf16_rows(FloatType::kBF16, bits.data(), shape.columns), 1);
  const auto unpacked = [&](const kernels::Bf16DotKernels& kernel) {
    std::vector<std::uint16_t> pairs(16 * 100, 7);
    for (std::size_t group = 0; group < 4; ++group) {
      kernel.unpack(planes.view(), group, 1, 4, pairs.data() + group * 400, 100);
    }
    return pairs;
  };
  const auto expected = unpacked(kernels::bf16_dot_scalar);
  CHECK(unpacked(*fast) == expected);
  for (std::size_t r = 0; r < shape.rows; ++r) {
    for (std::size_t c = 0; c < 96; ++c) {
      REQUIRE(expected[r * 100 + kernels::place_in_pairs(c)] == bits[r * shape.columns + 32 + c]);
    }
  }
}
