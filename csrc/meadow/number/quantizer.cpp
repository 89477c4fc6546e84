#include "meadow/number/quantizer.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace meadow {
namespace {

using kernels::Quantizer;
using kernels::Range;

struct CodeRange {
  std::int32_t lowest;
  std::int32_t highest;

  explicit CodeRange(const QuantizeSpec& spec)
      : lowest(spec.symmetric ? 1 - (1 << (spec.bits - 1)) : 0),
        highest(spec.symmetric ? (1 << (spec.bits - 1)) - 1 : (1 << spec.bits) - 1) {}
};

float not_zero(double scale) noexcept {
  const auto rounded = static_cast<float>(scale);
  return rounded == 0.0F ? std::numeric_limits<float>::denorm_min() : rounded;
}

// The quantizer itself, or, near the end of the range of F32, one with a slightly smaller scale, so
// that no code times the scale is infinite.
Quantizer without_overflow(Quantizer quantizer) noexcept {
  const std::int32_t most =
      std::max(quantizer.zero - quantizer.lowest, quantizer.highest - quantizer.zero);
  const float limit = std::numeric_limits<float>::max() / static_cast<float>(most);
  quantizer.scale = std::min(quantizer.scale, std::nextafter(limit, 0.0F));
  return quantizer;
}

}  // namespace

Quantizer quantizer_for(const Range& range, const QuantizeSpec& spec) noexcept {
  const CodeRange codes(spec);
  if (range.low == 0.0F && range.high == 0.0F) return {1.0F, 0, codes.lowest, codes.highest};
  if (spec.symmetric) {
    const double magnitude = std::max(-range.low, range.high);
    return without_overflow({not_zero(magnitude / codes.highest), 0, codes.lowest, codes.highest});
  }
  const double low = range.low;
  const float scale = not_zero((range.high - low) / codes.highest);
  const double zero = std::nearbyint(-low / static_cast<double>(scale));
  const auto point = static_cast<std::int32_t>(std::clamp<double>(zero, 0, codes.highest));
  return without_overflow({scale, point, 0, codes.highest});
}

}  // namespace meadow
