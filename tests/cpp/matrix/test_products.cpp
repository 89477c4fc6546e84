#include <cstdint>
#include <vector>

#include "every_isa.h"
#include "matrix_support.h"
#include "meadow/kernels/convert/convert.h"
#include "meadow/matrix/bf16_planes.h"
#include "meadow/matrix/matrix.h"

using namespace meadow;
using namespace meadow::test;

namespace {

std::vector<float> widened(const std::vector<std::uint16_t>& bits) {
  std::vector<float> values;
  for (const std::uint16_t value : bits)
    values.push_back(float_of_bits(std::uint32_t{value} << 16));
  return values;
}

std::vector<float> product(const Matrix& matrix, const std::vector<float>& x, unsigned threads) {
  const std::size_t tokens = x.size() / matrix.columns();
  std::vector<float> y(tokens * matrix.rows(), -1.0F);
  const Product one{&matrix, x.data(), y.data()};
  multiply({&one, 1}, tokens, threads);
  return y;
}

void check_products(const Matrix& matrix, const std::vector<float>& weights, Shape shape,
                    const std::vector<float>& x) {
  const auto expected = specified(weights, shape, x);
  CHECK(same_bits(product(matrix, x, 1), expected));
  CHECK(same_bits(product(matrix, x, 3), expected));
  std::vector<float> row(shape.columns);
  for (std::size_t r = 0; r < shape.rows; ++r) {
    matrix.read_row(r, row.data());
    CHECK(std::memcmp(row.data(), weights.data() + r * shape.columns, row.size() * 4) == 0);
  }
}

}  // namespace

TEST_CASE("products of every form, ISA and number of tokens are those of the contract") {
  unsigned seed = 0;
  for (const Shape shape : kShapes) {
    for (const std::size_t tokens : kTokenCounts) {
      CAPTURE(shape.rows);
      CAPTURE(shape.columns);
      CAPTURE(tokens);
      ++seed;
      const auto bits = bf16_weights(shape.rows * shape.columns, seed, seed % 3 * 40);
      const auto weights = widened(bits);
      const auto x = random_inputs(tokens * shape.columns, seed + 1000);
      EveryIsa().run([&] {
        check_products(*dense_matrix(DenseType::kBF16, bits.data(), shape.rows, shape.columns),
                       weights, shape, x);
        check_products(*dense_matrix(DenseType::kF32, weights.data(), shape.rows, shape.columns),
                       weights, shape, x);
        check_products(
            *bf16_planes_matrix(DenseType::kBF16, bits.data(), shape.rows, shape.columns, 2),
            weights, shape, x);
      });
    }
  }
}

TEST_CASE("products of F16, and of F16 packed as the BF16 that it holds") {
  unsigned seed = 500;
  for (const Shape shape : kShapes) {
    for (const std::size_t tokens : {std::size_t{1}, std::size_t{3}, std::size_t{11}}) {
      CAPTURE(shape.columns);
      const auto any = bf16_weights(shape.rows * shape.columns, ++seed, 0);
      std::vector<std::uint16_t> halves;
      for (const float value : widened(any)) {
        // 10 mantissa bits, of which every third weight uses one that BF16 lacks
        const bool fine = halves.size() % 3 == 0;
        halves.push_back(static_cast<std::uint16_t>(0x2C00U + (value < 0 ? 0x8000U : 0U) +
                                                    (any[halves.size()] & 0x7FU) * 8 +
                                                    (fine ? 1 : 0)));
      }
      std::vector<float> weights(halves.size());
      kernels::convert_kernels(active_isa())
          .f32_of_f16(halves.data(), halves.size(),
                      reinterpret_cast<std::uint32_t*>(weights.data()));
      const auto x = random_inputs(tokens * shape.columns, seed);
      EveryIsa().run([&] {
        check_products(*dense_matrix(DenseType::kF16, halves.data(), shape.rows, shape.columns),
                       weights, shape, x);
        CHECK(kind_of_failure([&] {
                bf16_planes_matrix(DenseType::kF16, halves.data(), shape.rows, shape.columns, 1);
              }) == ErrorKind::kInvalidArgument);
      });
    }
  }
}

TEST_CASE("F32 that is BF16 packs like BF16") {
  const Shape shape{37, 130};
  const auto bits = bf16_weights(shape.rows * shape.columns, 9, 50);
  const auto weights = widened(bits);
  const auto narrow =
      bf16_planes_matrix(DenseType::kBF16, bits.data(), shape.rows, shape.columns, 1);
  const auto wide =
      bf16_planes_matrix(DenseType::kF32, weights.data(), shape.rows, shape.columns, 2);
  CHECK(narrow->bytes() == wide->bytes());
  check_products(*wide, weights, shape, random_inputs(2 * shape.columns, 3));
}

TEST_CASE("NaN, infinities and zeros of both signs keep their bits when packed") {
  const std::vector<std::uint16_t> bits = {0x7F80, 0xFF80, 0x7FC1, 0xFF81, 0x7F81, 0x0000, 0x8000,
                                           0x0001, 0x8001, 0x007F, 0x7F7F, 0xFF7F, 0x3F80, 0xBF80};
  const auto packed = bf16_planes_matrix(DenseType::kBF16, bits.data(), 2, 7, 1);
  EveryIsa().run([&] {
    std::vector<float> row(7);
    for (std::size_t r = 0; r < 2; ++r) {
      packed->read_row(r, row.data());
      for (std::size_t c = 0; c < 7; ++c) {
        CHECK(same_bits(row[c], float_of_bits(std::uint32_t{bits[r * 7 + c]} << 16)));
      }
    }
  });
}

TEST_CASE("every weight an escape but sixteen kinds") {
  const Shape shape{70, 96};
  auto random = generator(4);
  std::vector<std::uint16_t> bits(shape.rows * shape.columns);
  for (auto& value : bits) value = static_cast<std::uint16_t>(random() & 0xBFFFU);
  const auto packed =
      bf16_planes_matrix(DenseType::kBF16, bits.data(), shape.rows, shape.columns, 1);
  CHECK(packed->bytes() > bits.size() * 4);  // nothing is hidden
  EveryIsa().run([&] {
    check_products(*packed, widened(bits), shape, random_inputs(5 * shape.columns, 1));
    check_products(*packed, widened(bits), shape, random_inputs(12 * shape.columns, 2));
  });
}

TEST_CASE("several products side by side") {
  const auto first = bf16_weights(40 * 64, 1, 0);
  const auto second = bf16_weights(72 * 64, 2, 0);
  const auto a = dense_matrix(DenseType::kBF16, first.data(), 40, 64);
  const auto b = bf16_planes_matrix(DenseType::kBF16, second.data(), 72, 64, 1);
  const auto x = random_inputs(3 * 64, 5);
  std::vector<float> ya(3 * 40);
  std::vector<float> yb(3 * 72);
  const Product both[] = {{a.get(), x.data(), ya.data()}, {b.get(), x.data(), yb.data()}};
  multiply(both, 3, 2);
  CHECK(same_bits(ya, product(*a, x, 1)));
  CHECK(same_bits(yb, product(*b, x, 1)));
}

TEST_CASE("a matrix without rows or columns is refused") {
  CHECK(kind_of_failure([] { dense_matrix(DenseType::kF32, nullptr, 0, 4); }) ==
        ErrorKind::kInvalidArgument);
  CHECK(kind_of_failure([] { bf16_planes_matrix(DenseType::kBF16, nullptr, 4, 0, 1); }) ==
        ErrorKind::kInvalidArgument);
}
