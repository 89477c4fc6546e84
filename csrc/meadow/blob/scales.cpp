#include "meadow/blob/scales.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "meadow/base/cancellation.h"
#include "meadow/base/float_environment.h"
#include "meadow/blob/byte_counts.h"
#include "meadow/blob/tile.h"
#include "meadow/kernels/isa.h"
#include "meadow/stats/histogram.h"

namespace meadow {
namespace {

constexpr std::size_t kSampledRows = 256;  // whose squares give the scales of columns
constexpr std::size_t kSampledRuns = 16;   // of kRunLength columns, which give those of rows
constexpr std::size_t kRunLength = 16;
constexpr std::size_t kCountedValues = 1 << 16;  // in rows over the whole matrix
constexpr std::size_t kFewestRows = 4;

// Rows of upper halves as floats.
class Rows {
 public:
  Rows(const Layout& layout, std::span<const std::uint8_t> bytes, std::size_t columns)
      : layout_(layout),
        bytes_(bytes),
        columns_(columns),
        rows_(bytes.size() / layout.record_bytes / columns) {}

  [[nodiscard]] std::size_t count() const noexcept { return rows_; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }

  const std::uint16_t* upper(std::size_t row, std::size_t column, std::size_t count) {
    const std::size_t at = (row * columns_ + column) * layout_.record_bytes;
    return upper_halves(layout_, bytes_.subspan(at, count * layout_.record_bytes), scratch_);
  }

  // Squares; 0 for NaN and infinities, which have no scale.
  void squares(std::size_t row, std::size_t column, std::span<float> out) {
    const std::uint16_t* halves = upper(row, column, out.size());
    if (layout_.content == FloatType::kF16) {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = square_of_f16(halves[i]);
    } else {
      for (std::size_t i = 0; i < out.size(); ++i) out[i] = square_of_bf16(halves[i]);
    }
  }

 private:
  static float square_of_bf16(std::uint16_t bits) noexcept {
    const auto value = std::bit_cast<float>(std::uint32_t{bits} << 16);
    const float square = value * value;
    return square < 1e34F ? square : 0.0F;  // sums of sampled ones stay finite
  }
  // 2^112 takes an exponent of F16 to that of F32. Infinities and NaN become 65536 and more.
  static float square_of_f16(std::uint16_t bits) noexcept {
    const auto value = std::bit_cast<float>((bits & 0x7FFFU) << 13) * 0x1p112F;
    return value < 65536.0F ? value * value : 0.0F;
  }

