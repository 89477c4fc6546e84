#include "meadow/matrix/input_rows.h"

#include <cstring>

#include "meadow/kernels/float_bits.h"
#include "meadow/kernels/isa.h"
#include "meadow/matrix/many_tokens.h"

namespace meadow {

TokenRows::TokenRows(const float* x, std::size_t columns, std::size_t tokens,
                     InputRounding rounding)
    : x_(x),
      columns_(columns),
      stride_(many_tokens::padded<float>(columns)),
      rounded_(rounding == InputRounding::kBF16),
      rows_(tokens * stride_) {}

bool TokenRows::wanted(const Matrix& matrix, std::size_t tokens, InputRounding rounding) noexcept {
  if (matrix.holds_integers() || TokenPairs::wanted(matrix, tokens, rounding)) return false;
  return tokens >= kManyTokens || rounding == InputRounding::kBF16;
}

void TokenRows::prepare(std::size_t token) noexcept {
  const float* from = x_ + token * columns_;
  float* to = rows_.data() + token * stride_;
  if (!rounded_) {
    std::memcpy(to, from, columns_ * sizeof *to);
    return;
  }
  for (std::size_t c = 0; c < columns_; ++c) {
    to[c] = kernels::float_of(kernels::rounded_to_bf16(kernels::bits_of(from[c])) & 0xFFFF0000);
  }
}

void TokenRows::add_to(Inputs& x) const noexcept {
  x.values = rows_.data();
  x.stride = stride_;
}

TokenPairs::TokenPairs(const float* x, std::size_t columns, std::size_t tokens,
                       InputRounding /*rounding*/)
    : kernels_(kernels::bf16_dot_kernels(active_isa())),
      x_(x),
      columns_(columns),
      stride_(many_tokens::padded<std::uint16_t>(columns)),
      pairs_(tokens * stride_) {}

bool TokenPairs::wanted(const Matrix& matrix, std::size_t tokens, InputRounding rounding) noexcept {
  return rounding == InputRounding::kBF16 && tokens >= kManyTokens && matrix.takes_pairs() &&
         kernels::bf16_dot_kernels(active_isa()) != nullptr;
}

void TokenPairs::prepare(std::size_t token) noexcept {
  kernels_->round(x_ + token * columns_, columns_, pairs_.data() + token * stride_);
}

void TokenPairs::add_to(Inputs& x) const noexcept {
  x.pairs = pairs_.data();
  x.pair_stride = stride_;
  x.pair_kernels = kernels_;
}

}  // namespace meadow
