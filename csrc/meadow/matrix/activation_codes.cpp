#include "meadow/matrix/activation_codes.h"

#include <algorithm>

#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

constexpr std::size_t kStep = 64;  // of code_stride, see Activations

// One token alone is not worth waking a thread.
constexpr std::size_t kTokensOfThreads = 8;

}  // namespace

TokenCodes::TokenCodes(const float* x, std::size_t columns, std::size_t tokens)
    : x_(x),
      columns_(columns),
      stride_((columns + kStep - 1) / kStep * kStep),
      codes_(tokens * stride_),
      scales_(tokens),
      block_sums_(tokens * (stride_ / kernels::kBlockColumns)) {}

bool TokenCodes::is_of(const Product& product) const noexcept {
  return product.x == x_ && product.matrix->columns() == columns_;
}

void TokenCodes::quantize(std::size_t token) noexcept {
  const std::size_t blocks = stride_ / kernels::kBlockColumns;
  scales_[token] =
      kernels_.quantize(x_ + token * columns_, columns_, stride_, codes_.data() + token * stride_,
                        block_sums_.data() + token * blocks);
}

void TokenCodes::add_to(Activations& x) const noexcept {
  x.codes = codes_.data();
  x.code_stride = stride_;
  x.scales = scales_.data();
  x.block_sums = block_sums_.data();
}

AllTokenCodes::AllTokenCodes(std::span<const Product> products, std::size_t tokens,
                             unsigned threads) {
  for (const Product& product : products) {
    if (!product.matrix->wants_codes() || of(product) != nullptr) continue;
    TokenCodes& codes = all_.emplace_back(product.x, product.matrix->columns(), tokens);
    parallel_for(tokens, tokens < kTokensOfThreads ? 1 : threads,
                 [&](std::size_t t) { codes.quantize(t); });
  }
}

const TokenCodes* AllTokenCodes::of(const Product& product) const noexcept {
  if (!product.matrix->wants_codes()) return nullptr;
  const auto found = std::find_if(all_.begin(), all_.end(),
                                  [&](const TokenCodes& codes) { return codes.is_of(product); });
  return found == all_.end() ? nullptr : &*found;
}

}  // namespace meadow
