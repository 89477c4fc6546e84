#include "meadow/matrix/bf16_planes.h"

#include <algorithm>
#include <utility>

#include "meadow/base/error.h"
#include "meadow/base/mapped_pages.h"
#include "meadow/kernels/isa.h"
#include "meadow/matrix/many_tokens.h"
#include "meadow/matrix/parts.h"
#include "meadow/matrix/row_groups.h"
#include "meadow/number/content.h"

namespace meadow {
namespace {

class Bf16PlanesMatrix final : public Matrix {
 public:
  explicit Bf16PlanesMatrix(Bf16Planes planes)
      : Matrix(planes.rows, planes.columns),
        planes_(std::move(planes)),
        view_(planes_.view()),
        bytes_(planes_.bytes()) {}
  Bf16PlanesMatrix(const kernels::Bf16PlaneRows& view, std::size_t rows, std::size_t bytes)
      : Matrix(rows, view.columns), view_(view), bytes_(bytes) {
    const std::size_t units =
        block_count(rows, kernels::kGroupRows) * kernels::units_of(view.columns);
    prefer_huge_pages(view.codes, units * kernels::kUnitCodes);
    prefer_huge_pages(view.lower, units * kernels::kUnitLower);
  }

  [[nodiscard]] std::string_view form() const noexcept override { return "planes"; }
  [[nodiscard]] MatrixParts parts() const override {
    const std::size_t groups = block_count(rows(), kernels::kGroupRows);
    const std::size_t units = groups * kernels::units_of(columns());
    const std::size_t tables = block_count(groups, kernels::kTableGroups);
    return parts_of_planes(*this, view_, units * kernels::kUnitCodes, units * kernels::kUnitLower,
                           tables * kernels::kUpperBytes, groups);
  }
  [[nodiscard]] std::size_t bytes() const noexcept override { return bytes_; }
  [[nodiscard]] std::size_t row_step() const noexcept override { return kernels::kGroupRows; }

  [[nodiscard]] bool takes_pairs() const noexcept override { return true; }

  void do_multiply_rows(Block range, const Inputs& x, float* y) const override {
    if (x.pairs != nullptr) return multiply_pairs(range, x, y);
    multiply_row_groups(*this, kernels_, view_, range, x, y);
  }

  void do_read_rows(Block range, float* values) const override {
    read_row_groups(*this, kernels_, view_, range, values);
  }

 private:
  void multiply_pairs(Block range, const Inputs& x, float* y) const {
    const auto unpack = x.pair_kernels->unpack;
    multiply_many<many_tokens::Paired>(*this, range, x, y,
                                       [&](std::size_t row, std::size_t column, std::size_t count,
                                           std::uint16_t* to, std::size_t stride) noexcept {
                                         unpack(view_, row / kernels::kGroupRows,
                                                column / kernels::kUnitColumns,
                                                kernels::units_of(column + count), to, stride);
                                         clear_behind(count, to, stride);
                                       });
  }

  // Columns past the last may have any codes.
  static void clear_behind(std::size_t columns, std::uint16_t* pairs, std::size_t stride) noexcept {
    for (std::size_t c = columns; c % kernels::kPairColumns != 0; ++c) {
      const std::size_t at = kernels::place_in_pairs(c);
      for (std::size_t r = 0; r < kernels::kGroupRows; ++r) pairs[r * stride + at] = 0;
    }
  }

  const kernels::Bf16PlanesKernels& kernels_ = kernels::bf16_planes_kernels(active_isa());
  Bf16Planes planes_;  // empty if others own them
  kernels::Bf16PlaneRows view_;
  std::size_t bytes_;
};

FloatType float_type_of(DenseType type) noexcept {
  switch (type) {
    case DenseType::kF32:
      return FloatType::kF32;
    case DenseType::kF16:
      return FloatType::kF16;
    default:
      return FloatType::kBF16;
  }
}

}  // namespace

std::unique_ptr<Matrix> bf16_planes_matrix(Bf16Planes planes) {
  return std::make_unique<Bf16PlanesMatrix>(std::move(planes));
}

std::unique_ptr<Matrix> bf16_planes_matrix(const kernels::Bf16PlaneRows& planes, std::size_t rows,
                                           std::size_t bytes) {
  return std::make_unique<Bf16PlanesMatrix>(planes, rows, bytes);
}

std::unique_ptr<Matrix> bf16_planes_matrix(DenseType type, const void* values, std::size_t rows,
                                           std::size_t columns, unsigned threads) {
  const FloatType content = narrowest_type(values, rows * columns, float_type_of(type), threads);
  if (content != FloatType::kBF16) {
    invalid("values: expected numbers that BF16 holds exactly, found some that need " +
            std::string(name_of(content)));
  }
  return bf16_planes_matrix(
      encode_bf16_planes(rows, columns, bf16_rows(float_type_of(type), values, columns), threads));
}

std::unique_ptr<Matrix> bf16_planes_matrix_of(const MatrixParts& parts) {
  if (parts.columns > kMostPlaneColumns) {
    invalid("planes: expected at most " + std::to_string(kMostPlaneColumns) + " columns, found " +
            std::to_string(parts.columns));
  }
  PartReader reader(parts);
  const std::size_t groups = block_count(parts.rows, kernels::kGroupRows);
  const std::size_t units = groups * kernels::units_of(parts.columns);
  const std::size_t tables = block_count(groups, kernels::kTableGroups) * kernels::kUpperBytes;
  const auto codes = reader.take<std::uint8_t>("codes", units * kernels::kUnitCodes);
  const auto lower = reader.take<std::uint8_t>("lower", units * kernels::kUnitLower);
  const auto table = reader.take<std::uint8_t>("tables", tables);
  const auto escapes = reader.take<kernels::Escape>("escapes");
  const auto escaped = reader.take<std::uint32_t>("escaped", groups + 1);
  reader.finish();
  const kernels::Bf16PlaneRows planes = {codes.data(),   lower.data(),   table.data(),
                                         escapes.data(), escaped.data(), parts.columns};
  check_escapes(planes, parts.rows, escapes.size());
  return bf16_planes_matrix(
      planes, parts.rows,
      codes.size() + lower.size() + table.size() + escapes.size_bytes() + escaped.size_bytes());
}

}  // namespace meadow