  const Layout& layout_;
  std::span<const std::uint8_t> bytes_;
  std::size_t columns_;
  std::size_t rows_;
  RawVector<std::uint16_t> scratch_;
};

// Half the binary logarithm of a mean square; `otherwise` where there is none.
double log_scale(double squares, double otherwise) {
  return squares > 0.0 ? 0.5 * std::log2(squares) : otherwise;
}

// The sums of squares of sampled rows, by column.
std::vector<float> squares_by_column(Rows& rows) {
  std::vector<float> sums(rows.columns(), 0.0F);
  std::vector<float> squares(rows.columns());
  const std::size_t sampled = std::min(rows.count(), kSampledRows);
  for (std::size_t n = 0; n < sampled; ++n) {
    throw_if_cancelled();
    rows.squares(n * rows.count() / sampled, 0, squares);
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += squares[i];
  }
  return sums;
}

std::vector<double> log_scales_of_columns(Rows& rows) {
  const std::vector<float> sums = squares_by_column(rows);
  std::vector<double> scales(sums.begin(), sums.end());
  double total = 0.0;
  for (const double sum : scales) total += sum;
  const double middle = log_scale(total / static_cast<double>(scales.size()), 0.0);
  for (double& scale : scales) scale = log_scale(scale, middle) - middle;
  return scales;
}

// Of runs of columns over the whole row; a sum for each place in a run, so that none waits.
double weighted_squares(Rows& rows, std::size_t row, const std::vector<float>& weights) {
  const std::size_t run = std::min(kRunLength, rows.columns());
  const std::size_t runs = std::min(kSampledRuns, rows.columns() / run);
  std::array<float, kRunLength> squares{};
  std::array<float, kRunLength> sums{};
  for (std::size_t n = 0; n < runs; ++n) {
    const std::size_t first = n * (rows.columns() - run) / runs;
    rows.squares(row, first, std::span(squares).first(run));
    for (std::size_t i = 0; i < run; ++i) sums[i] += squares[i] * weights[first + i];
  }
  double total = 0.0;
  for (const float sum : sums) total += static_cast<double>(sum);
  return total;
}

// What is left of a row's scale when those of its columns are taken off.
std::vector<double> log_scales_of_rows(Rows& rows, const std::vector<double>& of_columns) {
  std::vector<double> scales(rows.count(), 0.0);
  std::vector<float> weights(of_columns.size());
  std::transform(of_columns.begin(), of_columns.end(), weights.begin(),
                 [](double scale) { return static_cast<float>(std::exp2(-2.0 * scale)); });
  for (std::size_t row = 0; row < rows.count(); ++row) {
    if (row % 4096 == 0) throw_if_cancelled();
    scales[row] = weighted_squares(rows, row, weights);
  }
  double total = 0.0;
  for (const double sum : scales) total += sum;
  const double middle = log_scale(total / static_cast<double>(scales.size()), 0.0);
  for (double& scale : scales) scale = log_scale(scale, middle) - middle;
  return scales;
}

std::vector<std::uint8_t> rounded(const std::vector<double>& scales) {
  std::vector<std::uint8_t> bases(scales.size());
  std::transform(scales.begin(), scales.end(), bases.begin(), [](double scale) {
    return static_cast<std::uint8_t>(static_cast<int>(std::lround(std::clamp(scale, -60.0, 60.0))));
  });
  return bases;
}

// Exponents alone, as far as a byte holds them, say what a base is worth.
Layout without_top(Layout layout) {
  if (layout.cut().escape < 256) layout.top = 0;
  return layout;
}

// How often each exponent, less the bases of its row and column, occurs in a sample of rows.
ByteCounts count_exponents(Rows& rows, const Layout& layout, const Bases& bases) {
  const Geometry geometry(layout, bases, rows.columns());
  const kernels::PlaneKernels& kernels = kernels::plane_kernels(active_isa());
  ByteCounts counts{};
  const std::size_t sampled =
      std::clamp<std::size_t>(kCountedValues / rows.columns(), 1, rows.count());
  Bytes exponents(sampled * rows.columns());
  for (std::size_t n = 0; n < sampled; ++n) {
    const std::size_t row = n * rows.count() / sampled;
    kernels.split(geometry.cut, rows.upper(row, 0, rows.columns()), rows.columns(),
                  geometry.column_bases.data(), geometry.row_base(row),
                  &exponents[n * rows.columns()], nullptr);
  }
  count_bytes(exponents, counts);
  return counts;
}

double entropy_of_bytes(const std::vector<std::uint8_t>& bytes) {
  ByteCounts counts{};
  count_bytes(bytes, counts);
  return entropy(std::span<const std::uint64_t>(counts)) * static_cast<double>(bytes.size());
}

// The start of the window of exponents with the most values, in the middle of the starts that do as
// well: what the sample has not shown lies on either side. 0 where symbols hold all exponents.
std::uint8_t best_base(const Layout& layout, const ByteCounts& counts) {
  const std::size_t window = layout.cut().escape >> layout.top;
  if (window << layout.top > 255) return 0;
  ByteCounts inside{};
  for (std::size_t start = 0; start < inside.size(); ++start) {
    for (std::size_t i = 0; i < window; ++i) inside[start] += counts[(start + i) % counts.size()];
  }
  const std::uint64_t most = *std::max_element(inside.begin(), inside.end());
  const auto is_best = [&](int start) { return inside[static_cast<std::uint8_t>(start)] == most; };
  int last = 0;
  while (!is_best(last)) ++last;
  int first = last;
  while (last < 255 && is_best(last + 1)) ++last;
  while (first > last - 255 && is_best(first - 1)) --first;
  // Starts below 0 are those from the end.
  return static_cast<std::uint8_t>((first + last + 512) / 2);
}

}  // namespace

Bases choose_bases(const Layout& layout, std::span<const std::uint8_t> bytes, std::size_t columns,
                   bool scaled) {
  const DefaultFloatEnvironment environment;
  Rows rows(layout, bytes, columns);
  std::vector<Bases> candidates{Bases{}};
  if (scaled && columns >= kFewestColumns && columns <= kTileSymbols &&
      rows.count() >= kFewestRows) {
    const std::vector<double> by_column = log_scales_of_columns(rows);
    candidates.push_back({0, {}, rounded(by_column)});
    candidates.push_back({0, rounded(log_scales_of_rows(rows, by_column)), rounded(by_column)});
  }
  const Layout plain = without_top(layout);
  const auto values = static_cast<double>(rows.count()) * static_cast<double>(columns);
  double least = 0.0;
  Bases best;
  for (std::size_t n = 0; n < candidates.size(); ++n) {
    Bases& bases = candidates[n];
    const ByteCounts counts = count_exponents(rows, plain, bases);
    const double bits = entropy(std::span<const std::uint64_t>(counts)) * values +
                        entropy_of_bytes(bases.rows) + entropy_of_bytes(bases.columns);
    if (n != 0 && bits >= least) continue;
    least = bits;
    bases.base = best_base(layout, counts);
    best = std::move(bases);
  }
  return best;
}

}  // namespace meadow
