// AVX2, F16C. Instructions leaned on, latency on Haswell / Zen 3 in cycles:
//   vdivps ymm   21 / 10.5 (5 cycles of throughput: the bound of `quantize`)
//   vroundps ymm  6 / 3     vcvtph2ps  6 / 7     vcvtps2pd  5 / 7
#include <immintrin.h>

#include "meadow/kernels/lanes_avx2.h"
#include "meadow/kernels/quantize/quantize.h"

namespace meadow::kernels {
namespace {

// The whole vectors are done here, the last count % 8 elements by the specification.
constexpr std::size_t kLanes = 8;

std::size_t whole(std::size_t count) noexcept { return count - count % kLanes; }

float lowest_lane(__m256 lanes_f32x8) noexcept {
  __m128 low_f32x4 =
      _mm_min_ps(_mm256_castps256_ps128(lanes_f32x8), _mm256_extractf128_ps(lanes_f32x8, 1));
  low_f32x4 = _mm_min_ps(low_f32x4, _mm_movehl_ps(low_f32x4, low_f32x4));
  low_f32x4 = _mm_min_ss(low_f32x4, _mm_movehdup_ps(low_f32x4));
  return _mm_cvtss_f32(low_f32x4);
}

float highest_lane(__m256 lanes_f32x8) noexcept {
  __m128 high_f32x4 =
      _mm_max_ps(_mm256_castps256_ps128(lanes_f32x8), _mm256_extractf128_ps(lanes_f32x8, 1));
  high_f32x4 = _mm_max_ps(high_f32x4, _mm_movehl_ps(high_f32x4, high_f32x4));
  high_f32x4 = _mm_max_ss(high_f32x4, _mm_movehdup_ps(high_f32x4));
  return _mm_cvtss_f32(high_f32x4);
}

// vminps and vmaxps return the second operand if one is NaN, so the running value stays.
Range range(const float* weights, std::size_t count) noexcept {
  const __m256i exponent_i32x8 = _mm256_set1_epi32(0x7F800000);
  __m256 low_f32x8 = _mm256_setzero_ps();
  __m256 high_f32x8 = _mm256_setzero_ps();
  __m256i bad_i32x8 = _mm256_setzero_si256();
  for (std::size_t i = 0; i < whole(count); i += kLanes) {
    const __m256 weights_f32x8 = _mm256_loadu_ps(weights + i);
    low_f32x8 = _mm256_min_ps(weights_f32x8, low_f32x8);
    high_f32x8 = _mm256_max_ps(weights_f32x8, high_f32x8);
    const __m256i fields_i32x8 =
        _mm256_and_si256(_mm256_castps_si256(weights_f32x8), exponent_i32x8);
    bad_i32x8 = _mm256_or_si256(bad_i32x8, _mm256_cmpeq_epi32(fields_i32x8, exponent_i32x8));
  }
  const Range tail = quantize_scalar.range(weights + whole(count), count % kLanes);
  const float low = lowest_lane(low_f32x8);
  const float high = highest_lane(high_f32x8);
  return {tail.low < low ? tail.low : low, tail.high > high ? tail.high : high,
          tail.finite && _mm256_testz_si256(bad_i32x8, bad_i32x8) != 0};
}

// Adds the squares of eight floats to the double lanes 0-3 and 4-7.
struct SquareLanes {
  __m256d low_f64x4 = _mm256_setzero_pd();
  __m256d high_f64x4 = _mm256_setzero_pd();

