#include "meadow/engine/linear.h"

#include "meadow/engine/block_pass.h"

namespace meadow {

float* LinearProduct::finish(const BlockPass& pass, std::size_t token) const noexcept {
  float* values = y + token * linear->rows();
  const std::vector<float>& bias = linear->bias();
  if (!bias.empty()) pass.kernels.add(values, bias.data(), bias.size());
  return values;
}

void LinearProduct::finish_all(const BlockPass& pass, std::size_t tokens) const noexcept {
  for (std::size_t token = 0; token < tokens; ++token) finish(pass, token);
}

void multiply_all(const BlockPass& pass, std::span<const LinearProduct> products,
                  std::size_t tokens) {
  std::vector<Product> of_matrices;
  of_matrices.reserve(products.size());
  for (const LinearProduct& product : products) {
    of_matrices.push_back({&product.linear->matrix(), product.x, product.y});
  }
  multiply(of_matrices, tokens, pass.threads, pass.config.input_rounding);
}

}  // namespace meadow
