// Matrices of integers: every form against every other, and against the codes they were made of.
#include "meadow/matrix/integer.h"

#include <cmath>

#include "every_isa.h"
#include "kernels/integer_support.h"

using namespace meadow;
using namespace meadow::test;

namespace {

// A weight with scales of one kind.
struct Material {
  Material(std::size_t rows_, std::size_t columns_, std::size_t per_scale_, bool is_coded = false)
      : rows(rows_),
        columns(columns_),
        per_scale(per_scale_),
        codes(integer_codes(rows * columns, 7, 0, 1)),
        scales(normal_floats(rows * (columns + 31), 2)),
        coded(is_coded ? rows * (columns + 31) / 32 : 0) {
    auto random = generator(3);
    for (float& scale : scales) scale = std::fabs(scale) + 0.01F;
    for (std::uint8_t& code : coded) code = static_cast<std::uint8_t>(1 + random() % 255);
  }

  [[nodiscard]] IntegerWeight weight() const {
    return {codes.data(), rows,          columns,
            per_scale,    scales.data(), coded.empty() ? nullptr : coded.data()};
  }

  std::size_t rows;
  std::size_t columns;
  std::size_t per_scale;
  std::vector<std::int8_t> codes;
  std::vector<float> scales;
  std::vector<std::uint8_t> coded;
};

std::vector<float> product(const Matrix& matrix, const std::vector<float>& x, unsigned threads,
                           InputRounding rounding = InputRounding::kNone) {
  const std::size_t tokens = x.size() / matrix.columns();
  std::vector<float> y(tokens * matrix.rows(), -1.0F);
  const Product one{&matrix, x.data(), y.data()};
  multiply({&one, 1}, tokens, threads, rounding);
  return y;
}

std::unique_ptr<Matrix> made(const Material& material, PlaneWidths widths, InputForm form) {
  return integer_matrix(material.weight(), widths, form, 1);
}

const std::vector<Material>& materials() {
  static const std::vector<Material> all = {{70, 200, 0},   {70, 200, 200}, {33, 320, 32},
                                            {16, 320, 128}, {50, 100, 96},  {40, 320, 32, true}};
  return all;
}

}  // namespace

TEST_CASE("packed integers, dense ones, threads and ISAs give the same bits") {
  for (const Material& material : materials()) {
    for (const auto form : {InputForm::kInt8, InputForm::kFloats}) {
      const std::vector<float> x = normal_floats(3 * material.columns, 5);
      std::vector<float> expected;
      EveryIsa().run([&] {
        for (const auto widths : {PlaneWidths::kDense, PlaneWidths::kPacked}) {
          const auto matrix = made(material, widths, form);
          for (const unsigned threads : {1U, 2U, 5U}) {
            const auto found = product(*matrix, x, threads);
            if (expected.empty()) expected = found;
            REQUIRE(same_bits(found, expected));
          }
        }
      });
    }
  }
}

TEST_CASE("weight-only products are those of a dense matrix of the rows, scaled before or after") {
  for (const Material& material : materials()) {
    const auto packed = made(material, PlaneWidths::kPacked, InputForm::kFloats);
    const std::vector<float> x = normal_floats(2 * material.columns, 5);
    std::vector<float> values(material.rows * material.columns);
    for (std::size_t r = 0; r < material.rows; ++r) {
      packed->read_row(r, values.data() + r * material.columns);
    }
    const auto dense =
        dense_matrix(DenseType::kF32, values.data(), material.rows, material.columns);
    const auto found = product(*packed, x, 1);
    const auto expected = product(*dense, x, 1);
    const bool scaled_before = material.per_scale != 0 && material.per_scale < material.columns;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (scaled_before) REQUIRE(found[i] == expected[i]);
      REQUIRE(found[i] == doctest::Approx(expected[i]).epsilon(1e-4).scale(10));
    }
  }
}

TEST_CASE("a row has every code times its scale") {
  for (const Material& material : materials()) {
    const auto matrix = made(material, PlaneWidths::kPacked, InputForm::kInt8);
    const std::size_t groups = scales_of_row(material.weight());
    std::vector<float> row(material.columns);
    for (std::size_t r = 0; r < material.rows; ++r) {
      matrix->read_row(r, row.data());
      for (std::size_t c = 0; c < material.columns; ++c) {
        const std::size_t n = material.per_scale == 0 ? 0 : r * groups + c / material.per_scale;
        float scale = material.coded.empty() ? material.scales[n] : material.scales[r];
        if (!material.coded.empty()) scale *= static_cast<float>(material.coded[n]);
        REQUIRE(row[c] == static_cast<float>(material.codes[r * material.columns + c]) * scale);
      }
    }
  }
}

