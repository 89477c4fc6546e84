// Blocks of rows: read at once, multiplied by choice, and handed over in whole groups.
#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "check_support.h"
#include "every_isa.h"
#include "matrix_support.h"
#include "meadow/matrix/bf16_planes.h"
#include "meadow/matrix/f16_planes.h"
#include "meadow/matrix/input_major.h"
#include "meadow/matrix/integer.h"
#include "meadow/matrix/matrix.h"
#include "meadow/matrix/parts.h"

using namespace meadow;
using namespace meadow::test;

namespace {

// One weight in every form that a matrix has.
class EveryForm {
 public:
  EveryForm(Shape shape, unsigned seed)
      : shape_(shape),
        bf16_(bf16_weights(shape.rows * shape.columns, seed, 40)),
        scales_(shape.rows * block_count(shape.columns, 32)),
        coded_(scales_.size()) {
    auto random = generator(seed + 1);
    for (std::size_t i = 0; i < bf16_.size(); ++i) {
      f32_.push_back(float_of_bits(std::uint32_t{bf16_[i]} << 16));
      f16_.push_back(static_cast<std::uint16_t>(0x2C00U + random() % 0x200U * 8 + i % 3));
      codes_.push_back(static_cast<std::int8_t>(static_cast<int>(random() % 255) - 127));
    }
    for (float& scale : scales_) scale = 0.01F + static_cast<float>(random() % 100) * 0.001F;
    for (auto& coded : coded_) coded = static_cast<std::uint8_t>(1 + random() % 255);
  }

  template <typename Visit>
  void visit(const Visit& visit) const {
    const auto [rows, columns] = shape_;
    visit(*dense_matrix(DenseType::kF32, f32_.data(), rows, columns));
    visit(*dense_matrix(DenseType::kBF16, bf16_.data(), rows, columns));
    visit(*dense_matrix(DenseType::kF16, f16_.data(), rows, columns));
    visit(*input_major_matrix(DenseType::kF32, f32_.data(), rows, columns));
    visit(*input_major_matrix(DenseType::kBF16, bf16_.data(), rows, columns));
    visit(*input_major_matrix(DenseType::kF16, f16_.data(), rows, columns));
    visit(*bf16_planes_matrix(DenseType::kBF16, bf16_.data(), rows, columns, 1));
    visit(*f16_planes_matrix(f16_.data(), rows, columns, 1));
    for (const auto form : {InputForm::kInt8, InputForm::kFloats}) {
      for (const auto widths : {PlaneWidths::kDense, PlaneWidths::kPacked}) {
        visit(*integer(0, nullptr, widths, form));
        visit(*integer(columns, nullptr, widths, form));
        visit(*integer(32, nullptr, widths, form));
        visit(*integer(32, coded_.data(), widths, form));
      }
    }
  }

 private:
  [[nodiscard]] std::unique_ptr<Matrix> integer(std::size_t per_scale, const std::uint8_t* coded,
                                                PlaneWidths widths, InputForm form) const {
    return integer_matrix(
        {codes_.data(), shape_.rows, shape_.columns, per_scale, scales_.data(), coded}, widths,
        form, 1);
  }

  Shape shape_;
  std::vector<std::uint16_t> bf16_;
  std::vector<std::uint16_t> f16_;
  std::vector<float> f32_;
  std::vector<std::int8_t> codes_;
  std::vector<float> scales_;
  std::vector<std::uint8_t> coded_;
};

constexpr float kUntouched = -77.0F;

std::vector<float> product_of(const Matrix& matrix, const std::vector<float>& x, unsigned threads,
                              InputRounding rounding,
                              std::optional<std::span<const std::uint32_t>> groups = std::nullopt) {
  const std::size_t tokens = x.size() / matrix.columns();
  std::vector<float> y(tokens * matrix.rows(), kUntouched);
  const Product one{&matrix, x.data(), y.data(), groups};
  multiply({&one, 1}, tokens, threads, rounding);
  return y;
}

// All groups, none, the last, every other, and runs of neighbours.
std::vector<std::vector<std::uint32_t>> choices(std::size_t groups) {
  const auto count = static_cast<std::uint32_t>(groups);
  std::vector<std::vector<std::uint32_t>> made = {{}, {count - 1}, {}, {}, {}};
  for (std::uint32_t g = 0; g < count; ++g) {
    made[2].push_back(g);
    if (g % 2 == 1) made[3].push_back(g);
    if (g % 5 != 2) made[4].push_back(g);
  }
  return made;
}

void check_chosen(const Matrix& matrix, const std::vector<float>& x, InputRounding rounding) {
  const auto all = product_of(matrix, x, 2, rounding);
  const std::size_t step = matrix.row_step();
  for (const auto& groups : choices(block_count(matrix.rows(), step))) {
    auto expected = all;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const auto group = static_cast<std::uint32_t>(i % matrix.rows() / step);
      if (!std::binary_search(groups.begin(), groups.end(), group)) expected[i] = kUntouched;
    }
    CHECK(same_bits(product_of(matrix, x, 1, rounding, groups), expected));
    CHECK(same_bits(product_of(matrix, x, 3, rounding, groups), expected));
  }
}

