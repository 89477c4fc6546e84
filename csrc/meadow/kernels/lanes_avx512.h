// Operations on the lanes of a register, shared by the AVX-512 files of all families. Everything is
// in an anonymous namespace, so that each file has its own copy.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/lanes_avx2.h"

namespace meadow::kernels {
namespace {

// The first `count` of 16 lanes.
[[gnu::always_inline]] inline __mmask16 mask_of_first(std::size_t count) noexcept {
  return static_cast<__mmask16>((1U << count) - 1);
}

// The lanes that hold one of `left` elements: all of them, except at the end of a row.
[[gnu::always_inline]] inline __mmask16 mask_of_left(std::size_t left) noexcept {
  return static_cast<__mmask16>(left >= 16 ? 0xFFFFU : (1U << left) - 1U);
}

// Adds lane j + 8 to lane j.
[[gnu::always_inline]] inline __m256 folded(__m512 lanes_f32x16) noexcept {
  return _mm256_add_ps(_mm512_castps512_ps256(lanes_f32x16),
                       _mm512_extractf32x8_ps(lanes_f32x16, 1));
}

// Adds lane j + 8 to lane j, then lanes j + 4, j + 2 and j + 1.
[[gnu::always_inline]] inline float sum_of_lanes(__m512 lanes_f32x16) noexcept {
  return sum_of_lanes(folded(lanes_f32x16));
}

// BF16 is the upper half of F32.
[[gnu::always_inline]] inline __m512 widened_bf16(__m256i bits_u16x16) noexcept {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bits_u16x16), 16));
}

// The 16 entries that vpshufb looks up, repeated in each quarter.
[[gnu::always_inline]] inline __m512i load_wide_table(const std::uint8_t* entries) noexcept {
  return _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i*>(entries)));
}

// The entries for 32 bytes of two codes each: first for the low four bits, then for the high four.
[[gnu::always_inline]] inline __m512i look_up_pairs(__m512i table_u8x64,
                                                    const std::uint8_t* codes) noexcept {
  const __m256i codes_u8x32 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes));
  const __m512i shifted_u8x64 =
      _mm512_inserti64x4(_mm512_castsi256_si512(codes_u8x32), _mm256_srli_epi32(codes_u8x32, 4), 1);
  return _mm512_shuffle_epi8(table_u8x64, _mm512_and_si512(shifted_u8x64, _mm512_set1_epi8(15)));
}

}  // namespace
}  // namespace meadow::kernels
