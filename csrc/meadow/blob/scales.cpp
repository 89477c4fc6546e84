#include "meadow/blob/scales.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "meadow/base/float_environment.h"
#include "meadow/base/thread_pool.h"
#include "meadow/blob/byte_counts.h"
#include "meadow/blob/tile.h"
#include "meadow/kernels/float_cut/float_cut.h"
#include "meadow/kernels/isa.h"
#include "meadow/stats/histogram.h"

namespace meadow {
namespace {

constexpr std::size_t kSampledRows = 256;        // whose squares give the scales of columns
constexpr std::size_t kSampledColumns = 256;     // which give those of rows
constexpr std::size_t kCountedValues = 1 << 15;  // exponents, which show the gain of bases
constexpr std::size_t kCountedColumns = 128;     // of each row, so that there are many rows
constexpr std::size_t kFewestRows = 4;
constexpr std::size_t kBlocks = 8;  // of sampled rows, for up to as many threads
constexpr std::size_t kRowsOfBlock = 256;

// Reads rows of upper halves of floats.
class Rows {
 public:
  Rows(const Layout& layout, std::span<const std::uint8_t> bytes, std::size_t columns)
      : layout_(layout),
        bytes_(bytes),
        columns_(columns),
        rows_(bytes.size() / layout.record_bytes / columns) {}

  [[nodiscard]] std::size_t count() const noexcept { return rows_; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }

  // Where the next `count` sampled columns begin; different ones each time.
  [[nodiscard]] std::size_t first_sampled(std::size_t turn, std::size_t count) const noexcept {
    return turn * count % (columns_ - count + 1);
  }

  // Valid until this thread's next call.
  [[nodiscard]] const std::uint16_t* upper(std::size_t row, std::size_t column,
                                           std::size_t count) const {
    thread_local RawVector<std::uint16_t> scratch;
    const std::size_t at = (row * columns_ + column) * layout_.record_bytes;
    return upper_halves(layout_, bytes_.subspan(at, count * layout_.record_bytes), scratch);
  }

  // sums[i] += weights[i] * square, for the columns from `column` on.
  void add_squares(std::size_t row, std::size_t column, std::span<const float> weights,
                   std::span<float> sums) const {
    const kernels::FloatCutKernels& kernels = kernels::float_cut_kernels(active_isa());
    const auto add =
        layout_.content == FloatType::kF16 ? kernels.add_squares_f16 : kernels.add_squares_bf16;
    add(upper(row, column, sums.size()), sums.size(), weights.data(), sums.data());
  }