// Stores its rows in groups of a size that no task has by itself, and notes what it is given.
class NotingMatrix final : public Matrix {
 public:
  explicit NotingMatrix(std::size_t rows) : Matrix(rows, 4) {}

  [[nodiscard]] std::string_view form() const noexcept override { return "noting"; }
  [[nodiscard]] MatrixParts parts() const override { return {}; }
  [[nodiscard]] std::size_t bytes() const noexcept override { return rows() << 14; }
  [[nodiscard]] std::size_t row_step() const noexcept override { return 24; }
  [[nodiscard]] std::vector<Block> given() const {
    auto sorted = given_;
    std::sort(sorted.begin(), sorted.end(),
              [](const Block& a, const Block& b) { return a.begin < b.begin; });
    return sorted;
  }

 protected:
  void do_multiply_rows(Block range, const Inputs& /*x*/, float* /*y*/) const override {
    const std::lock_guard lock(mutex_);
    given_.push_back(range);
  }
  void do_read_rows(Block /*range*/, float* /*values*/) const override {}

 private:
  mutable std::mutex mutex_;
  mutable std::vector<Block> given_;
};

}  // namespace

TEST_CASE("every form is made again from its parts, with the same bits") {
  const Shape shape{37, 70};
  const auto x = random_inputs(2 * shape.columns, 5);
  EveryForm(shape, 3).visit([&](const Matrix& matrix) {
    const auto again = matrix_of(matrix.parts());
    CHECK(again->form() == matrix.form());
    CHECK(same_bits(product_of(*again, x, 1, InputRounding::kNone),
                    product_of(matrix, x, 1, InputRounding::kNone)));
  });
}

TEST_CASE("rows read at once are the rows read one by one, in every form") {
  for (const Shape shape : {Shape{1, 1}, Shape{37, 33}, Shape{50, 130}}) {
    CAPTURE(shape.rows);
    const EveryForm forms(shape, 11);
    EveryIsa().run([&] {
      forms.visit([&](const Matrix& matrix) {
        std::vector<float> all(shape.rows * shape.columns, kUntouched);
        matrix.read_rows({0, shape.rows}, all.data());
        std::vector<float> row(shape.columns);
        for (std::size_t r = 0; r < shape.rows; ++r) {
          matrix.read_row(r, row.data());
          CHECK(std::memcmp(row.data(), all.data() + r * shape.columns, row.size() * 4) == 0);
        }
        // Blocks that begin and end inside groups, and stop where they are told to.
        for (std::size_t begin = 0; begin < shape.rows; begin += 3) {
          const std::size_t end = std::min(begin + 21, shape.rows);
          std::vector<float> some((end - begin) * shape.columns + 1, kUntouched);
          matrix.read_rows({begin, end}, some.data());
          CHECK(std::memcmp(some.data(), all.data() + begin * shape.columns,
                            (some.size() - 1) * 4) == 0);
          CHECK(some.back() == kUntouched);
        }
      });
    });
  }
}

TEST_CASE("the product of chosen groups has the bits of the whole product, in every form") {
  const Shape shape{150, 70};
  const EveryForm forms(shape, 5);
  for (const std::size_t tokens : {std::size_t{1}, std::size_t{3}, std::size_t{40}}) {
    CAPTURE(tokens);
    const auto x = random_inputs(tokens * shape.columns, 8);
    EveryIsa().run([&] {
      forms.visit([&](const Matrix& matrix) {
        check_chosen(matrix, x, InputRounding::kNone);
        check_chosen(matrix, x, InputRounding::kBF16);
      });
    });
  }
}

