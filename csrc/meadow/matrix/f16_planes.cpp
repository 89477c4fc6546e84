#include "meadow/matrix/f16_planes.h"

#include <utility>

#include "meadow/base/mapped_pages.h"
#include "meadow/codec/f16_planes.h"
#include "meadow/kernels/isa.h"
#include "meadow/matrix/many_tokens.h"
#include "meadow/matrix/parts.h"
#include "meadow/matrix/row_groups.h"

namespace meadow {
namespace {

using kernels::kGroupRows;
using kernels::kUnitColumns;

// Parts of rows that are widened are whole strips.
static_assert(many_tokens::Widened::kColumns % (kernels::kStripUnits * kUnitColumns) == 0);

// The size of a weight's planes in bytes, and its number of strips.
struct Sizes {
  Sizes(std::size_t rows, std::size_t columns) {
    const std::size_t groups = block_count(rows, kGroupRows);
    const std::size_t units = groups * kernels::units_of(columns);
    codes = units * kernels::kF16UnitCodes;
    lower = units * kernels::kUnitLower;
    tables = block_count(groups, kernels::kTableGroups) * kernels::kF16UpperBytes;
    strips = groups * kernels::strips_of(columns);
  }

  std::size_t codes;
  std::size_t lower;
  std::size_t tables;
  std::size_t strips;
};

class F16PlanesMatrix final : public Matrix {
 public:
  explicit F16PlanesMatrix(F16Planes planes)
      : Matrix(planes.rows, planes.columns),
        planes_(std::move(planes)),
        view_(planes_.view()),
        bytes_(planes_.bytes()) {}
  // Refers to planes that others own.
  F16PlanesMatrix(const kernels::F16PlaneRows& view, std::size_t rows, std::size_t bytes)
      : Matrix(rows, view.columns), view_(view), bytes_(bytes) {
    const Sizes sizes(rows, view.columns);
    prefer_huge_pages(view.codes, sizes.codes);
    prefer_huge_pages(view.lower, sizes.lower);
  }

  [[nodiscard]] std::string_view form() const noexcept override { return "F16 planes"; }
  [[nodiscard]] MatrixParts parts() const override {
    const Sizes sizes(rows(), columns());
    return parts_of_planes(*this, view_, sizes.codes, sizes.lower, sizes.tables, sizes.strips);
  }
  [[nodiscard]] std::size_t bytes() const noexcept override { return bytes_; }
  [[nodiscard]] std::size_t row_step() const noexcept override { return kGroupRows; }

  void do_multiply_rows(Block range, const Inputs& x, float* y) const override {
    multiply_row_groups(*this, kernels_, view_, range, x, y);
  }

  void do_read_rows(Block range, float* values) const override {
    read_row_groups(*this, kernels_, view_, range, values);
  }

 private:
  const kernels::F16PlanesKernels& kernels_ = kernels::f16_planes_kernels(active_isa());
  F16Planes planes_;
  kernels::F16PlaneRows view_;
  std::size_t bytes_;
};

}  // namespace

std::unique_ptr<Matrix> f16_planes_matrix(const std::uint16_t* values, std::size_t rows,
                                          std::size_t columns, unsigned threads) {
  return std::make_unique<F16PlanesMatrix>(encode_f16_planes(rows, columns, values, threads));
}

std::unique_ptr<Matrix> f16_planes_matrix_of(const MatrixParts& parts) {
  PartReader reader(parts);
  const Sizes sizes(parts.rows, parts.columns);
  const auto codes = reader.take<std::uint8_t>("codes", sizes.codes);
  const auto lower = reader.take<std::uint8_t>("lower", sizes.lower);
  const auto tables = reader.take<std::uint8_t>("tables", sizes.tables);
  const auto escapes = reader.take<kernels::F16Escape>("escapes");
  const auto escaped = reader.take<std::uint32_t>("escaped", sizes.strips + 1);
  reader.finish();
  const kernels::F16PlaneRows planes = {codes.data(),   lower.data(),   tables.data(),
                                        escapes.data(), escaped.data(), parts.columns};
  check_escapes(planes, parts.rows, escapes.size());
  return std::make_unique<F16PlanesMatrix>(
      planes, parts.rows,
      codes.size() + lower.size() + tables.size() + escapes.size_bytes() + escaped.size_bytes());
}

}  // namespace meadow
