// Weights stored by inputs against the dense product.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <vector>

#include "check_support.h"
#include "every_isa.h"
#include "matrix_support.h"
#include "meadow/matrix/input_major.h"

using namespace meadow;
using namespace meadow::test;

namespace {

// The same weight [rows, columns] in both orders.
template <typename Value>
struct BothOrders {
  BothOrders(DenseType type, const std::vector<Value>& values, Shape shape)
      : by_output(values), by_input(values.size()) {
    for (std::size_t r = 0; r < shape.rows; ++r) {
      for (std::size_t c = 0; c < shape.columns; ++c) {
        by_input[c * shape.rows + r] = by_output[r * shape.columns + c];
      }
    }
    dense = dense_matrix(type, by_output.data(), shape.rows, shape.columns);
    input_major = input_major_matrix(type, by_input.data(), shape.rows, shape.columns);
  }

  std::vector<Value> by_output;
  std::vector<Value> by_input;
  std::unique_ptr<Matrix> dense;
  std::unique_ptr<InputMajorMatrix> input_major;
};

template <typename Test>
void with_every_type(Shape shape, unsigned seed, const Test& test) {
  const auto bf16 = bf16_weights(shape.rows * shape.columns, seed, 30);
  std::vector<float> f32;
  std::vector<std::uint16_t> f16;
  for (const std::uint16_t bits : bf16) {
    f32.push_back(float_of_bits(std::uint32_t{bits} << 16));
    f16.push_back(bits & 0xBBFFU);  // finite
  }
  test(BothOrders<float>(DenseType::kF32, f32, shape));
  test(BothOrders<std::uint16_t>(DenseType::kBF16, bf16, shape));
  test(BothOrders<std::uint16_t>(DenseType::kF16, f16, shape));
}

std::vector<float> product_of(const Matrix& matrix, const std::vector<float>& x, unsigned threads,
                              InputRounding rounding = InputRounding::kNone) {
  const std::size_t tokens = x.size() / matrix.columns();
  std::vector<float> y(tokens * matrix.rows(), -1.0F);
  const Product one{&matrix, x.data(), y.data()};
  multiply({&one, 1}, tokens, threads, rounding);
  return y;
}

std::vector<std::uint32_t> all_of(std::size_t count) {
  std::vector<std::uint32_t> inputs(count);
  for (std::size_t i = 0; i < count; ++i) inputs[i] = static_cast<std::uint32_t>(i);
  return inputs;
}

std::vector<std::uint32_t> those_not_zero(const std::vector<float>& x) {
  std::vector<std::uint32_t> inputs;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (x[i] != 0) inputs.push_back(static_cast<std::uint32_t>(i));
  }
  return inputs;
}

std::vector<float> sums_of(const InputMajorMatrix& matrix, const std::vector<std::uint32_t>& inputs,
                           const std::vector<float>& x, unsigned threads,
                           InputRounding rounding = InputRounding::kNone) {
  std::vector<float> y(matrix.rows(), 0.0F);
  matrix.add_rows(inputs, x.data(), y.data(), threads, rounding);
  return y;
}

std::vector<float> plus_zero(std::vector<float> values) {
  for (float& value : values) value += 0.0F;
  return values;
}

// What a ReLU leaves: most are 0, of both signs, and some are tiny.
std::vector<float> sparse_inputs(std::size_t count, unsigned seed) {
  auto x = random_inputs(count, seed);
  auto random = generator(seed);
  for (float& value : x) {
    const unsigned kind = static_cast<unsigned>(random()) % 10;
    if (kind < 7) value = kind < 5 ? 0.0F : -0.0F;
    if (kind == 7) value *= 1e-39F;
  }
  return x;
}

const std::vector<Shape> kInputShapes = {{1, 1}, {5, 15}, {16, 17}, {33, 64}, {130, 200}};

}  // namespace

TEST_CASE("input-major: products are those of the dense weight") {
  unsigned seed = 60;
  for (const Shape shape : kInputShapes) {
    for (const std::size_t tokens : {std::size_t{1}, std::size_t{5}, std::size_t{40}}) {
      CAPTURE(shape.rows);
      CAPTURE(tokens);
      const auto x = random_inputs(tokens * shape.columns, ++seed);
      EveryIsa().run([&] {
        with_every_type(shape, seed, [&](const auto& both) {
          for (const auto rounding : {InputRounding::kNone, InputRounding::kBF16}) {
            const auto expected = product_of(*both.dense, x, 1, rounding);
            CHECK(same_bits(product_of(*both.input_major, x, 1, rounding), expected));
            CHECK(same_bits(product_of(*both.input_major, x, 3, rounding), expected));
          }
          CHECK(both.input_major->bytes() == both.dense->bytes());
        });
      });
    }
  }
}

