#include "meadow/matrix/integer.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "meadow/base/error.h"
#include "meadow/kernels/isa.h"

namespace meadow {
namespace {

using kernels::kBlockColumns;
using kernels::kStripRows;

std::size_t strips_of(std::size_t rows) noexcept { return block_count(rows, kStripRows); }

// Values [rows, groups] as strips have them: [strips, groups, 16 rows], `blank` behind the rows.
template <typename T>
std::vector<T> in_strips(const T* values, std::size_t rows, std::size_t groups, T blank) {
  std::vector<T> found(strips_of(rows) * groups * kStripRows, blank);
  for (std::size_t r = 0; r < rows; ++r) {
    T* strip = found.data() + r / kStripRows * groups * kStripRows + r % kStripRows;
    for (std::size_t g = 0; g < groups; ++g) strip[g * kStripRows] = values[r * groups + g];
  }
  return found;
}

// The scales in the order in which strips are multiplied.
class ScaleStore {
 public:
  explicit ScaleStore(const IntegerWeight& weight)
      : groups_(scales_of_row(weight)), per_row_(weight.per_scale != 0) {
    if (weight.per_scale == 0) {
      outer_.assign(kStripRows, weight.scales[0]);
    } else if (weight.coded_scales != nullptr) {
      outer_ = in_strips(weight.scales, weight.rows, 1, 1.0F);
      coded_ = in_strips<std::uint8_t>(weight.coded_scales, weight.rows, groups_, 0);
    } else if (groups_ == 1) {
      outer_ = in_strips(weight.scales, weight.rows, 1, 1.0F);
    } else {
      outer_.assign(kStripRows, 1.0F);
      per_row_ = false;
      values_ = in_strips(weight.scales, weight.rows, groups_, 1.0F);
    }
    if (grouped()) per_scale_ = static_cast<std::uint32_t>(weight.per_scale / kBlockColumns);
  }

  [[nodiscard]] kernels::StripScales strip(std::size_t n) const noexcept {
    const std::size_t at = n * groups_ * kStripRows;
    return {outer_.data() + (per_row_ ? n * kStripRows : 0),
            values_.empty() ? nullptr : values_.data() + at,
            coded_.empty() ? nullptr : coded_.data() + at, per_scale_};
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    return (outer_.size() + values_.size()) * sizeof(float) + coded_.size();
  }

  // What a code is multiplied with.
  [[nodiscard]] float scale(std::size_t row, std::size_t column) const noexcept {
    const std::size_t strip = row / kStripRows;
    const std::size_t r = row % kStripRows;
    const float outer = outer_[(per_row_ ? strip * kStripRows : 0) + r];
    if (!grouped()) return outer;
    const std::size_t group = column / kBlockColumns / per_scale_;
    const std::size_t n = (strip * groups_ + group) * kStripRows + r;
    return values_.empty() ? static_cast<float>(coded_[n]) * outer : values_[n];
  }

 private:
  [[nodiscard]] bool grouped() const noexcept { return !values_.empty() || !coded_.empty(); }

  std::size_t groups_;
  bool per_row_;
  std::uint32_t per_scale_ = 0;
  std::vector<float> outer_;
  std::vector<float> values_;
  std::vector<std::uint8_t> coded_;
};

class IntegerMatrix final : public Matrix {
 public:
  IntegerMatrix(IntegerPlanes planes, ScaleStore scales, ActivationForm activations)
      : Matrix(planes.rows(), planes.columns()),
        planes_(std::move(planes)),
        scales_(std::move(scales)),
        wants_codes_(activations == ActivationForm::kInt8) {}

  [[nodiscard]] std::size_t bytes() const noexcept override {
    return planes_.bytes() + scales_.bytes();
  }
  [[nodiscard]] bool holds_integers() const noexcept override { return true; }
  [[nodiscard]] bool wants_codes() const noexcept override { return wants_codes_; }
  [[nodiscard]] std::size_t row_step() const noexcept override { return kStripRows; }

  void do_multiply_rows(Block range, const Activations& x, float* y) const override {
    for (std::size_t row = range.begin; row < range.end; row += kStripRows) {
      const std::size_t n = row / kStripRows;
      const std::size_t size = std::min(kStripRows, range.end - row);
      if (wants_codes_) {
        kernels_.multiply_codes(
            planes_.strip(n), scales_.strip(n), size,
            {x.count, x.codes, x.code_stride, x.scales, x.block_sums, y + row, rows()});
      } else {
        kernels_.multiply_values(planes_.strip(n), scales_.strip(n), size,
                                 {x.count, x.values, x.stride, y + row, rows()});
      }
    }
  }

  void do_read_rows(Block range, float* values) const override {
    std::vector<std::int8_t> codes(kStripRows * columns());
    for (std::size_t row = range.begin; row < range.end;) {
      const std::size_t end = std::min(range.end, (row / kStripRows + 1) * kStripRows);
      decode_integer_rows(planes_, {row, end}, codes.data());
      const std::int8_t* code = codes.data();
      float* to = values + (row - range.begin) * columns();
      for (; row < end; ++row) {
        for (std::size_t c = 0; c < columns(); ++c) {
          *to++ = static_cast<float>(*code++) * scales_.scale(row, c);
        }
      }
    }
  }

 private:
  const kernels::IntegerKernels& kernels_ = kernels::integer_kernels(active_isa());
  IntegerPlanes planes_;
  ScaleStore scales_;
  bool wants_codes_;
};

}  // namespace

std::size_t scales_of_row(const IntegerWeight& weight) {
  const bool is_coded = weight.coded_scales != nullptr;
  if (weight.per_scale == 0 && !is_coded) return 1;
  const bool is_row = weight.per_scale >= weight.columns && !is_coded;
  if (weight.per_scale == 0 || (!is_row && weight.per_scale % kBlockColumns != 0)) {
    invalid("per_scale: expected " + std::string(is_coded ? "" : "0, all columns or ") +
            "a multiple of " + std::to_string(kBlockColumns) + ", found " +
            std::to_string(weight.per_scale));
  }
  return block_count(weight.columns, weight.per_scale);
}

std::unique_ptr<Matrix> integer_matrix(const IntegerWeight& weight, PlaneWidths widths,
                                       ActivationForm activations, unsigned threads) {
  ScaleStore scales(weight);
  return std::make_unique<IntegerMatrix>(
      encode_integer_planes(weight.codes, weight.rows, weight.columns, widths, threads),
      std::move(scales), activations);
}

}  // namespace meadow
