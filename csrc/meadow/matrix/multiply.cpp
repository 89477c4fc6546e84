#include <algorithm>

#include "meadow/base/check.h"
#include "meadow/base/flush_denormals.h"
#include "meadow/matrix/input_codes.h"
#include "meadow/matrix/input_rows.h"
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

// With many tokens, the sums of a task fill a quarter of a second-level cache of 512 KiB.
constexpr std::size_t kTaskRows = 32;

std::size_t group_count(const Matrix& matrix) noexcept {
  return block_count(matrix.rows(), matrix.row_step());
}

// The groups to multiply: the chosen ones or all.
std::size_t chosen_count(const Product& product) noexcept {
  return product.groups ? product.groups->size() : group_count(*product.matrix);
}

std::size_t bytes_of_task(std::span<const Product> products, unsigned threads) {
  std::size_t bytes = 0;
  for (const Product& product : products) {
    const std::size_t groups = group_count(*product.matrix);
    const std::size_t chosen = chosen_count(product);
    bytes += chosen == groups ? product.matrix->bytes() : product.matrix->bytes() / groups * chosen;
  }
  return std::clamp(bytes / (kTasksPerThread * usable_threads(threads)), kLeastTaskBytes,
                    kMostTaskBytes);
}

std::size_t rows_of_task(const Matrix& matrix, std::size_t tokens, std::size_t task_bytes) {
  if (tokens >= kManyTokens) return kTaskRows;
  const std::size_t row_bytes = std::max<std::size_t>(1, matrix.bytes() / matrix.rows());
  return std::max<std::size_t>(1, task_bytes / row_bytes);
}

// The share of one task: groups of a matrix, or positions in the list of the chosen ones.
struct Share {
  const Product* product;
  Block groups;
};

std::vector<Share> shares_of(std::span<const Product> products, std::size_t tokens,
                             unsigned threads) {
  std::vector<Share> shares;
  const std::size_t task_bytes = bytes_of_task(products, threads);
  for (const Product& product : products) {
    const std::size_t size =
        block_count(rows_of_task(*product.matrix, tokens, task_bytes), product.matrix->row_step());
    const std::size_t groups = chosen_count(product);
    for (std::size_t n = 0; n < block_count(groups, size); ++n) {
      shares.push_back({&product, nth_block(n, groups, size)});
    }
  }
  return shares;
}

// Visits the rows of a share, those of neighbouring groups together.
template <typename Visit>
void for_each_run(const Share& share, const Visit& visit) {
  const Matrix& matrix = *share.product->matrix;
  const auto visit_groups = [&](std::size_t begin, std::size_t end) {
    visit(Block{begin * matrix.row_step(), std::min(end * matrix.row_step(), matrix.rows())});
  };
  if (!share.product->groups) return visit_groups(share.groups.begin, share.groups.end);
  const std::span<const std::uint32_t> chosen = *share.product->groups;
  for (std::size_t n = share.groups.begin; n < share.groups.end;) {
    const std::size_t begin = chosen[n];
    std::size_t end = begin;
    for (; n < share.groups.end && chosen[n] == end; ++n) ++end;
    visit_groups(begin, end);
  }
}

bool are_groups_of(const Matrix& matrix, std::span<const std::uint32_t> groups) noexcept {
  for (std::size_t n = 0; n + 1 < groups.size(); ++n) {
    if (groups[n] >= groups[n + 1]) return false;
  }
  return groups.empty() || groups.back() < group_count(matrix);
}

void check_product([[maybe_unused]] const Product& product) {
  MEADOW_DCHECK(product.matrix != nullptr);
  MEADOW_DCHECK(product.x != nullptr && product.y != nullptr);
  MEADOW_DCHECK(!product.groups || are_groups_of(*product.matrix, *product.groups));
}

}  // namespace

void multiply(std::span<const Product> products, std::size_t tokens, unsigned threads,
              InputRounding rounding) {
  if (tokens == 0) return;
  for (const Product& product : products) check_product(product);
  const Prepared<TokenCodes> codes(products, tokens, rounding, threads);
  const Prepared<TokenRows> rows(products, tokens, rounding, threads);
  const Prepared<TokenPairs> pairs(products, tokens, rounding, threads);
  const std::vector<Share> shares = shares_of(products, tokens, threads);
  parallel_for(shares.size(), threads, [&](std::size_t n) {
    const Product& product = *shares[n].product;
    const FlushDenormals flush(rounding == InputRounding::kBF16 &&
                               !product.matrix->holds_integers());
    Inputs x;
    x.count = tokens;
    x.columns = x.stride = product.matrix->columns();
    x.values = product.x;
    if (const auto* form = codes.of(product, tokens, rounding)) form->add_to(x);
    if (const auto* form = rows.of(product, tokens, rounding)) form->add_to(x);
    if (const auto* form = pairs.of(product, tokens, rounding)) form->add_to(x);
    for_each_run(shares[n], [&](Block run) { product.matrix->multiply_rows(run, x, product.y); });
  });
}

}  // namespace meadow
