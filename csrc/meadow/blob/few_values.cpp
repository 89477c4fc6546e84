#include "meadow/blob/few_values.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/blob/grid.h"
#include "meadow/blob/palette.h"
#include "meadow/blob/tile.h"

namespace meadow {
namespace {

constexpr std::size_t kSamples = 8;
constexpr std::size_t kGlance = 128;         // values of a first sample; fewer pay for no table
constexpr std::size_t kMostAtAGlance = 112;  // distinct ones; weights have about 120
constexpr std::size_t kFewestInGroup = 32;
constexpr double kBitsOfEntry = 0.7;  // of each bit of a palette's entry, roughly
constexpr double kWorthwhile = 0.8;   // of the bits of a coded float, to try a palette
constexpr std::size_t kGroupsAtOnce = 256;

struct Matrix {
  std::span<const std::uint8_t> bytes;
  unsigned value_bytes;
  std::size_t columns;  // of a vector, all of its values

  [[nodiscard]] std::size_t groups(std::size_t size) const noexcept {
    return bytes.size() / (size * value_bytes);
  }
  [[nodiscard]] std::span<const std::uint8_t> group(std::size_t n, std::size_t size) const {
    return bytes.subspan(n * size * value_bytes, size * value_bytes);
  }
};

// A row if a record holds it, or its largest part that does; then powers of two. Of rows that are
// shorter than any group, as many as a record holds.
std::vector<std::size_t> group_sizes(const Matrix& matrix) {
  const std::size_t most = kMostRecordBytes / matrix.value_bytes;
  const bool short_rows = matrix.columns < kFewestInGroup;
  const std::size_t unit = short_rows ? matrix.columns : 1;
  const std::size_t whole = short_rows ? matrix.groups(1) : matrix.columns;
  std::size_t largest = std::min(whole, most) / unit * unit;
  while (whole % largest != 0) largest -= unit;
  std::vector<std::size_t> sizes;
  if (largest >= kFewestInGroup) sizes.push_back(largest);
  for (std::size_t size = 1024; size >= kFewestInGroup; size /= 2) {
    if (size < largest && matrix.columns % size == 0) sizes.push_back(size);
  }
  return sizes;
}

bool may_be_few(const Matrix& matrix) {
  std::vector<std::uint32_t> palette;
  if (matrix.groups(kGlance) == 0) return false;
  const std::size_t glances = std::min<std::size_t>(4, matrix.groups(kGlance));
  for (std::size_t i = 0; i < glances; ++i) {
    const std::size_t n = i * matrix.groups(kGlance) / glances;
    palette_of(matrix.group(n, kGlance), matrix.value_bytes, palette);
    if (palette.size() <= kMostAtAGlance) return true;
  }
  return false;
}

std::vector<std::uint32_t> contents(const Layout& layout, std::span<const std::uint8_t> group) {
  std::vector<std::uint32_t> values(group.size() / layout_of(layout.stored).bytes);
  if (layout.content == FloatType::kF32) {
    std::memcpy(values.data(), group.data(), group.size());
    return values;
  }
  RawVector<std::uint16_t> scratch;
  Layout floats;
  floats.record_bytes = layout_of(layout.stored).bytes;
  floats.stored = layout.stored;
  floats.content = layout.content;
  const std::uint16_t* upper = upper_halves(floats, group, scratch);
  std::copy(upper, upper + values.size(), values.begin());
  return values;
}

// The scales of groups `0, step, 2 step, ...`; nothing if one has none.
std::optional<std::vector<float>> fit_all(const Matrix& matrix, const Layout& layout,
                                          std::size_t step, unsigned threads) {
  const std::size_t size = layout.planes[0].count;
  std::vector<float> scales(block_count(matrix.groups(size), step));
  std::atomic<bool> fits{true};
  parallel_for(block_count(scales.size(), kGroupsAtOnce), threads, [&](std::size_t n) {
    throw_if_cancelled();
    const Block block = nth_block(n, scales.size(), kGroupsAtOnce);
    for (std::size_t i = block.begin; i < block.end && fits.load(); ++i) {
      const auto scale = fit_grid(contents(layout, matrix.group(i * step, size)), layout.content);
      if (!scale) fits.store(false);
      scales[i] = scale.value_or(0.0F);
    }
  });
  if (!fits) return std::nullopt;
  return scales;
}

std::optional<FewValues> find_grid(const Matrix& matrix, const std::vector<std::size_t>& sizes,
                                   FloatType type, FloatType content, unsigned threads) {
  // A BF16 product stored as F16 is tried as F16: the same values, if the scale has few bits.
  const FloatType own = type == FloatType::kF16 ? type : content;
  for (const std::size_t size : sizes) {
    const Layout layout = grid_layout(type, own, static_cast<unsigned>(size));
    const std::size_t step = std::max<std::size_t>(1, matrix.groups(size) / kSamples);
    if (!fit_all(matrix, layout, step, 1)) continue;
    auto scales = fit_all(matrix, layout, 1, threads);
    if (scales) return FewValues{layout, std::move(*scales)};
  }
  return std::nullopt;
}

double palette_bits(const Matrix& matrix, std::size_t size) {
  std::vector<std::uint32_t> palette;
  const std::size_t step = std::max<std::size_t>(1, matrix.groups(size) / kSamples);
  std::size_t most = 1;
  for (std::size_t n = 0; n < matrix.groups(size); n += step) {
    palette_of(matrix.group(n, size), matrix.value_bytes, palette);
    most = std::max(most, palette.size());
  }
  if (most > kMostPaletteEntries) return 8.0 * matrix.value_bytes;
  const auto entries = static_cast<double>(most);
  return std::log2(entries) +
         kBitsOfEntry * 8 * matrix.value_bytes * entries / static_cast<double>(size);
}

std::optional<FewValues> find_palette(const Matrix& matrix, const std::vector<std::size_t>& sizes,
                                      unsigned threads) {
  double best = kWorthwhile * 8 * matrix.value_bytes;
  std::size_t size = 0;
  for (const std::size_t candidate : sizes) {
    const double bits = palette_bits(matrix, candidate);
    if (bits < best) {
      best = bits;
      size = candidate;
    }
  }
  if (size == 0) return std::nullopt;
  std::atomic<std::size_t> most{1};
  parallel_for(block_count(matrix.groups(size), kGroupsAtOnce), threads, [&](std::size_t n) {
    throw_if_cancelled();
    std::vector<std::uint32_t> palette;
    const Block block = nth_block(n, matrix.groups(size), kGroupsAtOnce);
    for (std::size_t i = block.begin; i < block.end; ++i) {
      palette_of(matrix.group(i, size), matrix.value_bytes, palette);
      std::size_t seen = most.load();
      while (seen < palette.size() && !most.compare_exchange_weak(seen, palette.size())) {
      }
    }
  });
  if (most > kMostPaletteEntries) return std::nullopt;
  return FewValues{palette_layout(matrix.value_bytes, static_cast<unsigned>(size),
                                  static_cast<unsigned>(most.load())),
                   {}};
}

}  // namespace

Layout grid_layout(FloatType stored, FloatType content, unsigned group) {
  Layout layout;
  layout.kind = LayoutKind::kGrid;
  layout.record_bytes = group * layout_of(stored).bytes;
  layout.stored = stored;
  layout.content = content;
  layout.planes.push_back({0, group, 8});
  for (unsigned n = 0; n < kScaleBytes; ++n) layout.planes.push_back({n, 1, 8});
  return layout;
}

Layout palette_layout(unsigned value_bytes, unsigned group, unsigned entries) {
  Layout layout;
  layout.kind = LayoutKind::kPalette;
  layout.record_bytes = group * value_bytes;
  layout.planes.push_back({0, group, 8});
  for (unsigned n = 0; n < value_bytes; ++n) layout.planes.push_back({n, entries, 8});
  return layout;
}

std::optional<FewValues> few_values_of(const TensorBytes& tensor, FloatType type, FloatType content,
                                       unsigned threads) {
  Matrix matrix{tensor.bytes, layout_of(type).bytes, static_cast<std::size_t>(tensor.columns)};
  const std::size_t count = matrix.groups(1);
  if (matrix.columns < 2 || count % matrix.columns != 0) matrix.columns = count;
  if (count < kFewestInGroup || !may_be_few(matrix)) return std::nullopt;
  const std::vector<std::size_t> sizes = group_sizes(matrix);
  auto grid = find_grid(matrix, sizes, type, content, threads);
  return grid ? std::move(grid) : find_palette(matrix, sizes, threads);
}

}  // namespace meadow
