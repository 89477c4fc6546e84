#include <algorithm>
#include <cstdint>
#include <cstring>

#include "meadow/base/error.h"
#include "meadow/base/mapped_pages.h"
#include "meadow/kernels/isa.h"
#include "meadow/kernels/product/product.h"
#include "meadow/matrix/many_tokens.h"
#include "meadow/matrix/matrix.h"

namespace meadow {
namespace {

kernels::Tokens tokens_of(const Activations& x, float* y, std::size_t rows) noexcept {
  return {x.count, x.values, x.stride, y, rows};
}

// Behind the last row of a tile that begins at `row`.
std::size_t rows_behind(std::size_t row, Block range) noexcept {
  return std::min(row + kernels::kTileRows, range.end);
}

class F32Matrix final : public Matrix {
 public:
  F32Matrix(const float* values, std::size_t rows, std::size_t columns)
      : Matrix(rows, columns), values_(values) {}

  [[nodiscard]] std::size_t bytes() const noexcept override {
    return rows() * columns() * sizeof(float);
  }
  void multiply_rows(Block range, const Activations& x, float* y) const override {
    if (x.count >= kManyTokens) {
      return multiply_many<many_tokens::Widened>(
          *this, range, x, y,
          [&](std::size_t row, std::size_t column, std::size_t count, float* to,
              std::size_t stride) noexcept {
            for (std::size_t r = row; r < rows_behind(row, range); ++r) {
              std::memcpy(to + (r - row) * stride, values_ + r * columns() + column,
                          count * sizeof(float));
            }
          });
    }
    kernels_.f32({values_ + range.begin * columns(), columns(), range.end - range.begin, columns()},
                 tokens_of(x, y + range.begin, rows()));
  }
  void read_row(std::size_t row, float* values) const override {
    std::memcpy(values, values_ + row * columns(), columns() * sizeof(float));
  }

 private:
  const kernels::ProductKernels& kernels_ = kernels::product_kernels(active_isa());
  const float* values_;
};

class HalfMatrix final : public Matrix {
 public:
  HalfMatrix(DenseType type, const std::uint16_t* values, std::size_t rows, std::size_t columns)
      : Matrix(rows, columns), is_bf16_(type == DenseType::kBF16), values_(values) {}

  [[nodiscard]] std::size_t bytes() const noexcept override {
    return rows() * columns() * sizeof(std::uint16_t);
  }
  [[nodiscard]] bool takes_pairs() const noexcept override { return is_bf16_; }
  void multiply_rows(Block range, const Activations& x, float* y) const override {
    if (x.pairs != nullptr) return multiply_pairs(range, x, y);
    if (x.count >= kManyTokens) return multiply_widened(range, x, y);
    const auto multiply = is_bf16_ ? kernels_.bf16 : kernels_.f16;
    multiply({values_ + range.begin * columns(), columns(), range.end - range.begin, columns()},
             tokens_of(x, y + range.begin, rows()));
  }
  void read_row(std::size_t row, float* values) const override {
    const auto widen = is_bf16_ ? kernels_.widen_bf16 : kernels_.widen_f16;
    widen(values_ + row * columns(), columns(), values);
  }

 private:
  void multiply_widened(Block range, const Activations& x, float* y) const {
    const auto widen = is_bf16_ ? kernels_.widen_bf16 : kernels_.widen_f16;
    multiply_many<many_tokens::Widened>(
        *this, range, x, y,
        [&](std::size_t row, std::size_t column, std::size_t count, float* to,
            std::size_t stride) noexcept {
          for (std::size_t r = row; r < rows_behind(row, range); ++r) {
            widen(values_ + r * columns() + column, count, to + (r - row) * stride);
          }
          ask_for(row + kernels::kTileRows, range, column, count);
        });
  }

  void multiply_pairs(Block range, const Activations& x, float* y) const {
    const auto pair = kernels::bf16_dot_kernels(active_isa())->pair;
    multiply_many<many_tokens::Paired>(
        *this, range, x, y,
        [&](std::size_t row, std::size_t column, std::size_t count, std::uint16_t* to,
            std::size_t stride) noexcept {
          for (std::size_t r = row; r < rows_behind(row, range); ++r) {
            pair(values_ + r * columns() + column, count, to + (r - row) * stride);
          }
          ask_for(row + kernels::kTileRows, range, column, count);
        });
  }

  // The next tile comes from memory while this one is multiplied.
  void ask_for(std::size_t row, Block range, std::size_t column, std::size_t count) const noexcept {
    constexpr std::size_t kLine = kLineBytes / sizeof(std::uint16_t);
    for (std::size_t r = row; r < rows_behind(row, range); ++r) {
      const std::uint16_t* at = values_ + r * columns() + column;
      for (std::size_t c = 0; c < count; c += kLine) __builtin_prefetch(at + c, 0, 2);
    }
  }

  const kernels::ProductKernels& kernels_ = kernels::product_kernels(active_isa());
  bool is_bf16_;
  const std::uint16_t* values_;
};

}  // namespace

std::unique_ptr<Matrix> dense_matrix(DenseType type, const void* values, std::size_t rows,
                                     std::size_t columns) {
  if (rows == 0 || columns == 0) invalid("matrix: expected rows and columns, found none");
  prefer_huge_pages(values, rows * columns * (type == DenseType::kF32 ? 4 : 2));
  if (type == DenseType::kF32) {
    return std::make_unique<F32Matrix>(static_cast<const float*>(values), rows, columns);
  }
  return std::make_unique<HalfMatrix>(type, static_cast<const std::uint16_t*>(values), rows,
                                      columns);
}

}  // namespace meadow
