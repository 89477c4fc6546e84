#include <algorithm>

#include "meadow/base/flush_denormals.h"
#include "meadow/matrix/activation_codes.h"
#include "meadow/matrix/activation_rows.h"
#include "meadow/matrix/many_tokens.h"
#include "meadow/matrix/matrix.h"
#include "meadow/matrix/prepared.h"

namespace meadow {
namespace {

// A task's share: small enough that all threads end together, large enough that the streams of a
// kernel get going and that taking it costs nothing.
constexpr std::size_t kLeastTaskBytes = 1 << 17;
constexpr std::size_t kMostTaskBytes = 1 << 20;
constexpr std::size_t kTasksPerThread = 8;

// With many tokens: the sums of a task fill a quarter of a second-level cache of 512 KiB.
constexpr std::size_t kTaskRows = 32;

std::size_t bytes_of_task(std::span<const Product> products, unsigned threads) {
  std::size_t bytes = 0;
  for (const Product& product : products) bytes += product.matrix->bytes();
  return std::clamp(bytes / (kTasksPerThread * usable_threads(threads)), kLeastTaskBytes,
                    kMostTaskBytes);
}

std::size_t rows_of_task(const Matrix& matrix, std::size_t tokens, std::size_t task_bytes) {
  if (tokens >= kManyTokens) return kTaskRows;
  const std::size_t row_bytes = std::max<std::size_t>(1, matrix.bytes() / matrix.rows());
  const std::size_t rows = std::max<std::size_t>(1, task_bytes / row_bytes);
  const std::size_t step = matrix.row_step();
  return (rows + step - 1) / step * step;
}

struct Share {
  const Product* product;
  Block rows;
};

std::vector<Share> shares_of(std::span<const Product> products, std::size_t tokens,
                             unsigned threads) {
  std::vector<Share> shares;
  const std::size_t task_bytes = bytes_of_task(products, threads);
  for (const Product& product : products) {
    const std::size_t size = rows_of_task(*product.matrix, tokens, task_bytes);
    const std::size_t rows = product.matrix->rows();
    for (std::size_t n = 0; n < block_count(rows, size); ++n) {
      shares.push_back({&product, nth_block(n, rows, size)});
    }
  }
  return shares;
}

}  // namespace

void multiply(std::span<const Product> products, std::size_t tokens, unsigned threads,
              ActivationType type) {
  if (tokens == 0) return;
  const Prepared<TokenCodes> codes(products, tokens, type, threads);
  const Prepared<TokenRows> rows(products, tokens, type, threads);
  const Prepared<TokenPairs> pairs(products, tokens, type, threads);
  const std::vector<Share> shares = shares_of(products, tokens, threads);
  parallel_for(shares.size(), threads, [&](std::size_t n) {
    const Product& product = *shares[n].product;
    const FlushDenormals flush(type == ActivationType::kBF16 && !product.matrix->holds_integers());
    Activations x;
    x.count = tokens;
    x.columns = x.stride = product.matrix->columns();
    x.values = product.x;
    if (const auto* form = codes.of(product, tokens, type)) form->add_to(x);
    if (const auto* form = rows.of(product, tokens, type)) form->add_to(x);
    if (const auto* form = pairs.of(product, tokens, type)) form->add_to(x);
    product.matrix->multiply_rows(shares[n].rows, x, product.y);
  });
}

}  // namespace meadow
