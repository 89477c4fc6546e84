#include "meadow/matrix/matrix.h"

#include "meadow/base/check.h"

namespace meadow {
namespace {

constexpr std::size_t kCodeStep = 64;  // of Inputs::code_stride

bool is_within(Block range, std::size_t rows) noexcept {
  return range.begin <= range.end && range.end <= rows;
}

bool is_of_whole_groups(Block range, std::size_t step, std::size_t rows) noexcept {
  return range.begin % step == 0 && (range.end % step == 0 || range.end == rows);
}

void check_inputs([[maybe_unused]] const Matrix& matrix, [[maybe_unused]] const Inputs& x) {
  MEADOW_DCHECK(x.columns == matrix.columns());
  MEADOW_DCHECK(x.values == nullptr || x.stride >= x.columns);
  MEADOW_DCHECK(x.pairs == nullptr ||
                (matrix.takes_pairs() && x.pair_kernels != nullptr && x.pair_stride >= x.columns));
  MEADOW_DCHECK(!matrix.wants_codes() ||
                (x.codes != nullptr && x.scales != nullptr && x.block_sums != nullptr));
  MEADOW_DCHECK(x.codes == nullptr ||
                (x.code_stride % kCodeStep == 0 && x.code_stride >= x.columns));
  MEADOW_DCHECK(x.values != nullptr || x.pairs != nullptr || x.codes != nullptr);
}

}  // namespace

void Matrix::multiply_rows(Block range, const Inputs& x, float* y) const {
  MEADOW_DCHECK(is_within(range, rows()));
  MEADOW_DCHECK(is_of_whole_groups(range, row_step(), rows()));
  MEADOW_DCHECK(y != nullptr);
  check_inputs(*this, x);
  do_multiply_rows(range, x, y);
}

void Matrix::read_rows(Block range, float* values) const {
  MEADOW_DCHECK(is_within(range, rows()));
  MEADOW_DCHECK(values != nullptr);
  do_read_rows(range, values);
}

}  // namespace meadow
