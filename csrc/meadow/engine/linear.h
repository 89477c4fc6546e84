// A linear map: a matrix and a bias that is added to its products.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "meadow/matrix/matrix.h"

namespace meadow {

struct BlockPass;

class Linear {
 public:
  Linear() = default;  // none
  // `bias` has a value for each row, or none at all.
  Linear(std::shared_ptr<const Matrix> matrix, std::vector<float> bias)
      : matrix_(std::move(matrix)), bias_(std::move(bias)) {}

  explicit operator bool() const noexcept { return matrix_ != nullptr; }

  [[nodiscard]] const Matrix& matrix() const noexcept { return *matrix_; }
  [[nodiscard]] const std::vector<float>& bias() const noexcept { return bias_; }
  [[nodiscard]] std::size_t rows() const noexcept { return matrix_->rows(); }
  [[nodiscard]] std::size_t columns() const noexcept { return matrix_->columns(); }
  // The bytes that applying it to one token reads.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return matrix_->bytes() + bias_.size() * sizeof(float);
  }

 private:
  std::shared_ptr<const Matrix> matrix_;  // [out, in]
  std::vector<float> bias_;               // [out], or none
};

// A linear map applied to some tokens in two steps: multiply_all() writes the products of the
// matrix, and finish() completes them token by token, so that a caller may continue with a token
// while it is in the cache.
struct LinearProduct {
  const Linear* linear;
  const float* x;  // [tokens, linear->columns()]
  float* y;        // [tokens, linear->rows()]

  // Adds the bias, if there is one, to the y of one token; nothing else in the engine does so.
  // Returns that y, for callers that continue with it at once.
  // NOLINTNEXTLINE(modernize-use-nodiscard)
  float* finish(const BlockPass& pass, std::size_t token) const noexcept;
  // Finishes the first `tokens`, on this thread.
  void finish_all(const BlockPass& pass, std::size_t tokens) const noexcept;
};

// Computes the products of all matrices in parallel, with the inputs rounded as the model wants.
void multiply_all(const BlockPass& pass, std::span<const LinearProduct> products,
                  std::size_t tokens);

}  // namespace meadow
