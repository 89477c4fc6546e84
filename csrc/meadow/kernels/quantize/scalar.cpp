// The specification of the family, one element at a time.
#include "meadow/kernels/float_bits.h"
#include "meadow/kernels/quantize/quantize.h"

namespace meadow::kernels {
namespace {

constexpr std::uint32_t kExponentOfF32 = 0x7F800000;

Range range(const float* weights, std::size_t count) noexcept {
  Range found{0.0F, 0.0F, true};
  for (std::size_t i = 0; i < count; ++i) {
    const float weight = weights[i];
    found.low = weight < found.low ? weight : found.low;
    found.high = weight > found.high ? weight : found.high;
    found.finite &= (bits_of(weight) & kExponentOfF32) != kExponentOfF32;
  }
  return found;
}

// Adding 1.5 * 2^23 leaves no bits below one, so the addition itself rounds half to even; exact
// for the magnitudes here, which are below 2^9.
float round_half_even(float value) noexcept {
  constexpr float kMagic = 12582912.0F;
  return (value + kMagic) - kMagic;
}

double sum_lanes(const double* lanes) noexcept {
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

SquareSums quantize(const float* weights, std::size_t count, const Quantizer& quantizer,
                    std::uint8_t* codes) noexcept {
  const auto low = static_cast<float>(quantizer.lowest - quantizer.zero);
  const auto high = static_cast<float>(quantizer.highest - quantizer.zero);
  double weight_lanes[8] = {};
  double error_lanes[8] = {};
  for (std::size_t i = 0; i < count; ++i) {
    const float weight = weights[i];
    float steps = weight / quantizer.scale;
    steps = steps > low ? steps : low;
    steps = steps < high ? steps : high;
    steps = round_half_even(steps);
    codes[i] = static_cast<std::uint8_t>(static_cast<std::int32_t>(steps) + quantizer.zero);
    const double error = static_cast<double>(weight) - static_cast<double>(steps * quantizer.scale);
    weight_lanes[i % 8] += static_cast<double>(weight) * static_cast<double>(weight);
    error_lanes[i % 8] += error * error;
  }
  return {sum_lanes(weight_lanes), sum_lanes(error_lanes)};
}

void widen_bf16(const std::uint16_t* bits, std::size_t count, float* weights) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    weights[i] = float_of(static_cast<std::uint32_t>(bits[i]) << 16);
  }
}

// F16: 1 sign, 5 exponent (bias 15), 10 mantissa bits. F32: 1, 8 (bias 127), 23.
float widen_one_f16(std::uint32_t half) noexcept {
  const std::uint32_t sign = (half & 0x8000) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1F;
  const std::uint32_t mantissa = half & 0x3FF;
  if (exponent == 0x1F) {
    const std::uint32_t quiet = mantissa != 0 ? 0x00400000U : 0U;
    return float_of(sign | kExponentOfF32 | quiet | (mantissa << 13));
  }
  if (exponent != 0) return float_of(sign | ((exponent + 112) << 23) | (mantissa << 13));
  // Denormal: mantissa * 2^-24, a product that is exact in F32.
  const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
  return float_of(sign | bits_of(magnitude));
}

void widen_f16(const std::uint16_t* bits, std::size_t count, float* weights) noexcept {
  for (std::size_t i = 0; i < count; ++i) weights[i] = widen_one_f16(bits[i]);
}

}  // namespace

const QuantizeKernels quantize_scalar = {range, quantize, widen_bf16, widen_f16};

}  // namespace meadow::kernels
