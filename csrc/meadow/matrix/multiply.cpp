#include <algorithm>

#include "meadow/base/error.h"
#include "meadow/base/raw_vector.h"
#include "meadow/kernels/integer/integer.h"
#include "meadow/kernels/isa.h"
#include "meadow/matrix/matrix.h"

namespace meadow {
namespace {

// A task's share: small enough to spread over threads, large enough to outweigh taking it.
constexpr std::size_t kTaskBytes = 1 << 17;

std::size_t rows_of_task(const Matrix& matrix) {
  const std::size_t row_bytes = std::max<std::size_t>(1, matrix.bytes() / matrix.rows());
  const std::size_t rows = std::max<std::size_t>(1, kTaskBytes / row_bytes);
  const std::size_t step = matrix.row_step();
  return (rows + step - 1) / step * step;
}

// The integers of one x, shared by the matrices that want them.
class Codes {
 public:
  Codes(const float* x, std::size_t columns, std::size_t tokens)
      : x_(x),
        columns_(columns),
        stride_((columns + kStep - 1) / kStep * kStep),
        codes_(tokens * stride_),
        scales_(tokens),
        sums_(tokens * (stride_ / kernels::kBlockColumns)) {}

  [[nodiscard]] bool is_of(const Product& product) const noexcept {
    return product.x == x_ && product.matrix->columns() == columns_;
  }

  void quantize(std::size_t token) noexcept {
    scales_[token] =
        kernels_.quantize(x_ + token * columns_, columns_, stride_, codes_.data() + token * stride_,
                          sums_.data() + token * (stride_ / kernels::kBlockColumns));
  }

  void add_to(Activations& x) const noexcept {
    x.codes = codes_.data();
    x.code_stride = stride_;
    x.scales = scales_.data();
    x.block_sums = sums_.data();
  }

 private:
  static constexpr std::size_t kStep = 64;

  const kernels::IntegerKernels& kernels_ = kernels::integer_kernels(active_isa());
  const float* x_;
  std::size_t columns_;
  std::size_t stride_;
  RawVector<std::int8_t> codes_;
  RawVector<float> scales_;
  RawVector<std::int32_t> sums_;
};

const Codes* codes_of(const std::vector<Codes>& codes, const Product& product) noexcept {
  const auto found = std::find_if(codes.begin(), codes.end(),
                                  [&](const Codes& one) { return one.is_of(product); });
  return found == codes.end() ? nullptr : &*found;
}

// A task for each token where they are many; one alone is not worth waking a thread.
std::vector<Codes> all_codes(std::span<const Product> products, std::size_t tokens,
                             unsigned threads) {
  std::vector<Codes> all;
  for (const Product& product : products) {
    if (!product.matrix->wants_codes() || codes_of(all, product) != nullptr) continue;
    Codes& codes = all.emplace_back(product.x, product.matrix->columns(), tokens);
    parallel_for(tokens, tokens < 8 ? 1 : threads, [&](std::size_t t) { codes.quantize(t); });
  }
  return all;
}

struct Share {
  const Product* product;
  const Codes* codes;  // null where none are wanted
  Block rows;
};

std::vector<Share> shares_of(std::span<const Product> products, const std::vector<Codes>& all) {
  std::vector<Share> shares;
  for (const Product& product : products) {
    const std::size_t size = rows_of_task(*product.matrix);
    const std::size_t rows = product.matrix->rows();
    const Codes* codes = product.matrix->wants_codes() ? codes_of(all, product) : nullptr;
    for (std::size_t n = 0; n < block_count(rows, size); ++n) {
      shares.push_back({&product, codes, nth_block(n, rows, size)});
    }
  }
  return shares;
}

}  // namespace

void multiply(std::span<const Product> products, std::size_t tokens, unsigned threads) {
  if (tokens == 0) return;
  const std::vector<Codes> codes = all_codes(products, tokens, threads);
  const std::vector<Share> shares = shares_of(products, codes);
  parallel_for(shares.size(), threads, [&](std::size_t n) {
    const auto& [product, integers, rows] = shares[n];
    const Matrix& matrix = *product->matrix;
    Activations x;
    x.count = tokens;
    x.columns = matrix.columns();
    x.values = product->x;
    if (integers != nullptr) integers->add_to(x);
    matrix.multiply_rows(rows, x, product->y);
  });
}

}  // namespace meadow
