// NEON as every AArch64 has it.
#include <arm_neon.h>

#include "meadow/kernels/quantize/quantize.h"

namespace meadow::kernels {
namespace {

// The whole vectors are done here, the last count % 8 elements by the specification.
constexpr std::size_t kLanes = 8;

std::size_t whole(std::size_t count) noexcept { return count - count % kLanes; }

// Compares and selects, because vminq_f32 and vmaxq_f32 return NaN if one operand is NaN.
float32x4_t lesser(float32x4_t value_f32x4, float32x4_t otherwise_f32x4) noexcept {
  return vbslq_f32(vcltq_f32(value_f32x4, otherwise_f32x4), value_f32x4, otherwise_f32x4);
}

float32x4_t greater(float32x4_t value_f32x4, float32x4_t otherwise_f32x4) noexcept {
  return vbslq_f32(vcgtq_f32(value_f32x4, otherwise_f32x4), value_f32x4, otherwise_f32x4);
}

Range range(const float* weights, std::size_t count) noexcept {
  const uint32x4_t exponent_u32x4 = vdupq_n_u32(0x7F800000);
  float32x4_t low_f32x4 = vdupq_n_f32(0.0F);
  float32x4_t high_f32x4 = vdupq_n_f32(0.0F);
  uint32x4_t bad_u32x4 = vdupq_n_u32(0);
  for (std::size_t i = 0; i < whole(count); i += 4) {
    const float32x4_t weights_f32x4 = vld1q_f32(weights + i);
    low_f32x4 = lesser(weights_f32x4, low_f32x4);
    high_f32x4 = greater(weights_f32x4, high_f32x4);
    const uint32x4_t fields_u32x4 = vandq_u32(vreinterpretq_u32_f32(weights_f32x4), exponent_u32x4);
    bad_u32x4 = vorrq_u32(bad_u32x4, vceqq_u32(fields_u32x4, exponent_u32x4));
  }
  const Range tail = quantize_scalar.range(weights + whole(count), count % kLanes);
  const float low = vminvq_f32(low_f32x4);
  const float high = vmaxvq_f32(high_f32x4);
  return {tail.low < low ? tail.low : low, tail.high > high ? tail.high : high,
          tail.finite && vmaxvq_u32(bad_u32x4) == 0};
}

float64x2_t add_square(float64x2_t lanes_f64x2, float64x2_t values_f64x2) noexcept {
  return vaddq_f64(lanes_f64x2, vmulq_f64(values_f64x2, values_f64x2));
}

// Four of the eight double lanes: those of the even or of the odd groups of four elements.
struct Lanes {
  float64x2_t weights_f64x2[2] = {vdupq_n_f64(0.0), vdupq_n_f64(0.0)};
  float64x2_t errors_f64x2[2] = {vdupq_n_f64(0.0), vdupq_n_f64(0.0)};

