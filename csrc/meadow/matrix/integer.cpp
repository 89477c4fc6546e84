#include "meadow/matrix/integer.h"

#include <algorithm>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "meadow/base/error.h"
#include "meadow/base/mapped_pages.h"
#include "meadow/kernels/isa.h"
#include "meadow/matrix/parts.h"

namespace meadow {
namespace {

using kernels::kBlockColumns;
using kernels::kStripRows;

constexpr std::string_view kInt8 = "INT8";
constexpr std::string_view kInt8Planes = "INT8 planes";
constexpr std::string_view kQ8 = "Q8";
constexpr std::string_view kQ8Planes = "Q8 planes";

std::size_t strips_of(std::size_t rows) noexcept { return block_count(rows, kStripRows); }

// Values [rows, groups] in the layout of strips: [strips, groups, 16 rows], `blank` past the rows.
template <typename T>
std::vector<T> in_strips(const T* values, std::size_t rows, std::size_t groups, T blank) {
  std::vector<T> found(strips_of(rows) * groups * kStripRows, blank);
  for (std::size_t r = 0; r < rows; ++r) {
    T* strip = found.data() + r / kStripRows * groups * kStripRows + r % kStripRows;
    for (std::size_t g = 0; g < groups; ++g) strip[g * kStripRows] = values[r * groups + g];
  }
  return found;
}

// Values of its own, or of others.
template <typename T>
class Scales {
 public:
  Scales() = default;
  explicit Scales(std::vector<T> values) : owned_(std::move(values)), values_(owned_) {}
  explicit Scales(std::span<const T> values) : values_(values) {}
  Scales(Scales&&) noexcept = default;
  Scales& operator=(Scales&&) noexcept = default;
  Scales(const Scales&) = delete;
  Scales& operator=(const Scales&) = delete;
  ~Scales() = default;

  [[nodiscard]] std::span<const T> get() const noexcept { return values_; }
  [[nodiscard]] const T* data() const noexcept { return values_.data(); }
  [[nodiscard]] std::size_t size() const noexcept { return values_.size(); }
  [[nodiscard]] bool empty() const noexcept { return values_.empty(); }
  [[nodiscard]] T operator[](std::size_t n) const noexcept { return values_[n]; }

 private:
  std::vector<T> owned_;
  std::span<const T> values_;
};

// The scales in the order in which strips are multiplied.
class ScaleStore {
 public:
  explicit ScaleStore(const IntegerWeight& weight)
      : groups_(scales_of_row(weight)),
        per_row_(has_row_scales(weight, groups_)),
        given_(weight.per_scale) {
    if (per_row_) {
      outer_ = Scales(in_strips(weight.scales, weight.rows, 1, 1.0F));
    } else {
      outer_ =
          Scales(std::vector<float>(kStripRows, weight.per_scale == 0 ? weight.scales[0] : 1.0F));
    }
    if (weight.coded_scales != nullptr) {
      coded_ = Scales(in_strips<std::uint8_t>(weight.coded_scales, weight.rows, groups_, 0));
    } else if (groups_ != 1) {
      values_ = Scales(in_strips(weight.scales, weight.rows, groups_, 1.0F));
    }
    if (grouped()) per_scale_ = static_cast<std::uint32_t>(weight.per_scale / kBlockColumns);
  }

  // Refers to the parts `outer`, `scales` and `coded_scales`; a form has only those that it needs.
  ScaleStore(const IntegerWeight& shape, bool is_coded, PartReader& reader)
      : groups_(scales_of_row(shape)),
        per_row_(has_row_scales(shape, groups_)),
        given_(shape.per_scale) {
    const std::size_t strips = strips_of(shape.rows) * kStripRows;
    outer_ = Scales(reader.take<float>("outer", per_row_ ? strips : kStripRows));
    if (is_coded) {
      coded_ = Scales(reader.take<std::uint8_t>("coded_scales", strips * groups_));
    } else if (groups_ != 1) {
      values_ = Scales(reader.take<float>("scales", strips * groups_));
    }
    if (grouped()) per_scale_ = static_cast<std::uint32_t>(shape.per_scale / kBlockColumns);
  }

  void add_to(MatrixParts& parts) const {
    parts.add("outer", outer_.get());
    if (!values_.empty()) parts.add("scales", values_.get());
    if (!coded_.empty()) parts.add("coded_scales", coded_.get());
  }

  [[nodiscard]] bool is_coded() const noexcept { return !coded_.empty(); }
  // As in IntegerWeight.
  [[nodiscard]] std::size_t per_scale() const noexcept { return given_; }

