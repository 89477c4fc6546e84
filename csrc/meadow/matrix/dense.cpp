#include <algorithm>
#include <cstdint>
#include <cstring>

#include "meadow/base/error.h"
#include "meadow/base/mapped_pages.h"
#include "meadow/kernels/isa.h"
#include "meadow/kernels/product/product.h"
#include "meadow/matrix/many_tokens.h"
#include "meadow/matrix/matrix.h"
#include "meadow/matrix/parts.h"

namespace meadow {
namespace {

constexpr std::string_view kF32 = "F32";
constexpr std::string_view kBF16 = "BF16";
constexpr std::string_view kF16 = "F16";

// The kernels that multiply and widen rows of a dtype.
template <typename Value>
struct DenseKernels {
  void (*multiply)(const kernels::DenseRows<Value>& rows, const kernels::Tokens& tokens) noexcept;
  void (*widen)(const Value* values, std::size_t count, float* widened) noexcept;
  // Converts to pairs, see kernels/bf16_dot; null for a dtype or a CPU without them.
  void (*pair)(const Value* row, std::size_t columns, std::uint16_t* pairs) noexcept;
};

template <typename Value>
class DenseMatrix final : public Matrix {
 public:
  DenseMatrix(std::string_view form, const DenseKernels<Value>& kernels, const Value* values,
              std::size_t rows, std::size_t columns)
      : Matrix(rows, columns), form_(form), kernels_(kernels), values_(values) {}

  [[nodiscard]] std::string_view form() const noexcept override { return form_; }
  [[nodiscard]] MatrixParts parts() const override {
    MatrixParts made{std::string(form_), rows(), columns(), {}, {}};
    made.add("values", std::span<const Value>(values_, rows() * columns()));
    return made;
  }

  [[nodiscard]] std::size_t bytes() const noexcept override {
    return rows() * columns() * sizeof(Value);
  }
  [[nodiscard]] bool takes_pairs() const noexcept override { return kernels_.pair != nullptr; }

  void do_multiply_rows(Block range, const Inputs& x, float* y) const override {
    if (x.pairs != nullptr) return multiply_tiles<many_tokens::Paired>(range, x, y, kernels_.pair);
    if (x.count >= kManyTokens) {
      return multiply_tiles<many_tokens::Widened>(range, x, y, kernels_.widen);
    }
    kernels_.multiply({at(range.begin, 0), columns(), range.end - range.begin, columns()},
                      {x.count, x.values, x.stride, y + range.begin, rows()});
  }
  void do_read_rows(Block range, float* values) const override {
    kernels_.widen(at(range.begin, 0), (range.end - range.begin) * columns(), values);
  }

 private:
  [[nodiscard]] const Value* at(std::size_t row, std::size_t column) const noexcept {
    return values_ + row * columns() + column;
  }

  // convert(values, count, to) brings a part of a row into the form.
  template <typename Form, typename Convert>
  void multiply_tiles(Block range, const Inputs& x, float* y, const Convert& convert) const {
    using Element = typename Form::Element;
    multiply_many<Form>(*this, range, x, y,
                        [&](std::size_t row, std::size_t column, std::size_t count, Element* to,
                            std::size_t stride) noexcept {
                          const Block tile = {row, std::min(row + kernels::kTileRows, range.end)};
                          for (std::size_t r = tile.begin; r < tile.end; ++r) {
                            convert(at(r, column), count, to + (r - row) * stride);
                          }
                          const Block next = {tile.end,
                                              std::min(tile.end + kernels::kTileRows, range.end)};
                          ask_for(next, column, count);
                        });
  }

  // Prefetches the next tile while this one is multiplied.
  void ask_for(Block tile, std::size_t column, std::size_t count) const noexcept {
    for (std::size_t r = tile.begin; r < tile.end; ++r) {
      for (std::size_t c = 0; c < count; c += kLineBytes / sizeof(Value)) {
        __builtin_prefetch(at(r, column + c), 0, 2);
      }
    }
  }

  std::string_view form_;
  DenseKernels<Value> kernels_;
  const Value* values_;
};

void copy(const float* values, std::size_t count, float* to) noexcept {
  std::memcpy(to, values, count * sizeof *to);
}

DenseKernels<std::uint16_t> half_kernels(DenseType type) {
  const auto& kernels = kernels::product_kernels(active_isa());
  if (type == DenseType::kF16) return {kernels.f16, kernels.widen_f16, nullptr};
  const kernels::Bf16DotKernels* pairs = kernels::bf16_dot_kernels(active_isa());
  return {kernels.bf16, kernels.widen_bf16, pairs == nullptr ? nullptr : pairs->pair};
}

}  // namespace

std::unique_ptr<Matrix> dense_matrix(DenseType type, const void* values, std::size_t rows,
                                     std::size_t columns) {
  if (rows == 0 || columns == 0) invalid("matrix: expected rows and columns, found none");
  prefer_huge_pages(values, rows * columns * (type == DenseType::kF32 ? 4 : 2));
  if (type == DenseType::kF32) {
    const DenseKernels<float> kernels = {kernels::product_kernels(active_isa()).f32, copy, nullptr};
    return std::make_unique<DenseMatrix<float>>(kF32, kernels, static_cast<const float*>(values),
                                                rows, columns);
  }
  return std::make_unique<DenseMatrix<std::uint16_t>>(
      type == DenseType::kF16 ? kF16 : kBF16, half_kernels(type),
      static_cast<const std::uint16_t*>(values), rows, columns);
}

std::unique_ptr<Matrix> dense_matrix_of(const MatrixParts& parts) {
  const auto [type, values] = dense_values_of(parts);
  return dense_matrix(type, values, parts.rows, parts.columns);
}

}  // namespace meadow