TEST_CASE("a product of chosen groups beside one of all rows") {
  const Shape shape{64, 32};
  const auto bits = bf16_weights(shape.rows * shape.columns, 3, 0);
  const auto matrix =
      bf16_planes_matrix(DenseType::kBF16, bits.data(), shape.rows, shape.columns, 1);
  const auto x = random_inputs(2 * shape.columns, 4);
  const auto all = product_of(*matrix, x, 1, InputRounding::kNone);
  std::vector<float> whole(all.size());
  std::vector<float> chosen(all.size(), kUntouched);
  const std::vector<std::uint32_t> groups = {3};
  const Product both[] = {{matrix.get(), x.data(), whole.data()},
                          {matrix.get(), x.data(), chosen.data(), groups}};
  multiply(both, 2, 2);
  CHECK(same_bits(whole, all));
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(same_bits(chosen[i], i % 64 / 4 == 3 ? all[i] : kUntouched));
  }
}

TEST_CASE("blocks are whole groups of rows, with few tokens and with many") {
  for (const std::size_t rows : {std::size_t{1}, std::size_t{24}, std::size_t{1000}}) {
    for (const std::size_t tokens : {std::size_t{1}, std::size_t{32}, std::size_t{33}}) {
      CAPTURE(rows);
      CAPTURE(tokens);
      const NotingMatrix matrix(rows);
      product_of(matrix, random_inputs(tokens * 4, 1), 2, InputRounding::kNone);
      std::size_t at = 0;
      for (const Block& block : matrix.given()) {
        CHECK(block.begin == at);
        CHECK(block.begin % 24 == 0);
        CHECK((block.end % 24 == 0 || block.end == rows));
        at = block.end;
      }
      CHECK(at == rows);
    }
  }
}

TEST_CASE("what a caller of a matrix owes is checked where checks are on") {
  const auto bits = bf16_weights(10 * 32, 3, 0);
  const auto packed = bf16_planes_matrix(DenseType::kBF16, bits.data(), 10, 32, 1);
  const auto x = random_inputs(32, 4);
  std::vector<float> y(10 * 32);
  Inputs good;
  good.count = 1;
  good.columns = good.stride = 32;
  good.values = x.data();
  CHECK_FALSE(fails_check([&] { packed->multiply_rows({4, 10}, good, y.data()); }));
  CHECK_FALSE(fails_check([&] { packed->read_rows({1, 10}, y.data()); }));
  if (!kDebugChecks) return;
  CHECK(fails_check([&] { packed->multiply_rows({2, 8}, good, y.data()); }));
  CHECK(fails_check([&] { packed->multiply_rows({0, 6}, good, y.data()); }));
  CHECK(fails_check([&] { packed->multiply_rows({8, 12}, good, y.data()); }));
  CHECK(fails_check([&] { packed->multiply_rows({0, 4}, good, nullptr); }));
  Inputs narrow = good;
  narrow.columns = 31;
  CHECK(fails_check([&] { packed->multiply_rows({0, 4}, narrow, y.data()); }));
  Inputs overlapping = good;
  overlapping.stride = 31;
  CHECK(fails_check([&] { packed->multiply_rows({0, 4}, overlapping, y.data()); }));
  Inputs empty = good;
  empty.values = nullptr;
  CHECK(fails_check([&] { packed->multiply_rows({0, 4}, empty, y.data()); }));
  Inputs codes = good;
  const std::vector<std::int8_t> some(64);
  codes.codes = some.data();
  codes.code_stride = 48;
  CHECK(fails_check([&] { packed->multiply_rows({0, 4}, codes, y.data()); }));
  CHECK(fails_check([&] { packed->read_rows({4, 3}, y.data()); }));
  CHECK(fails_check([&] { packed->read_row(10, y.data()); }));
  CHECK(fails_check([&] { packed->read_row(0, nullptr); }));
}

TEST_CASE("an integer matrix without codes, and groups that are none, fail their checks") {
  if (!kDebugChecks) return;
  const std::vector<std::int8_t> codes(32 * 32, 1);
  const float scale = 1.0F;
  const auto integers = integer_matrix({codes.data(), 32, 32, 0, &scale, nullptr},
                                       PlaneWidths::kDense, InputForm::kInt8, 1);
  const auto x = random_inputs(32, 4);
  std::vector<float> y(32);
  Inputs floats;
  floats.count = 1;
  floats.columns = floats.stride = 32;
  floats.values = x.data();
  CHECK(fails_check([&] { integers->multiply_rows({0, 32}, floats, y.data()); }));
  using Groups = std::vector<std::uint32_t>;
  for (const Groups& groups : {Groups{1, 0}, Groups{1, 1}, Groups{2}}) {
    CHECK(fails_check([&] { product_of(*integers, x, 1, InputRounding::kNone, groups); }));
  }
}
