// Operations on the lanes of a register, shared by the AVX2 files of all families; those of AVX-512
// include it through lanes_avx512.h. Everything is in an anonymous namespace, so that each file has
// its own copy, built for its own ISA.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace meadow::kernels {
namespace {

// Adds lane j + 4 to lane j, then lane j + 2, then lane j + 1.
[[gnu::always_inline]] inline float sum_of_lanes(__m256 lanes_f32x8) noexcept {
  const __m128 four_f32x4 =
      _mm_add_ps(_mm256_castps256_ps128(lanes_f32x8), _mm256_extractf128_ps(lanes_f32x8, 1));
  const __m128 two_f32x4 = _mm_add_ps(four_f32x4, _mm_movehl_ps(four_f32x4, four_f32x4));
  return _mm_cvtss_f32(_mm_add_ss(two_f32x4, _mm_movehdup_ps(two_f32x4)));
}

// The same for four rows a, b, c, d at once; a4 holds the four lanes of a after the first step.
[[gnu::always_inline]] inline __m128 sums_of_lanes(__m256 a_f32x8, __m256 b_f32x8, __m256 c_f32x8,
                                                   __m256 d_f32x8) noexcept {
  const __m256 a4_b4_f32x8 = _mm256_add_ps(_mm256_permute2f128_ps(a_f32x8, b_f32x8, 0x20),
                                           _mm256_permute2f128_ps(a_f32x8, b_f32x8, 0x31));
  const __m256 c4_d4_f32x8 = _mm256_add_ps(_mm256_permute2f128_ps(c_f32x8, d_f32x8, 0x20),
                                           _mm256_permute2f128_ps(c_f32x8, d_f32x8, 0x31));
  const __m256 a2_c2_b2_d2_f32x8 = _mm256_add_ps(_mm256_shuffle_ps(a4_b4_f32x8, c4_d4_f32x8, 0x44),
                                                 _mm256_shuffle_ps(a4_b4_f32x8, c4_d4_f32x8, 0xEE));
  const __m128 a2_c2_f32x4 = _mm256_castps256_ps128(a2_c2_b2_d2_f32x8);
  const __m128 b2_d2_f32x4 = _mm256_extractf128_ps(a2_c2_b2_d2_f32x8, 1);
  const __m128 a_c_b_d_f32x4 = _mm_add_ps(_mm_shuffle_ps(a2_c2_f32x4, b2_d2_f32x4, 0x88),
                                          _mm_shuffle_ps(a2_c2_f32x4, b2_d2_f32x4, 0xDD));
  return _mm_shuffle_ps(a_c_b_d_f32x4, a_c_b_d_f32x4, 0xD8);
}

// BF16 is the upper half of F32.
[[gnu::always_inline]] inline __m256 widened_bf16(__m128i bits_u16x8) noexcept {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits_u16x8), 16));
}

// The 16 entries that vpshufb looks up, repeated in each half.
[[gnu::always_inline]] inline __m256i load_table(const std::uint8_t* entries) noexcept {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(entries)));
}

}  // namespace
}  // namespace meadow::kernels