  void add(float32x4_t weights_f32x4, float32x4_t again_f32x4) noexcept {
    const float64x2_t low_f64x2 = vcvt_f64_f32(vget_low_f32(weights_f32x4));
    const float64x2_t high_f64x2 = vcvt_high_f64_f32(weights_f32x4);
    weights_f64x2[0] = add_square(weights_f64x2[0], low_f64x2);
    weights_f64x2[1] = add_square(weights_f64x2[1], high_f64x2);
    errors_f64x2[0] =
        add_square(errors_f64x2[0], vsubq_f64(low_f64x2, vcvt_f64_f32(vget_low_f32(again_f32x4))));
    errors_f64x2[1] =
        add_square(errors_f64x2[1], vsubq_f64(high_f64x2, vcvt_high_f64_f32(again_f32x4)));
  }
};

struct Constants {
  float32x4_t scale_f32x4;
  float32x4_t low_f32x4;
  float32x4_t high_f32x4;
  int32x4_t zero_i32x4;
};

int32x4_t quantize_four(const float* weights, const Constants& constants, Lanes& lanes) noexcept {
  const float32x4_t weights_f32x4 = vld1q_f32(weights);
  float32x4_t steps_f32x4 =
      greater(vdivq_f32(weights_f32x4, constants.scale_f32x4), constants.low_f32x4);
  steps_f32x4 = vrndnq_f32(lesser(steps_f32x4, constants.high_f32x4));
  lanes.add(weights_f32x4, vmulq_f32(steps_f32x4, constants.scale_f32x4));
  return vaddq_s32(vcvtq_s32_f32(steps_f32x4), constants.zero_i32x4);
}

// `lanes[0]` holds the double lanes 0-3, `lanes[1]` 4-7.
void store_lanes(const Lanes (&lanes)[2], double* weights, double* errors) noexcept {
  for (int half = 0; half < 2; ++half) {
    for (int pair = 0; pair < 2; ++pair) {
      vst1q_f64(weights + 4 * half + 2 * pair, lanes[half].weights_f64x2[pair]);
      vst1q_f64(errors + 4 * half + 2 * pair, lanes[half].errors_f64x2[pair]);
    }
  }
}

double sum_lanes(const double* lanes) noexcept {
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

SquareSums quantize(const float* weights, std::size_t count, const Quantizer& quantizer,
                    std::uint8_t* codes) noexcept {
  const Constants constants = {vdupq_n_f32(quantizer.scale),
                               vdupq_n_f32(static_cast<float>(quantizer.lowest - quantizer.zero)),
                               vdupq_n_f32(static_cast<float>(quantizer.highest - quantizer.zero)),
                               vdupq_n_s32(quantizer.zero)};
  Lanes lanes[2];
  for (std::size_t i = 0; i < whole(count); i += kLanes) {
    const int16x4_t low_i16x4 = vmovn_s32(quantize_four(weights + i, constants, lanes[0]));
    const int16x4_t high_i16x4 = vmovn_s32(quantize_four(weights + i + 4, constants, lanes[1]));
    vst1_u8(codes + i, vreinterpret_u8_s8(vmovn_s16(vcombine_s16(low_i16x4, high_i16x4))));
  }
  double weight_lanes[kLanes];
  double error_lanes[kLanes];
  store_lanes(lanes, weight_lanes, error_lanes);
  for (std::size_t i = whole(count); i < count; ++i) {
    const SquareSums one = quantize_scalar.quantize(weights + i, 1, quantizer, codes + i);
    weight_lanes[i % kLanes] += one.weights;
    error_lanes[i % kLanes] += one.errors;
  }
  return {sum_lanes(weight_lanes), sum_lanes(error_lanes)};
}

void widen_bf16(const std::uint16_t* bits, std::size_t count, float* weights) noexcept {
  for (std::size_t i = 0; i < whole(count); i += kLanes) {
    const uint16x8_t bits_u16x8 = vld1q_u16(bits + i);
    vst1q_f32(weights + i, vreinterpretq_f32_u32(vshll_n_u16(vget_low_u16(bits_u16x8), 16)));
    vst1q_f32(weights + i + 4, vreinterpretq_f32_u32(vshll_high_n_u16(bits_u16x8, 16)));
  }
  quantize_scalar.widen_bf16(bits + whole(count), count % kLanes, weights + whole(count));
}

void widen_f16(const std::uint16_t* bits, std::size_t count, float* weights) noexcept {
  for (std::size_t i = 0; i < whole(count); i += kLanes) {
    const float16x8_t bits_f16x8 = vreinterpretq_f16_u16(vld1q_u16(bits + i));
    vst1q_f32(weights + i, vcvt_f32_f16(vget_low_f16(bits_f16x8)));
    vst1q_f32(weights + i + 4, vcvt_high_f32_f16(bits_f16x8));
  }
  quantize_scalar.widen_f16(bits + whole(count), count % kLanes, weights + whole(count));
}

}  // namespace

const QuantizeKernels quantize_neon = {range, quantize, widen_bf16, widen_f16};

}  // namespace meadow::kernels
