#include "meadow/matrix/input_codes.h"

namespace meadow {
namespace {

constexpr std::size_t kStep = 64;  // of code_stride, see Inputs

}  // namespace

TokenCodes::TokenCodes(const float* x, std::size_t columns, std::size_t tokens,
                       InputRounding /*rounding*/)
    : x_(x),
      columns_(columns),
      stride_((columns + kStep - 1) / kStep * kStep),
      codes_(tokens * stride_),
      scales_(tokens),
      block_sums_(tokens * (stride_ / kernels::kBlockColumns)) {}

bool TokenCodes::wanted(const Matrix& matrix, std::size_t /*tokens*/,
                        InputRounding /*rounding*/) noexcept {
  return matrix.wants_codes();
}

void TokenCodes::prepare(std::size_t token) noexcept {
  const std::size_t blocks = stride_ / kernels::kBlockColumns;
  scales_[token] =
      kernels_.quantize(x_ + token * columns_, columns_, stride_, codes_.data() + token * stride_,
                        block_sums_.data() + token * blocks);
}

void TokenCodes::add_to(Inputs& x) const noexcept {
  x.codes = codes_.data();
  x.code_stride = stride_;
  x.scales = scales_.data();
  x.block_sums = block_sums_.data();
}

}  // namespace meadow