  [[nodiscard]] kernels::StripScales strip(std::size_t n) const noexcept {
    const std::size_t at = n * groups_ * kStripRows;
    return {outer_.data() + (per_row_ ? n * kStripRows : 0),
            values_.empty() ? nullptr : values_.data() + at,
            coded_.empty() ? nullptr : coded_.data() + at, per_scale_};
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    return (outer_.size() + values_.size()) * sizeof(float) + coded_.size();
  }

  // The factor of a code.
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
  static bool has_row_scales(const IntegerWeight& weight, std::size_t groups) noexcept {
    return weight.per_scale != 0 && (weight.coded_scales != nullptr || groups == 1);
  }
  [[nodiscard]] bool grouped() const noexcept { return !values_.empty() || !coded_.empty(); }

  std::size_t groups_;
  bool per_row_;
  std::size_t given_;
  std::uint32_t per_scale_ = 0;
  Scales<float> outer_;
  Scales<float> values_;
  Scales<std::uint8_t> coded_;
};

class IntegerMatrix final : public Matrix {
 public:
  IntegerMatrix(IntegerPlanes planes, ScaleStore scales, PlaneWidths widths, InputForm input_form)
      : Matrix(planes.rows(), planes.columns()),
        planes_(std::move(planes)),
        scales_(std::move(scales)),
        widths_(widths),
        wants_codes_(input_form == InputForm::kInt8) {}

  [[nodiscard]] std::string_view form() const noexcept override {
    if (widths_ == PlaneWidths::kPacked) return scales_.is_coded() ? kQ8Planes : kInt8Planes;
    return scales_.is_coded() ? kQ8 : kInt8;
  }
  [[nodiscard]] MatrixParts parts() const override {
    const auto input_form = wants_codes_ ? InputForm::kInt8 : InputForm::kFloats;
    MatrixParts made{std::string(form()),
                     rows(),
                     columns(),
                     IntegerOptions{scales_.per_scale(), input_form},
                     {}};
    made.add("heads", planes_.heads());
    made.add("data", planes_.data());
    scales_.add_to(made);
    return made;
  }

  [[nodiscard]] std::size_t bytes() const noexcept override {
    return planes_.bytes() + scales_.bytes();
  }
  [[nodiscard]] bool holds_integers() const noexcept override { return true; }
  [[nodiscard]] bool wants_codes() const noexcept override { return wants_codes_; }
  [[nodiscard]] std::size_t row_step() const noexcept override { return kStripRows; }

  void do_multiply_rows(Block range, const Inputs& x, float* y) const override {
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
      for (; row < end; ++row, code += columns()) {
        float* to = values + (row - range.begin) * columns();
        for (std::size_t c = 0; c < columns(); ++c) {
          to[c] = static_cast<float>(code[c]) * scales_.scale(row, c);
        }
      }
    }
  }

 private:
  const kernels::IntegerKernels& kernels_ = kernels::integer_kernels(active_isa());
  IntegerPlanes planes_;
  ScaleStore scales_;
  PlaneWidths widths_;
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
                                       InputForm input_form, unsigned threads) {
  ScaleStore scales(weight);
  return std::make_unique<IntegerMatrix>(
      encode_integer_planes(weight.codes, weight.rows, weight.columns, widths, threads),
      std::move(scales), widths, input_form);
}

std::unique_ptr<Matrix> integer_matrix_of(const MatrixParts& parts) {
  if (!parts.integers) invalid(parts.form + ": expected per_scale and activations, found none");
  const bool is_coded = parts.form == kQ8 || parts.form == kQ8Planes;
  const bool is_packed = parts.form == kInt8Planes || parts.form == kQ8Planes;
  if (parts.integers->per_scale > kernels::kMostIntegerColumns) {
    invalid("per_scale: expected at most " + std::to_string(kernels::kMostIntegerColumns) +
            ", found " + std::to_string(parts.integers->per_scale));
  }
  const std::uint8_t coded = 0;  // only whether there are such scales
  const IntegerWeight shape = {nullptr,       parts.rows,
                               parts.columns, parts.integers->per_scale,
                               nullptr,       is_coded ? &coded : nullptr};
  PartReader reader(parts);
  const auto heads = reader.take<StripHead>("heads", strips_of(parts.rows));
  const auto data = reader.take<std::uint8_t>("data", std::nullopt, alignof(std::uint16_t));
  ScaleStore scales(shape, is_coded, reader);
  reader.finish();
  const auto widths = is_packed ? PlaneWidths::kPacked : PlaneWidths::kDense;
  IntegerPlanes planes(parts.rows, parts.columns, heads, data);
  check_integer_planes(planes, widths);
  prefer_huge_pages(data.data(), data.size());
  return std::make_unique<IntegerMatrix>(std::move(planes), std::move(scales), widths,
                                         parts.integers->input_form);
}

}  // namespace meadow