TEST_CASE("products side by side share the integers of what they share") {
  const Material wide(40, 200, 0);
  const Material tall(90, 200, 200);
  const auto first = made(wide, PlaneWidths::kPacked, InputForm::kInt8);
  const auto second = made(tall, PlaneWidths::kDense, InputForm::kInt8);
  const auto third = made(tall, PlaneWidths::kDense, InputForm::kFloats);
  const std::vector<float> x = normal_floats(10 * 200, 5);
  const std::vector<float> other = normal_floats(10 * 200, 6);
  std::vector<std::vector<float>> y(4, std::vector<float>(10 * 90));
  const std::vector<Product> all = {{first.get(), x.data(), y[0].data()},
                                    {second.get(), x.data(), y[1].data()},
                                    {second.get(), other.data(), y[2].data()},
                                    {third.get(), x.data(), y[3].data()}};
  multiply(all, 10, 2);
  y[0].resize(10 * 40);
  CHECK(same_bits(y[0], product(*first, x, 1)));
  CHECK(same_bits(y[1], product(*second, x, 1)));
  CHECK(same_bits(y[2], product(*second, other, 1)));
  CHECK(same_bits(y[3], product(*third, x, 1)));
  CHECK(!same_bits(y[1], y[3]));
}

TEST_CASE("a token that holds no number gives none") {
  const Material material(20, 64, 0);
  const auto matrix = made(material, PlaneWidths::kPacked, InputForm::kInt8);
  std::vector<float> x = normal_floats(2 * 64, 5);
  x[3] = std::nanf("");
  EveryIsa().run([&] {
    const auto y = product(*made(material, PlaneWidths::kPacked, InputForm::kInt8), x, 1);
    for (std::size_t r = 0; r < 20; ++r) CHECK(std::isnan(y[r]));
    for (std::size_t r = 20; r < 40; ++r) CHECK(std::isfinite(y[r]));
  });
}

TEST_CASE("bytes count fields, escapes, heads and scales") {
  const Material material(64, 256, 32, true);
  const auto dense = made(material, PlaneWidths::kDense, InputForm::kInt8);
  CHECK(dense->bytes() == 64 * 256 + 4 * sizeof(StripHead) + 64 * 8 + 64 * sizeof(float));
  const auto packed = made(material, PlaneWidths::kPacked, InputForm::kInt8);
  CHECK(packed->bytes() < dense->bytes());
}

TEST_CASE("scales belong to the weight, to rows, or to multiples of 32 columns") {
  for (const std::size_t per_scale : {1, 31, 33, 100}) {
    const Material material(4, 128, per_scale);
    CHECK(kind_of_failure([&] { scales_of_row(material.weight()); }) ==
          ErrorKind::kInvalidArgument);
  }
  CHECK(kind_of_failure([] { scales_of_row(Material(4, 128, 0, true).weight()); }) ==
        ErrorKind::kInvalidArgument);
  CHECK(scales_of_row(Material(4, 128, 64).weight()) == 2);
  CHECK(scales_of_row(Material(4, 130, 64).weight()) == 3);
  CHECK(scales_of_row(Material(4, 128, 128).weight()) == 1);
}

TEST_CASE("integers take no notice of the rounding of inputs, denormal results among them") {
  for (const InputForm form : {InputForm::kInt8, InputForm::kFloats}) {
    for (const Material& material : materials()) {
      for (const std::size_t tokens : {1U, 40U}) {
        auto x = normal_floats(tokens * material.columns, 5);
        for (std::size_t i = 0; i < material.columns; ++i) x[i] *= 1e-40F;
        EveryIsa().run([&] {
          const auto matrix = made(material, PlaneWidths::kPacked, form);
          const auto expected = product(*matrix, x, 1);
          CHECK(same_bits(product(*matrix, x, 2, InputRounding::kBF16), expected));
        });
      }
    }
  }
}
