#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/lanes_avx2.h"
#include "meadow/kernels/vector/loops.h"
#include "meadow/kernels/vector/plain.h"
#include "meadow/kernels/vector/twice.h"

namespace meadow::kernels {
namespace {

// The mask of the first n lanes starts 8 - n in.
constexpr std::int32_t kMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};

__m256i mask_of_first(std::size_t count) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kMasks + 8 - count));
}

struct F32x8 {
  using Mask = __m256;

  static constexpr std::size_t kWidth = 8;
  static constexpr std::size_t kRows = 4;
  static constexpr std::size_t kColumns = 64;  // eight of the sixteen registers

  __m256 value;

  static F32x8 all(float x) noexcept { return {_mm256_set1_ps(x)}; }
  static F32x8 add(F32x8 a, F32x8 b) noexcept { return {_mm256_add_ps(a.value, b.value)}; }
  static F32x8 subtract(F32x8 a, F32x8 b) noexcept { return {_mm256_sub_ps(a.value, b.value)}; }
  static F32x8 multiply(F32x8 a, F32x8 b) noexcept { return {_mm256_mul_ps(a.value, b.value)}; }
  static F32x8 divide(F32x8 a, F32x8 b) noexcept { return {_mm256_div_ps(a.value, b.value)}; }
  static F32x8 fma(F32x8 a, F32x8 b, F32x8 c) noexcept {
    return {_mm256_fmadd_ps(a.value, b.value, c.value)};
  }
  static Mask less(F32x8 a, F32x8 b) noexcept {
    return _mm256_cmp_ps(a.value, b.value, _CMP_LT_OQ);
  }
  static F32x8 choose(Mask first, F32x8 a, F32x8 b) noexcept {
    return {_mm256_blendv_ps(b.value, a.value, first)};
  }
  static F32x8 negative(F32x8 x) noexcept { return {_mm256_xor_ps(x.value, sign_bits())}; }
  static F32x8 magnitude(F32x8 x) noexcept { return {_mm256_andnot_ps(sign_bits(), x.value)}; }
  static F32x8 with_sign(F32x8 x, F32x8 sign) noexcept {
    return {_mm256_or_ps(x.value, _mm256_and_ps(sign.value, sign_bits()))};
  }
  static F32x8 times_power(F32x8 x, F32x8 shifted) noexcept {
    const __m256i n_i32x8 =
        _mm256_srai_epi32(_mm256_slli_epi32(_mm256_castps_si256(shifted.value), 23), 23);
    const __m256i half_i32x8 = _mm256_srai_epi32(n_i32x8, 1);
    const __m256 once_f32x8 = _mm256_mul_ps(x.value, power_of_two(half_i32x8));
    return {_mm256_mul_ps(once_f32x8, power_of_two(_mm256_sub_epi32(n_i32x8, half_i32x8)))};
  }
  static F32x8 load(const float* from) noexcept { return {_mm256_loadu_ps(from)}; }
  static F32x8 load_first(const float* from, std::size_t count, F32x8 fill) noexcept {
    const __m256i mask_i32x8 = mask_of_first(count);
    const __m256 loaded_f32x8 = _mm256_maskload_ps(from, mask_i32x8);
    return {_mm256_blendv_ps(fill.value, loaded_f32x8, _mm256_castsi256_ps(mask_i32x8))};
  }
  void store(float* to) const noexcept { _mm256_storeu_ps(to, value); }
  void store_first(float* to, std::size_t count) const noexcept {
    _mm256_maskstore_ps(to, mask_of_first(count), value);
  }
  static float root(float x) noexcept { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
  [[nodiscard]] float sum() const noexcept { return sum_of_lanes(value); }
  static void sums(const F32x8 (&lanes)[kRows], float* out) noexcept {
    _mm_storeu_ps(out,
                  sums_of_lanes(lanes[0].value, lanes[1].value, lanes[2].value, lanes[3].value));
  }

  static __m256 sign_bits() noexcept { return _mm256_set1_ps(-0.0F); }
  static __m256 power_of_two(__m256i n_i32x8) noexcept {
    return _mm256_castsi256_ps(
        _mm256_slli_epi32(_mm256_add_epi32(n_i32x8, _mm256_set1_epi32(127)), 23));
  }
};

using Lanes = Twice<F32x8>;

}  // namespace

const VectorKernels vector_avx2 = {dots<Lanes>,
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
