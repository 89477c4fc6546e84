// AVX-512 F, DQ, BW, VL. A 512-bit division has half the throughput of two 256-bit ones on early
// parts, no worse than equal on later ones; the rest halves its instruction count.
#include <immintrin.h>

#include "meadow/kernels/lanes_avx512.h"
#include "meadow/kernels/quantize/quantize.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kLanes = 16;

// vminps and vmaxps return the second operand if one is NaN, so the running value stays.
Range range(const float* weights, std::size_t count) noexcept {
  const __m512i exponent_i32x16 = _mm512_set1_epi32(0x7F800000);
  __m512 low_f32x16 = _mm512_setzero_ps();
  __m512 high_f32x16 = _mm512_setzero_ps();
  unsigned bad = 0;
  for (std::size_t i = 0; i < count; i += kLanes) {
    const __m512 weights_f32x16 = _mm512_maskz_loadu_ps(mask_of_left(count - i), weights + i);
    low_f32x16 = _mm512_min_ps(weights_f32x16, low_f32x16);
    high_f32x16 = _mm512_max_ps(weights_f32x16, high_f32x16);
    const __m512i fields_i32x16 =
        _mm512_and_si512(_mm512_castps_si512(weights_f32x16), exponent_i32x16);
    bad |= _mm512_cmpeq_epi32_mask(fields_i32x16, exponent_i32x16);
  }
  return {_mm512_reduce_min_ps(low_f32x16), _mm512_reduce_max_ps(high_f32x16), bad == 0};
}

__m512d low_half(__m512 values_f32x16) noexcept {
  return _mm512_cvtps_pd(_mm512_castps512_ps256(values_f32x16));
}

__m512d high_half(__m512 values_f32x16) noexcept {
  return _mm512_cvtps_pd(_mm512_extractf32x8_ps(values_f32x16, 1));
}

// Element i goes to lane i % 8: first the lower eight of the vector, then the upper eight.
void add_squares(__m512d& lanes_f64x8, __m512d low_f64x8, __m512d high_f64x8) noexcept {
  lanes_f64x8 = _mm512_add_pd(lanes_f64x8, _mm512_mul_pd(low_f64x8, low_f64x8));
  lanes_f64x8 = _mm512_add_pd(lanes_f64x8, _mm512_mul_pd(high_f64x8, high_f64x8));
}

double sum_lanes(__m512d lanes_f64x8) noexcept {
  alignas(64) double all[8];
  _mm512_store_pd(all, lanes_f64x8);
  return ((all[0] + all[4]) + (all[2] + all[6])) + ((all[1] + all[5]) + (all[3] + all[7]));
}

// Masked-off lanes are loaded as zero weights; their code rounds to `zero`, is not stored, and adds
// zero to both sums.
SquareSums quantize(const float* weights, std::size_t count, const Quantizer& quantizer,
                    std::uint8_t* codes) noexcept {
  const __m512 scale_f32x16 = _mm512_set1_ps(quantizer.scale);
  const __m512 low_f32x16 = _mm512_set1_ps(static_cast<float>(quantizer.lowest - quantizer.zero));
  const __m512 high_f32x16 = _mm512_set1_ps(static_cast<float>(quantizer.highest - quantizer.zero));
  const __m512i zero_i32x16 = _mm512_set1_epi32(quantizer.zero);
  __m512d weight_lanes_f64x8 = _mm512_setzero_pd();
  __m512d error_lanes_f64x8 = _mm512_setzero_pd();
  for (std::size_t i = 0; i < count; i += kLanes) {
    const __mmask16 lanes = mask_of_left(count - i);
    const __m512 weights_f32x16 = _mm512_maskz_loadu_ps(lanes, weights + i);
    __m512 steps_f32x16 = _mm512_div_ps(weights_f32x16, scale_f32x16);
    steps_f32x16 = _mm512_min_ps(_mm512_max_ps(steps_f32x16, low_f32x16), high_f32x16);
    steps_f32x16 =
        _mm512_roundscale_ps(steps_f32x16, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512i codes_i32x16 = _mm512_add_epi32(_mm512_cvtps_epi32(steps_f32x16), zero_i32x16);
    _mm512_mask_cvtepi32_storeu_epi8(codes + i, lanes, codes_i32x16);
    const __m512 again_f32x16 = _mm512_mul_ps(steps_f32x16, scale_f32x16);
    const __m512d low_f64x8 = low_half(weights_f32x16);
    const __m512d high_f64x8 = high_half(weights_f32x16);
    add_squares(weight_lanes_f64x8, low_f64x8, high_f64x8);
    add_squares(error_lanes_f64x8, _mm512_sub_pd(low_f64x8, low_half(again_f32x16)),
                _mm512_sub_pd(high_f64x8, high_half(again_f32x16)));
  }
  return {sum_lanes(weight_lanes_f64x8), sum_lanes(error_lanes_f64x8)};
}

void widen_bf16(const std::uint16_t* bits, std::size_t count, float* weights) noexcept {
  for (std::size_t i = 0; i < count; i += kLanes) {
    const __mmask16 lanes = mask_of_left(count - i);
    const __m256i bits_u16x16 = _mm256_maskz_loadu_epi16(lanes, bits + i);
    _mm512_mask_storeu_ps(weights + i, lanes, widened_bf16(bits_u16x16));
  }
}

void widen_f16(const std::uint16_t* bits, std::size_t count, float* weights) noexcept {
  for (std::size_t i = 0; i < count; i += kLanes) {
    const __mmask16 lanes = mask_of_left(count - i);
    const __m256i bits_u16x16 = _mm256_maskz_loadu_epi16(lanes, bits + i);
    _mm512_mask_storeu_ps(weights + i, lanes, _mm512_cvtph_ps(bits_u16x16));
  }
}

}  // namespace

const QuantizeKernels quantize_avx512 = {range, quantize, widen_bf16, widen_f16};

}  // namespace meadow::kernels
