#include <cstdint>
#include <cstring>

#include "meadow/base/error.h"
#include "meadow/kernels/convert/convert.h"
#include "meadow/kernels/isa.h"
#include "meadow/kernels/product/product.h"
#include "meadow/matrix/matrix.h"

namespace meadow {
namespace {

kernels::Tokens tokens_of(const Activations& x, float* y, std::size_t rows) noexcept {
  return {x.count, x.values, x.columns, y, rows};
}

class F32Matrix final : public Matrix {
 public:
  F32Matrix(const float* values, std::size_t rows, std::size_t columns)
      : Matrix(rows, columns), values_(values) {}

  [[nodiscard]] std::size_t bytes() const noexcept override {
    return rows() * columns() * sizeof(float);
  }
  void multiply_rows(Block range, const Activations& x, float* y) const noexcept override {
    kernels_.f32({values_ + range.begin * columns(), columns(), range.end - range.begin, columns()},
                 tokens_of(x, y + range.begin, rows()));
  }
  void read_row(std::size_t row, float* values) const noexcept override {
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
  void multiply_rows(Block range, const Activations& x, float* y) const noexcept override {
    const auto multiply = is_bf16_ ? kernels_.bf16 : kernels_.f16;
    multiply({values_ + range.begin * columns(), columns(), range.end - range.begin, columns()},
             tokens_of(x, y + range.begin, rows()));
  }
  void read_row(std::size_t row, float* values) const noexcept override {
    const std::uint16_t* from = values_ + row * columns();
    auto* bits = reinterpret_cast<std::uint32_t*>(values);
    if (!is_bf16_) return convert_.f32_of_f16(from, columns(), bits);
    for (std::size_t c = 0; c < columns(); ++c) bits[c] = std::uint32_t{from[c]} << 16;
  }

 private:
  const kernels::ProductKernels& kernels_ = kernels::product_kernels(active_isa());
  const kernels::ConvertKernels& convert_ = kernels::convert_kernels(active_isa());
  bool is_bf16_;
  const std::uint16_t* values_;
};

}  // namespace

std::unique_ptr<Matrix> dense_matrix(DenseType type, const void* values, std::size_t rows,
                                     std::size_t columns) {
  if (rows == 0 || columns == 0) invalid("matrix: expected rows and columns, found none");
  if (type == DenseType::kF32) {
    return std::make_unique<F32Matrix>(static_cast<const float*>(values), rows, columns);
  }
  return std::make_unique<HalfMatrix>(type, static_cast<const std::uint16_t*>(values), rows,
                                      columns);
}

}  // namespace meadow
