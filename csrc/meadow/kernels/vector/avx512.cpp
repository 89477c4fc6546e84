#include <immintrin.h>

#include <cstddef>

#include "meadow/kernels/lanes_avx512.h"
#include "meadow/kernels/vector/loops.h"
#include "meadow/kernels/vector/plain.h"

namespace meadow::kernels {
namespace {

struct F32x16 {
  using Mask = __mmask16;

  static constexpr std::size_t kRows = 8;
  static constexpr std::size_t kColumns = 128;  // eight of the 32 registers

  __m512 value;

  static F32x16 all(float x) noexcept { return {_mm512_set1_ps(x)}; }
  static F32x16 add(F32x16 a, F32x16 b) noexcept { return {_mm512_add_ps(a.value, b.value)}; }
  static F32x16 subtract(F32x16 a, F32x16 b) noexcept { return {_mm512_sub_ps(a.value, b.value)}; }
  static F32x16 multiply(F32x16 a, F32x16 b) noexcept { return {_mm512_mul_ps(a.value, b.value)}; }
  static F32x16 divide(F32x16 a, F32x16 b) noexcept { return {_mm512_div_ps(a.value, b.value)}; }
  static F32x16 fma(F32x16 a, F32x16 b, F32x16 c) noexcept {
    return {_mm512_fmadd_ps(a.value, b.value, c.value)};
  }
  static Mask less(F32x16 a, F32x16 b) noexcept {
    return _mm512_cmp_ps_mask(a.value, b.value, _CMP_LT_OQ);
  }
  static F32x16 choose(Mask first, F32x16 a, F32x16 b) noexcept {
    return {_mm512_mask_blend_ps(first, b.value, a.value)};
  }
  static F32x16 negative(F32x16 x) noexcept { return {_mm512_xor_ps(x.value, sign_bits())}; }
  static F32x16 magnitude(F32x16 x) noexcept { return {_mm512_andnot_ps(sign_bits(), x.value)}; }
  static F32x16 with_sign(F32x16 x, F32x16 sign) noexcept {
    return {_mm512_or_ps(x.value, _mm512_and_ps(sign.value, sign_bits()))};
  }
  // x is between 1/2 and 2: of two factors only the second may round, so one is the same.
  static F32x16 times_power(F32x16 x, F32x16 shifted) noexcept {
    return {_mm512_scalef_ps(x.value, _mm512_sub_ps(shifted.value, _mm512_set1_ps(0x1.8p23F)))};
  }
  static F32x16 load(const float* from) noexcept { return {_mm512_loadu_ps(from)}; }
  static F32x16 load_first(const float* from, std::size_t count, F32x16 fill) noexcept {
    return {_mm512_mask_loadu_ps(fill.value, mask_of_first(count), from)};
  }
  void store(float* to) const noexcept { _mm512_storeu_ps(to, value); }
  void store_first(float* to, std::size_t count) const noexcept {
    _mm512_mask_storeu_ps(to, mask_of_first(count), value);
  }
  [[nodiscard]] __m256 folded() const noexcept { return kernels::folded(value); }
  static float root(float x) noexcept { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }
  [[nodiscard]] float sum() const noexcept { return sum_of_lanes(value); }
  static void sums(const F32x16 (&lanes)[kRows], float* out) noexcept {
    for (std::size_t r = 0; r < kRows; r += 4) {
      _mm_storeu_ps(out + r, sums_of_lanes(lanes[r].folded(), lanes[r + 1].folded(),
                                           lanes[r + 2].folded(), lanes[r + 3].folded()));
    }
  }

  static __m512 sign_bits() noexcept { return _mm512_set1_ps(-0.0F); }
};

}  // namespace

const VectorKernels vector_avx512 = {dots<F32x16>,
                                     add_weighted<F32x16>,
                                     softmax<F32x16>,
                                     softcap<F32x16>,
                                     rms_norm<F32x16>,
                                     layer_norm<F32x16>,
                                     activate<F32x16>,
                                     activate_gated<F32x16>,
                                     rotate,
                                     add,
                                     scale};

}  // namespace meadow::kernels