TEST_CASE("input-major: added rows of all inputs are the dense product, plus 0") {
  unsigned seed = 90;
  for (const Shape shape : kInputShapes) {
    CAPTURE(shape.rows);
    const auto x = random_inputs(shape.columns, ++seed);
    const auto all = all_of(shape.columns);
    EveryIsa().run([&] {
      with_every_type(shape, seed, [&](const auto& both) {
        for (const auto rounding : {InputRounding::kNone, InputRounding::kBF16}) {
          const auto expected = plus_zero(product_of(*both.dense, x, 1, rounding));
          CHECK(same_bits(sums_of(*both.input_major, all, x, 1, rounding), expected));
          CHECK(same_bits(sums_of(*both.input_major, all, x, 3, rounding), expected));
        }
      });
    });
  }
}

TEST_CASE("input-major: inputs of 0 may be left out") {
  unsigned seed = 120;
  for (const Shape shape : kInputShapes) {
    CAPTURE(shape.rows);
    const auto x = sparse_inputs(shape.columns, ++seed);
    const auto kept = those_not_zero(x);
    EveryIsa().run([&] {
      with_every_type(shape, seed, [&](const auto& both) {
        const auto expected = plus_zero(product_of(*both.dense, x, 1));
        CHECK(same_bits(sums_of(*both.input_major, kept, x, 1), expected));
        CHECK(same_bits(sums_of(*both.input_major, kept, x, 2), expected));
      });
    });
  }
}

TEST_CASE("input-major: lanes of -0 are the one difference, and adding 0 takes it away") {
  // Products that underflow leave -0 in every lane; inputs of 0 would make each of them a 0.
  std::vector<float> weights(32, -1e-30F);
  std::fill_n(weights.begin() + 16, 16, 1.0F);
  std::vector<float> x(32, 1e-30F);
  std::fill_n(x.begin() + 16, 16, 0.0F);
  const auto kept = those_not_zero(x);
  REQUIRE(kept.size() == 16);
  EveryIsa().run([&] {
    const auto whole = dense_matrix(DenseType::kF32, weights.data(), 1, 32);
    const auto without = dense_matrix(DenseType::kF32, weights.data(), 1, 16);
    const std::vector<float> first(x.begin(), x.begin() + 16);
    CHECK(same_bits(product_of(*without, first, 1)[0], -0.0F));
    CHECK(same_bits(product_of(*whole, x, 1)[0], 0.0F));
    const auto by_input = input_major_matrix(DenseType::kF32, weights.data(), 1, 32);
    CHECK(same_bits(sums_of(*by_input, kept, x, 1)[0], 0.0F));
  });
}

TEST_CASE("input-major: rows are added to what is there") {
  const Shape shape{20, 40};
  const auto weights = random_inputs(shape.rows * shape.columns, 1);
  const BothOrders<float> both(DenseType::kF32, weights, shape);
  const auto x = random_inputs(shape.columns, 2);
  const auto before = random_inputs(shape.rows, 3);
  auto y = before;
  both.input_major->add_rows(all_of(shape.columns), x.data(), y.data(), 2);
  const auto product = product_of(*both.dense, x, 1);
  for (std::size_t r = 0; r < shape.rows; ++r) CHECK(same_bits(y[r], before[r] + product[r]));
  auto untouched = before;
  both.input_major->add_rows({}, x.data(), untouched.data(), 2);
  CHECK(same_bits(untouched, before));
}

TEST_CASE("input-major: an empty weight is refused, and inputs must ascend") {
  CHECK(kind_of_failure([] { input_major_matrix(DenseType::kF32, nullptr, 4, 0); }) ==
        ErrorKind::kInvalidArgument);
  if (!kDebugChecks) return;
  const std::vector<float> weights(8, 1.0F);
  const auto matrix = input_major_matrix(DenseType::kF32, weights.data(), 2, 4);
  const std::vector<float> x(4, 1.0F);
  CHECK_FALSE(fails_check([&] { sums_of(*matrix, {0, 3}, x, 1); }));
  CHECK(fails_check([&] { sums_of(*matrix, {3, 0}, x, 1); }));
  CHECK(fails_check([&] { sums_of(*matrix, {1, 1}, x, 1); }));
  CHECK(fails_check([&] { sums_of(*matrix, {4}, x, 1); }));
}
