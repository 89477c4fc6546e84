#include "meadow/matrix/input_major.h"

#include <algorithm>
#include <type_traits>

#include "meadow/base/check.h"
#include "meadow/base/error.h"
#include "meadow/base/flush_denormals.h"
#include "meadow/base/line_vector.h"
#include "meadow/base/mapped_pages.h"
#include "meadow/kernels/isa.h"
#include "meadow/kernels/product/product.h"
#include "meadow/kernels/vector/vector.h"
#include "meadow/matrix/input_rows.h"
#include "meadow/matrix/parts.h"

namespace meadow {
namespace {

using kernels::kLanes;

constexpr std::string_view kF32 = "F32 by input";
constexpr std::string_view kBF16 = "BF16 by input";
constexpr std::string_view kF16 = "F16 by input";

// Partial sums of a block of outputs: [tokens, kLanes, width].
class LaneSums {
 public:
  LaneSums(std::size_t tokens, std::size_t width) : width_(width), sums_(tokens * kLanes * width) {
    std::fill_n(sums_.data(), tokens * kLanes * width, 0.0F);
  }

  // Adds the contribution of input i: its weights times its value x[t * stride] for each token.
  void add(std::size_t input, const float* weights, std::size_t tokens, const float* x,
           std::size_t stride) noexcept {
    kernels_.add_weighted(
        {tokens, x, stride, sums_.data() + input % kLanes * width_, kLanes * width_},
        {weights, width_, 1, width_});
  }

  // The sums of a token, lanes added in the fixed order.
  const float* reduced(std::size_t token) noexcept {
    float* lanes = sums_.data() + token * kLanes * width_;
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
      kernels_.add(lanes, lanes + half * width_, half * width_);
    }
    return lanes;
  }

 private:
  const kernels::VectorKernels& kernels_ = kernels::vector_kernels(active_isa());
  std::size_t width_;
  LineVector<float> sums_;
};

using Widen = void (*)(const std::uint16_t* values, std::size_t count, float* widened) noexcept;

// The weights of one input as F32: in place if they are F32, otherwise in a buffer.
template <typename Value>
class InputReader {
 public:
  InputReader(Widen widen, std::size_t width)
      : widen_(widen), buffer_(std::is_same_v<Value, float> ? 0 : width) {}

  const float* read(const Value* values, std::size_t count) noexcept {
    if constexpr (std::is_same_v<Value, float>) {
      return values;
    } else {
      widen_(values, count, buffer_.data());
      return buffer_.data();
    }
  }

 private:
  Widen widen_;
  LineVector<float> buffer_;
};

template <typename Value>
class DenseInputMajorMatrix final : public InputMajorMatrix {
 public:
  DenseInputMajorMatrix(std::string_view form, Widen widen, const Value* values, std::size_t rows,
                        std::size_t columns)
      : InputMajorMatrix(rows, columns), form_(form), widen_(widen), values_(values) {}

  [[nodiscard]] std::string_view form() const noexcept override { return form_; }
  [[nodiscard]] MatrixParts parts() const override {
    MatrixParts made{std::string(form_), rows(), columns(), {}, {}};
    made.add("values", std::span<const Value>(values_, rows() * columns()));
    return made;
  }

  [[nodiscard]] std::size_t bytes() const noexcept override {
    return rows() * columns() * sizeof(Value);
  }
  // Outputs of whole cache lines.
  [[nodiscard]] std::size_t row_step() const noexcept override {
    return kLineBytes / sizeof(Value);
  }

 protected:
  void do_multiply_rows(Block range, const Inputs& x, float* y) const override {
    const std::size_t width = range.end - range.begin;
    LaneSums sums(x.count, width);
    InputReader<Value> reader(widen_, width);
    for (std::size_t i = 0; i < columns(); ++i) {
      sums.add(i, reader.read(at(i, range.begin), width), x.count, x.values + i, x.stride);
    }
    for (std::size_t t = 0; t < x.count; ++t) {
      std::copy_n(sums.reduced(t), width, y + t * rows() + range.begin);
    }
  }

  void do_read_rows(Block range, float* values) const override {
    const std::size_t width = range.end - range.begin;
    InputReader<Value> reader(widen_, width);
    for (std::size_t i = 0; i < columns(); ++i) {
      const float* weights = reader.read(at(i, range.begin), width);
      for (std::size_t r = 0; r < width; ++r) values[r * columns() + i] = weights[r];
    }
  }

  void do_add_rows(std::span<const std::uint32_t> inputs, const float* x, float* y,
                   unsigned threads, InputRounding rounding) const override {
    const bool rounded = rounding == InputRounding::kBF16;
    TokenRows form(x, columns(), 1, rounding);
    Inputs taken;
    taken.values = x;
    if (rounded) {
      form.prepare(0);
      form.add_to(taken);
    }
    LaneSums sums(1, rows());
    parallel_for(kLanes, threads, [&](std::size_t lane) {
      const FlushDenormals flush(rounded);
      InputReader<Value> reader(widen_, rows());
      for (const std::uint32_t i : inputs) {
        if (i % kLanes != lane) continue;
        sums.add(i, reader.read(at(i, 0), rows()), 1, taken.values + i, 0);
      }
    });
    const FlushDenormals flush(rounded);
    kernels::vector_kernels(active_isa()).add(y, sums.reduced(0), rows());
  }

 private:
  [[nodiscard]] const Value* at(std::size_t input, std::size_t row) const noexcept {
    return values_ + input * rows() + row;
  }

  std::string_view form_;
  Widen widen_;
  const Value* values_;
};

bool are_inputs(std::span<const std::uint32_t> inputs, std::size_t columns) noexcept {
  for (std::size_t n = 0; n + 1 < inputs.size(); ++n) {
    if (inputs[n] >= inputs[n + 1]) return false;
  }
  return inputs.empty() || inputs.back() < columns;
}

}  // namespace

void InputMajorMatrix::add_rows(std::span<const std::uint32_t> inputs, const float* x, float* y,
                                unsigned threads, InputRounding rounding) const {
  MEADOW_DCHECK(x != nullptr && y != nullptr);
  MEADOW_DCHECK(are_inputs(inputs, columns()));
  do_add_rows(inputs, x, y, threads, rounding);
}

std::unique_ptr<InputMajorMatrix> input_major_matrix(DenseType type, const void* values,
                                                     std::size_t rows, std::size_t columns) {
  if (rows == 0 || columns == 0) invalid("matrix: expected rows and columns, found none");
  prefer_huge_pages(values, rows * columns * (type == DenseType::kF32 ? 4 : 2));
  if (type == DenseType::kF32) {
    return std::make_unique<DenseInputMajorMatrix<float>>(
        kF32, nullptr, static_cast<const float*>(values), rows, columns);
  }
  const auto& kernels = kernels::product_kernels(active_isa());
  return std::make_unique<DenseInputMajorMatrix<std::uint16_t>>(
      type == DenseType::kF16 ? kF16 : kBF16,
      type == DenseType::kF16 ? kernels.widen_f16 : kernels.widen_bf16,
      static_cast<const std::uint16_t*>(values), rows, columns);
}

std::unique_ptr<Matrix> input_major_matrix_of(const MatrixParts& parts) {
  const auto [type, values] = dense_values_of(parts);
  return input_major_matrix(type, values, parts.rows, parts.columns);
}

}  // namespace meadow
