#include "meadow/matrix/packed_f16.h"

#include <utility>

#include "meadow/codec/f16_planes.h"
#include "meadow/kernels/isa.h"
#include "meadow/matrix/many_tokens.h"
#include "meadow/matrix/row_groups.h"

namespace meadow {
namespace {

using kernels::kGroupRows;
using kernels::kUnitColumns;

// Parts of rows that are widened are whole strips.
static_assert(many_tokens::Widened::kColumns % (kernels::kStripUnits * kUnitColumns) == 0);

class PackedF16Matrix final : public Matrix {
 public:
  explicit PackedF16Matrix(F16Planes planes)
      : Matrix(planes.rows, planes.columns), planes_(std::move(planes)), view_(planes_.view()) {}

  [[nodiscard]] std::size_t bytes() const noexcept override { return planes_.bytes(); }
  [[nodiscard]] std::size_t row_step() const noexcept override { return kGroupRows; }

  void do_multiply_rows(Block range, const Activations& x, float* y) const override {
    multiply_row_groups(*this, kernels_, view_, range, x, y);
  }

  void do_read_rows(Block range, float* values) const override {
    read_row_groups(*this, kernels_, view_, range, values);
  }

 private:
  const kernels::PackedF16Kernels& kernels_ = kernels::packed_f16_kernels(active_isa());
  F16Planes planes_;
  kernels::PackedF16Rows view_;
};

}  // namespace

std::unique_ptr<Matrix> packed_f16_matrix(const std::uint16_t* values, std::size_t rows,
                                          std::size_t columns, unsigned threads) {
  return std::make_unique<PackedF16Matrix>(encode_f16_planes(rows, columns, values, threads));
}

}  // namespace meadow
