#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/vector/loops.h"
#include "meadow/kernels/vector/plain.h"
#include "meadow/kernels/vector/twice.h"

namespace meadow::kernels {
namespace {

struct F32x4 {
  using Mask = uint32x4_t;

  static constexpr std::size_t kWidth = 4;
  static constexpr std::size_t kRows = 4;
  static constexpr std::size_t kColumns = 64;  // 16 of the 32 registers

  float32x4_t value;

  static F32x4 all(float x) noexcept { return {vdupq_n_f32(x)}; }
  static F32x4 add(F32x4 a, F32x4 b) noexcept { return {vaddq_f32(a.value, b.value)}; }
  static F32x4 subtract(F32x4 a, F32x4 b) noexcept { return {vsubq_f32(a.value, b.value)}; }
  static F32x4 multiply(F32x4 a, F32x4 b) noexcept { return {vmulq_f32(a.value, b.value)}; }
  static F32x4 divide(F32x4 a, F32x4 b) noexcept { return {vdivq_f32(a.value, b.value)}; }
  static F32x4 fma(F32x4 a, F32x4 b, F32x4 c) noexcept {
    return {vfmaq_f32(c.value, a.value, b.value)};
  }
  static Mask less(F32x4 a, F32x4 b) noexcept { return vcltq_f32(a.value, b.value); }
  static F32x4 choose(Mask first, F32x4 a, F32x4 b) noexcept {
    return {vbslq_f32(first, a.value, b.value)};
  }
  static F32x4 negative(F32x4 x) noexcept { return {vnegq_f32(x.value)}; }
  static F32x4 magnitude(F32x4 x) noexcept { return {vabsq_f32(x.value)}; }
  static F32x4 with_sign(F32x4 x, F32x4 sign) noexcept {
    return {vbslq_f32(vdupq_n_u32(0x80000000U), sign.value, x.value)};
  }
  static F32x4 times_power(F32x4 x, F32x4 shifted) noexcept {
    const int32x4_t n_i32x4 =
        vshrq_n_s32(vshlq_n_s32(vreinterpretq_s32_f32(shifted.value), 23), 23);
    const int32x4_t half_i32x4 = vshrq_n_s32(n_i32x4, 1);
    const float32x4_t once_f32x4 = vmulq_f32(x.value, power_of_two(half_i32x4));
    return {vmulq_f32(once_f32x4, power_of_two(vsubq_s32(n_i32x4, half_i32x4)))};
  }
  static F32x4 load(const float* from) noexcept { return {vld1q_f32(from)}; }
  static F32x4 load_first(const float* from, std::size_t count, F32x4 fill) noexcept {
    float values[kWidth];
    fill.store(values);
    for (std::size_t i = 0; i < count; ++i) values[i] = from[i];
    return load(values);
  }
  void store(float* to) const noexcept { vst1q_f32(to, value); }
  void store_first(float* to, std::size_t count) const noexcept {
    float values[kWidth];
    store(values);
    for (std::size_t i = 0; i < count; ++i) to[i] = values[i];
  }
  static float root(float x) noexcept { return vget_lane_f32(vsqrt_f32(vdup_n_f32(x)), 0); }
  // Adds lane j + 2 to lane j, then lane j + 1.
  [[nodiscard]] float sum() const noexcept {
    return vpadds_f32(vadd_f32(vget_low_f32(value), vget_high_f32(value)));
  }
  static float32x4_t two_lanes(F32x4 a, F32x4 b) noexcept {
    return vaddq_f32(vcombine_f32(vget_low_f32(a.value), vget_low_f32(b.value)),
                     vcombine_f32(vget_high_f32(a.value), vget_high_f32(b.value)));
  }
  static void sums(const F32x4 (&lanes)[kRows], float* out) noexcept {
    vst1q_f32(out, vpaddq_f32(two_lanes(lanes[0], lanes[1]), two_lanes(lanes[2], lanes[3])));
  }

  static float32x4_t power_of_two(int32x4_t n_i32x4) noexcept {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n_i32x4, vdupq_n_s32(127)), 23));
  }
};

using Lanes = Twice<Twice<F32x4>>;

}  // namespace

const VectorKernels vector_neon = {dots<Lanes>,
                                   add_weighted<Lanes>,
                                   softmax<Lanes>,
                                   softcap<Lanes>,
                                   rms_norm<Lanes>,
                                   layer_norm<Lanes>,
                                   activate<Lanes>,
                                   activate_gated<Lanes>,
                                   rotate,
                                   add,
                                   scale};

}  // namespace meadow::kernels