  void add(__m256d first_f64x4, __m256d second_f64x4) noexcept {
    low_f64x4 = _mm256_add_pd(low_f64x4, _mm256_mul_pd(first_f64x4, first_f64x4));
    high_f64x4 = _mm256_add_pd(high_f64x4, _mm256_mul_pd(second_f64x4, second_f64x4));
  }
};

__m256d low_half(__m256 values_f32x8) noexcept {
  return _mm256_cvtps_pd(_mm256_castps256_ps128(values_f32x8));
}

__m256d high_half(__m256 values_f32x8) noexcept {
  return _mm256_cvtps_pd(_mm256_extractf128_ps(values_f32x8, 1));
}

// The low byte of each of eight 32-bit integers.
void store_bytes(__m256i codes_i32x8, std::uint8_t* out) noexcept {
  const __m256i low_bytes_u8x32 =
      _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,  //
                       0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
  const __m256i packed_u8x32 = _mm256_shuffle_epi8(codes_i32x8, low_bytes_u8x32);
  const __m128i both_u8x16 = _mm_unpacklo_epi32(_mm256_castsi256_si128(packed_u8x32),
                                                _mm256_extracti128_si256(packed_u8x32, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(out), both_u8x16);
}

// Lanes of the whole vectors, continued over the tail (which starts at lane 0), then added in the
// order that the specification names.
double sum_lanes(const SquareLanes& lanes, const double* tail) noexcept {
  alignas(32) double all[kLanes];
  _mm256_store_pd(all, lanes.low_f64x4);
  _mm256_store_pd(all + 4, lanes.high_f64x4);
  for (std::size_t i = 0; i < kLanes; ++i) all[i] += tail[i];
  return ((all[0] + all[4]) + (all[2] + all[6])) + ((all[1] + all[5]) + (all[3] + all[7]));
}

SquareSums quantize(const float* weights, std::size_t count, const Quantizer& quantizer,
                    std::uint8_t* codes) noexcept {
  const __m256 scale_f32x8 = _mm256_set1_ps(quantizer.scale);
  const __m256 low_f32x8 = _mm256_set1_ps(static_cast<float>(quantizer.lowest - quantizer.zero));
  const __m256 high_f32x8 = _mm256_set1_ps(static_cast<float>(quantizer.highest - quantizer.zero));
  const __m256i zero_i32x8 = _mm256_set1_epi32(quantizer.zero);
  SquareLanes weight_lanes;
  SquareLanes error_lanes;
  for (std::size_t i = 0; i < whole(count); i += kLanes) {
    const __m256 weights_f32x8 = _mm256_loadu_ps(weights + i);
    __m256 steps_f32x8 = _mm256_div_ps(weights_f32x8, scale_f32x8);
    steps_f32x8 = _mm256_min_ps(_mm256_max_ps(steps_f32x8, low_f32x8), high_f32x8);
    steps_f32x8 = _mm256_round_ps(steps_f32x8, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    store_bytes(_mm256_add_epi32(_mm256_cvtps_epi32(steps_f32x8), zero_i32x8), codes + i);
    const __m256 again_f32x8 = _mm256_mul_ps(steps_f32x8, scale_f32x8);
    const __m256d low_weights_f64x4 = low_half(weights_f32x8);
    const __m256d high_weights_f64x4 = high_half(weights_f32x8);
    weight_lanes.add(low_weights_f64x4, high_weights_f64x4);
    error_lanes.add(_mm256_sub_pd(low_weights_f64x4, low_half(again_f32x8)),
                    _mm256_sub_pd(high_weights_f64x4, high_half(again_f32x8)));
  }
  double weight_tail[kLanes] = {};
  double error_tail[kLanes] = {};
  for (std::size_t i = whole(count); i < count; ++i) {
    const SquareSums one = quantize_scalar.quantize(weights + i, 1, quantizer, codes + i);
    weight_tail[i % kLanes] = one.weights;
    error_tail[i % kLanes] = one.errors;
  }
  return {sum_lanes(weight_lanes, weight_tail), sum_lanes(error_lanes, error_tail)};
}

void widen_bf16(const std::uint16_t* bits, std::size_t count, float* weights) noexcept {
  for (std::size_t i = 0; i < whole(count); i += kLanes) {
    const __m128i bits_u16x8 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bits + i));
    _mm256_storeu_ps(weights + i, widened_bf16(bits_u16x8));
  }
  quantize_scalar.widen_bf16(bits + whole(count), count % kLanes, weights + whole(count));
}

void widen_f16(const std::uint16_t* bits, std::size_t count, float* weights) noexcept {
  for (std::size_t i = 0; i < whole(count); i += kLanes) {
    const __m128i bits_u16x8 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(bits + i));
    _mm256_storeu_ps(weights + i, _mm256_cvtph_ps(bits_u16x8));
  }
  quantize_scalar.widen_f16(bits + whole(count), count % kLanes, weights + whole(count));
}

}  // namespace

const QuantizeKernels quantize_avx2 = {range, quantize, widen_bf16, widen_f16};

}  // namespace meadow::kernels