 private:
  const Layout& layout_;
  std::span<const std::uint8_t> bytes_;
  std::size_t columns_;
  std::size_t rows_;
};

// Half the binary logarithm of a mean square, or `otherwise` if it has none.
double log_scale(double squares, double otherwise) {
  return squares > 0.0 ? 0.5 * std::log2(squares) : otherwise;
}

// Sums of squares to logarithms of scales, less that of their mean.
void to_log_scales(std::vector<double>& sums) {
  double total = 0.0;
  for (const double sum : sums) total += sum;
  const double middle = log_scale(total / static_cast<double>(sums.size()), 0.0);
  for (double& sum : sums) sum = log_scale(sum, middle) - middle;
}

// Sums over sampled rows. Each block of rows has its own sums, so that they are the same for any
// number of threads.
std::vector<double> log_scales_of_columns(const Rows& rows, unsigned threads) {
  const std::size_t sampled = std::min(rows.count(), kSampledRows);
  const std::vector<float> weights(rows.columns(), 1.0F);
  std::vector<std::vector<float>> sums(kBlocks, std::vector<float>(rows.columns(), 0.0F));
  parallel_for(kBlocks, threads, [&](std::size_t block) {
    for (std::size_t n = block * sampled / kBlocks; n < (block + 1) * sampled / kBlocks; ++n) {
      rows.add_squares(n * rows.count() / sampled, 0, weights, sums[block]);
    }
  });
  std::vector<double> scales(rows.columns(), 0.0);
  for (const auto& of_block : sums) {
    for (std::size_t i = 0; i < scales.size(); ++i) scales[i] += static_cast<double>(of_block[i]);
  }
  to_log_scales(scales);
  return scales;
}

// Sums over some columns, different ones in each row.
double weighted_squares(const Rows& rows, std::size_t row, const std::vector<float>& weights) {
  std::array<float, kSampledColumns> squares{};
  const std::size_t count = std::min(kSampledColumns, rows.columns());
  const std::size_t first = rows.first_sampled(row, count);
  rows.add_squares(row, first, std::span(weights).subspan(first, count),
                   std::span(squares).first(count));
  // Adds halves until one element is left, so that no addition waits for the previous one.
  for (std::size_t half = squares.size() / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) squares[i] += squares[i + half];
  }
  return static_cast<double>(squares[0]);
}

// The scale of a row after the scales of its columns have been taken off.
std::vector<double> log_scales_of_rows(const Rows& rows, const std::vector<double>& of_columns,
                                       unsigned threads) {
  std::vector<double> scales(rows.count(), 0.0);
  std::vector<float> weights(of_columns.size());
  std::transform(of_columns.begin(), of_columns.end(), weights.begin(),
                 [](double scale) { return static_cast<float>(std::exp2(-2.0 * scale)); });
  parallel_for(block_count(rows.count(), kRowsOfBlock), threads, [&](std::size_t n) {
    const Block block = nth_block(n, rows.count(), kRowsOfBlock);
    for (std::size_t row = block.begin; row < block.end; ++row) {
      scales[row] = weighted_squares(rows, row, weights);
    }
  });
  to_log_scales(scales);
  return scales;
}

std::vector<std::uint8_t> rounded(const std::vector<double>& scales) {
  std::vector<std::uint8_t> bases(scales.size());
  std::transform(scales.begin(), scales.end(), bases.begin(), [](double scale) {
    return static_cast<std::uint8_t>(static_cast<int>(std::lround(std::clamp(scale, -60.0, 60.0))));
  });
  return bases;
}

// The gain of a base is judged by exponents alone, as far as a byte holds them.
Layout without_top(Layout layout) {
  if (layout.cut().escape < 256) layout.top = 0;
  return layout;
}

// How often each exponent, less the bases of its row and column, occurs in a sample of rows.
ByteCounts count_exponents(const Rows& rows, const Layout& layout, const Bases& bases) {
  const Geometry geometry(layout, bases, rows.columns());
  const kernels::FloatCutKernels& kernels = kernels::float_cut_kernels(active_isa());
  ByteCounts counts{};
  const std::size_t columns = std::min(rows.columns(), kCountedColumns);
  const std::size_t sampled = std::min(rows.count(), kCountedValues / columns);
  Bytes exponents(sampled * columns);
  for (std::size_t n = 0; n < sampled; ++n) {
    const std::size_t row = n * rows.count() / sampled;
    const std::size_t first = rows.first_sampled(n, columns);
    kernels.split(geometry.cut, rows.upper(row, first, columns), columns,
                  &geometry.column_bases[first], geometry.row_base(row), &exponents[n * columns],
                  nullptr);
  }
  count_bytes(exponents, counts);
  return counts;
}

double entropy_of_bytes(const std::vector<std::uint8_t>& bytes) {
  ByteCounts counts{};
  count_bytes(bytes, counts);
  return entropy(std::span<const std::uint64_t>(counts)) * static_cast<double>(bytes.size());
}

// The start of the window of exponents with the most values. Among equally good starts the middle
// one is taken, because values that the sample missed may lie on either side. 0 if symbols hold all
// exponents.
std::uint8_t best_base(const Layout& layout, const ByteCounts& counts) {
  const std::size_t window = layout.cut().escape >> layout.top;
  if (window << layout.top > 255) return 0;
  ByteCounts inside{};
  for (std::size_t i = 0; i < window; ++i) inside[0] += counts[i];
  for (std::size_t start = 1; start < inside.size(); ++start) {
    inside[start] =
        inside[start - 1] - counts[start - 1] + counts[(start - 1 + window) % counts.size()];
  }
  const std::uint64_t most = *std::max_element(inside.begin(), inside.end());
  const auto is_best = [&](int start) { return inside[static_cast<std::uint8_t>(start)] == most; };
  int last = 0;
  while (!is_best(last)) ++last;
  int first = last;
  while (last < 255 && is_best(last + 1)) ++last;
  while (first > last - 255 && is_best(first - 1)) --first;
  // Starts below 0 count from the end.
  return static_cast<std::uint8_t>((first + last + 512) / 2);
}

struct Candidate {
  Bases bases;
  ByteCounts counts{};  // of sampled exponents
  double bits = 0.0;    // estimated, of all values and bases
};

std::vector<Candidate> candidates_for(const Rows& rows, bool scaled, unsigned threads) {
  std::vector<Candidate> found(1);
  if (!scaled || rows.columns() < kFewestColumns || rows.columns() > kTileSymbols ||
      rows.count() < kFewestRows) {
    return found;
  }
  const std::vector<double> by_column = log_scales_of_columns(rows, threads);
  const std::vector<double> by_row = log_scales_of_rows(rows, by_column, threads);
  found.push_back({{0, {}, rounded(by_column)}});
  found.push_back({{0, rounded(by_row), rounded(by_column)}});
  return found;
}

}  // namespace

Bases choose_bases(const Layout& layout, std::span<const std::uint8_t> bytes, std::size_t columns,
                   bool scaled, unsigned threads) {
  const DefaultFloatEnvironment environment;
  const Rows rows(layout, bytes, columns);
  const Layout plain = without_top(layout);
  const auto values = static_cast<double>(rows.count()) * static_cast<double>(columns);
  std::vector<Candidate> candidates = candidates_for(rows, scaled, threads);
  parallel_for(candidates.size(), threads, [&](std::size_t n) {
    Candidate& own = candidates[n];
    own.counts = count_exponents(rows, plain, own.bases);
    own.bits = entropy(std::span<const std::uint64_t>(own.counts)) * values +
               entropy_of_bytes(own.bases.rows) + entropy_of_bytes(own.bases.columns);
  });
  Candidate& best = *std::min_element(candidates.begin(), candidates.end(),
                                      [](const auto& a, const auto& b) { return a.bits < b.bits; });
  best.bases.base = best_base(layout, best.counts);
  return std::move(best.bases);
}

}  // namespace meadow
