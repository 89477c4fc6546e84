#include "meadow/blob/grid.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "meadow/blob/palette.h"

namespace meadow {
namespace {

constexpr std::uint32_t kSign32 = 0x80000000;
constexpr float kLeastScale = 0x1p-100F;
constexpr float kMostScale = 0x1p100F;

std::uint32_t sign_of(FloatType content) noexcept {
  return content == FloatType::kF32 ? kSign32 : 0x8000U;
}

// To the nearest, ties to even. All in integers: no mode of the processor changes a bit.
std::uint32_t bf16_of(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
}

std::uint32_t f16_of(float value) noexcept {
  constexpr std::uint32_t kInfinity = 0x7C00;
  constexpr std::uint32_t kLeastNormal = 113U << 23;  // 2^-14
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000U;
  const std::uint32_t size = bits & ~kSign32;
  if (size >= kLeastNormal) {
    const std::uint32_t moved = size - (112U << 23);
    return sign | std::min(kInfinity, (moved + 0xFFFU + ((moved >> 13) & 1U)) >> 13);
  }
  const std::uint32_t shift = 126 - (size >> 23);  // to units of 2^-24
  if (shift > 24) return sign;
  const std::uint32_t mantissa = (size & 0x7FFFFFU) | 0x800000U;
  const std::uint32_t half = 1U << (shift - 1);
  const std::uint32_t whole = mantissa >> shift;
  const std::uint32_t rest = mantissa & (2 * half - 1);
  return sign | (whole + (rest > half || (rest == half && (whole & 1U) != 0) ? 1U : 0U));
}

std::uint32_t bits_as(FloatType content, float value) noexcept {
  if (content == FloatType::kF32) return std::bit_cast<std::uint32_t>(value);
  return content == FloatType::kF16 ? f16_of(value) : bf16_of(value);
}

// Of a symbol that is not that of -0, whose product is a zero like any other.
float product(std::uint8_t symbol, float scale) noexcept {
  return static_cast<float>(int{symbol} - kZeroStep) * scale;
}

// A value without its sign, exactly.
double size_of(FloatType content, std::uint32_t bits) noexcept {
  if (content == FloatType::kBF16) bits <<= 16;
  if (content != FloatType::kF16) return double{std::bit_cast<float>(bits)};
  const std::uint32_t exponent = bits >> 10;
  const double mantissa = (bits & 0x3FFU) + (exponent == 0 ? 0.0 : 1024.0);
  return std::ldexp(mantissa, static_cast<int>(std::max(exponent, 1U)) - 25);
}

bool is_finite(FloatType content, std::uint32_t size) noexcept {
  if (content == FloatType::kF32) return size < 0x7F800000;
  return size < (content == FloatType::kF16 ? 0x7C00U : 0x7F80U);
}

// The numbers that are rounded to a value.
struct Interval {
  double low;
  double high;
};

Interval rounded_to(FloatType content, std::uint32_t size) noexcept {
  const double value = size_of(content, size);
  const double below = (value - size_of(content, size - 1)) / 2;
  const bool last = !is_finite(content, size + 1);
  const double above = last ? below : (size_of(content, size + 1) - value) / 2;
  // A product is rounded to F32 first, so it may have been this far outside.
  const double slack = content == FloatType::kF32 ? 0.0 : value * 0x1p-24;
  return {value - below - slack, value + above + slack};
}

// The scales of which the sizes, in ascending order, are multiples, if the smallest is `steps` of
// them; an interval without numbers if there are none.
Interval scales_for(std::span<const Interval> sizes, int steps) noexcept {
  Interval scale{sizes[0].low / steps, sizes[0].high / steps};
  for (const Interval& size : sizes.subspan(1)) {
    const double middle = (size.low + size.high) / (scale.low + scale.high);
    const double multiple = std::max(1.0, std::floor(middle + 0.5));
    scale.low = std::max(scale.low, size.low / multiple);
    scale.high = std::min(scale.high, size.high / multiple);
    if (scale.low > scale.high) break;
  }
  return scale;
}

bool is_grid(std::span<const std::uint32_t> sizes, FloatType content, float scale) noexcept {
  if (!is_grid_scale(scale)) return false;
  return std::all_of(sizes.begin(), sizes.end(), [&](std::uint32_t size) {
    return grid_value(content, grid_symbol(content, size, scale), scale) == size;
  });
}

// The scale inside the interval whose mantissa has the fewest bits, if the values are its
// multiples.
std::optional<float> shortest_scale(std::span<const std::uint32_t> sizes, FloatType content,
                                    const Interval& scales) noexcept {
  constexpr int kMantissaBits = 23;
  const int exponent = std::ilogb(scales.low);
  for (int bits = 0; bits <= kMantissaBits; ++bits) {
    const double unit = std::ldexp(1.0, exponent - bits);
    const double first = std::ceil(scales.low / unit) * unit;
    for (const double scale : {first, first + unit}) {  // the first may be a tie
      const auto found = static_cast<float>(scale);
      if (scale <= scales.high && is_grid(sizes, content, found)) return found;
    }
  }
  return std::nullopt;
}

// By a table of the symbols that occur, because rounding to F16 takes branches.
void merge_f16(std::span<const std::uint8_t> symbols, float scale, std::uint16_t* out) noexcept {
  std::array<std::uint16_t, 256> table{};
  table[kNegativeZero] = static_cast<std::uint16_t>(sign_of(FloatType::kF16));
  std::uint8_t least = 255;
  std::uint8_t most = 1;
  for (const std::uint8_t symbol : symbols) {
    least = std::min(least, symbol == kNegativeZero ? std::uint8_t{255} : symbol);
    most = std::max(most, symbol);
  }
  for (unsigned symbol = least; symbol <= most; ++symbol) {
    const auto own = static_cast<std::uint8_t>(symbol);
    table[symbol] = static_cast<std::uint16_t>(grid_value(FloatType::kF16, own, scale));
  }
  for (std::size_t i = 0; i < symbols.size(); ++i) out[i] = table[symbols[i]];
}

}  // namespace

bool is_grid_scale(float scale) noexcept {
  return std::bit_cast<std::uint32_t>(scale) == 0 || (scale >= kLeastScale && scale <= kMostScale);
}

std::uint32_t grid_value(FloatType content, std::uint8_t symbol, float scale) noexcept {
  if (symbol == kNegativeZero) return sign_of(content);
  return bits_as(content, product(symbol, scale));
}

std::uint8_t grid_symbol(FloatType content, std::uint32_t bits, float scale) noexcept {
  const std::uint32_t sign = sign_of(content);
  const std::uint32_t size = bits & ~sign;
  if (size == 0) return bits == 0 ? std::uint8_t{kZeroStep} : kNegativeZero;
  const double steps = std::floor(size_of(content, size) / double{scale} + 0.5);
  const int found = static_cast<int>(std::min(steps, double{kMostSteps}));
  return static_cast<std::uint8_t>(kZeroStep + ((bits & sign) != 0 ? -found : found));
}

std::optional<float> fit_grid(std::span<const std::uint32_t> values, FloatType content) {
  std::vector<std::uint32_t> sizes;
  for (const std::uint32_t value : values) {
    const std::uint32_t size = value & ~sign_of(content);
    if (!is_finite(content, size)) return std::nullopt;
    if (size != 0) insert_value(sizes, size);
    if (sizes.size() > static_cast<std::size_t>(kMostSteps)) return std::nullopt;
  }
  if (sizes.empty()) return 0.0F;
  std::vector<Interval> intervals;
  intervals.reserve(sizes.size());
  for (const std::uint32_t size : sizes) intervals.push_back(rounded_to(content, size));
  for (int steps = 1; steps <= kMostSteps; ++steps) {
    const Interval scales = scales_for(intervals, steps);
    if (intervals.back().low > scales.high * kMostSteps) break;
    if (scales.low > scales.high) continue;
    if (const auto scale = shortest_scale(sizes, content, scales)) return scale;
  }
  return std::nullopt;
}

void merge_grid(FloatType content, std::span<const std::uint8_t> symbols, float scale,
                std::uint16_t* out) noexcept {
  if (content == FloatType::kF16) return merge_f16(symbols, scale, out);
  for (std::size_t i = 0; i < symbols.size(); ++i) {  // without branches
    const std::uint32_t value = bf16_of(product(symbols[i], scale));
    out[i] = static_cast<std::uint16_t>(symbols[i] == kNegativeZero ? 0x8000U : value);
  }
}

void merge_grid_f32(std::span<const std::uint8_t> symbols, float scale,
                    std::uint32_t* out) noexcept {
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    out[i] = symbols[i] == kNegativeZero ? kSign32
                                         : std::bit_cast<std::uint32_t>(product(symbols[i], scale));
  }
}

}  // namespace meadow
