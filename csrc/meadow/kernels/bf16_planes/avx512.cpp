// Two rows share a register: its lower half is one of them, its upper half the other, eight lanes
// of each. For 64 weights: 3 operations for the codes, 1 vpshufb, 2 unpacks, 4 to make words of
// halves, 4 multiply-adds.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_planes/escapes.h"
#include "meadow/kernels/lanes_avx512.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kHalf = 8;
constexpr std::size_t kPairs = kGroupRows / 2;
constexpr std::size_t kPairBytes = 2 * kUnitColumns;
// How far ahead both planes are prefetched, in bytes: the best of 0, 1, 2 and 4 KiB on Zen 5.
constexpr std::size_t kAhead = 4096;

// Columns 0 to 7, 8 to 15, 16 to 23 and 24 to 31 of two rows.
struct Pair {
  __m512 columns_f32x16[4];
};

Pair merged(const std::uint8_t* lower, __m512i upper_u8x64) noexcept {
  const __m512i mask_u32x16 = _mm512_set1_epi32(static_cast<int>(0xFFFF0000));
  const __m512i bytes_u8x64 = _mm512_loadu_si512(lower);
  const __m512i near_u32x16 = _mm512_unpacklo_epi8(bytes_u8x64, upper_u8x64);
  const __m512i far_u32x16 = _mm512_unpackhi_epi8(bytes_u8x64, upper_u8x64);
  return {{_mm512_castsi512_ps(_mm512_slli_epi32(near_u32x16, 16)),
           _mm512_castsi512_ps(_mm512_slli_epi32(far_u32x16, 16)),
           _mm512_castsi512_ps(_mm512_and_si512(near_u32x16, mask_u32x16)),
           _mm512_castsi512_ps(_mm512_and_si512(far_u32x16, mask_u32x16))}};
}

void store_upper(const GroupPlanes& planes, __m512i table_u8x64, std::size_t unit,
                 std::uint8_t* bytes) noexcept {
  for (std::size_t p = 0; p < kPairs; ++p) {
    _mm512_storeu_si512(
        bytes + p * kPairBytes,
        look_up_pairs(table_u8x64, planes.codes + unit * kUnitCodes + p * kUnitColumns));
  }
}

Pair stored_pair(const GroupPlanes& planes, std::size_t unit, const std::uint8_t* bytes,
                 std::size_t p) noexcept {
  return merged(planes.lower + unit * kUnitLower + p * kPairBytes,
                _mm512_loadu_si512(bytes + p * kPairBytes));
}

template <std::size_t Count>
struct Sums {
  __m512 lanes_f32x16[Count][kPairs][2];

  void add(std::size_t p, const Pair& pair, const float* x, std::size_t stride) noexcept {
    for (std::size_t t = 0; t < Count; ++t) {
      for (std::size_t q = 0; q < 4; ++q) {
        const __m256 values_f32x8 = _mm256_loadu_ps(x + t * stride + q * kHalf);
        __m512& sum_f32x16 = lanes_f32x16[t][p][q % 2];
        sum_f32x16 = _mm512_fmadd_ps(pair.columns_f32x16[q], _mm512_broadcast_f32x8(values_f32x8),
                                     sum_f32x16);
      }
    }
  }

  // The last unit, of which only the first `count` columns exist.
  void add_few(std::size_t p, const Pair& pair, const float* x, std::size_t stride,
               std::size_t count) noexcept {
    for (std::size_t q = 0; q * kHalf < count; ++q) {
      const std::size_t there = count - q * kHalf < kHalf ? count - q * kHalf : kHalf;
      const auto few = static_cast<__mmask8>((1U << there) - 1);
      const auto both = static_cast<__mmask16>(few | few << kHalf);
      for (std::size_t t = 0; t < Count; ++t) {
        const __m256 values_f32x8 = _mm256_maskz_loadu_ps(few, x + t * stride + q * kHalf);
        __m512& sum_f32x16 = lanes_f32x16[t][p][q % 2];
        sum_f32x16 = _mm512_mask3_fmadd_ps(pair.columns_f32x16[q],
                                           _mm512_broadcast_f32x8(values_f32x8), sum_f32x16, both);
      }
    }
  }

  [[nodiscard]] float total(std::size_t t, std::size_t row) const noexcept {
    const __m512 by8_f32x16 =
        _mm512_add_ps(lanes_f32x16[t][row / 2][0], lanes_f32x16[t][row / 2][1]);
    const __m256 of_row_f32x8 =
        row % 2 == 0 ? _mm512_castps512_ps256(by8_f32x16) : _mm512_extractf32x8_ps(by8_f32x16, 1);
    return sum_of_lanes(of_row_f32x8);
  }
};

void prefetch(const std::uint8_t* codes, const std::uint8_t* lower) noexcept {
  _mm_prefetch(reinterpret_cast<const char*>(codes) + kAhead, _MM_HINT_T0);
  _mm_prefetch(reinterpret_cast<const char*>(lower) + kAhead, _MM_HINT_T0);
  _mm_prefetch(reinterpret_cast<const char*>(lower) + kAhead + kPairBytes, _MM_HINT_T0);
}

template <std::size_t Count>
void multiply_group(const Bf16PlaneRows& weight, std::size_t group, std::size_t rows,
                    const Tokens& tokens, std::size_t token) noexcept {
  GroupPlanes planes = planes_of(weight, group);
  const __m512i table_u8x64 = load_wide_table(planes.table);
  const float* x = tokens.x + token * tokens.x_stride;
  const std::size_t whole = weight.columns / kUnitColumns;
  Sums<Count> sums = {};
  const auto upper = [&](std::size_t unit, std::uint8_t* bytes) noexcept {
    store_upper(planes, table_u8x64, unit, bytes);
  };
  const auto coded = [&](std::size_t unit, std::size_t end) noexcept {
    for (; unit < end; ++unit) {
      const std::uint8_t* codes = planes.codes + unit * kUnitCodes;
      const std::uint8_t* lower = planes.lower + unit * kUnitLower;
      prefetch(codes, lower);
      for (std::size_t p = 0; p < kPairs; ++p) {
        const __m512i bytes_u8x64 = look_up_pairs(table_u8x64, codes + p * kUnitColumns);
        sums.add(p, merged(lower + p * kPairBytes, bytes_u8x64), x + unit * kUnitColumns,
                 tokens.x_stride);
      }
    }
  };
  const auto stored = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
    for (std::size_t p = 0; p < kPairs; ++p) {
      sums.add(p, stored_pair(planes, unit, bytes, p), x + unit * kUnitColumns, tokens.x_stride);
    }
  };
  for_each_run(planes, 0, whole, upper, coded, stored);
  if (const std::size_t left = weight.columns % kUnitColumns; left != 0) {
    const auto few = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
      for (std::size_t p = 0; p < kPairs; ++p) {
        sums.add_few(p, stored_pair(planes, unit, bytes, p), x + unit * kUnitColumns,
                     tokens.x_stride, left);
      }
    };
    for_each_run(planes, whole, whole + 1, upper, through_memory(upper, few), few);
  }
  for (std::size_t t = 0; t < Count; ++t) {
    float* y = tokens.y + (token + t) * tokens.y_stride;
    for (std::size_t row = 0; row < kGroupRows && row < rows; ++row) y[row] = sums.total(t, row);
  }
}

void multiply(const Bf16PlaneRows& weight, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  std::size_t t = 0;
  for (; t + 4 <= tokens.count; t += 4) multiply_group<4>(weight, group, rows, tokens, t);
  if (tokens.count - t == 3) multiply_group<3>(weight, group, rows, tokens, t);
  if (tokens.count - t == 2) multiply_group<2>(weight, group, rows, tokens, t);
  if (tokens.count - t == 1) multiply_group<1>(weight, group, rows, tokens, t);
}

void widen(const Bf16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  GroupPlanes planes = planes_of(weight, group);
  const __m512i table_u8x64 = load_wide_table(planes.table);
  const auto upper = [&](std::size_t unit, std::uint8_t* bytes) noexcept {
    store_upper(planes, table_u8x64, unit, bytes);
  };
  const auto stored = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
    for (std::size_t p = 0; p < kPairs; ++p) {
      const Pair pair = stored_pair(planes, unit, bytes, p);
      float* to = widened + 2 * p * stride + (unit - begin) * kUnitColumns;
      for (std::size_t q = 0; q < 4; ++q) {
        _mm256_storeu_ps(to + q * kHalf, _mm512_castps512_ps256(pair.columns_f32x16[q]));
        _mm256_storeu_ps(to + stride + q * kHalf,
                         _mm512_extractf32x8_ps(pair.columns_f32x16[q], 1));
      }
    }
  };
  for_each_run(planes, begin, end, upper, through_memory(upper, stored), stored);
}

}  // namespace

const Bf16PlanesKernels bf16_planes_avx512 = {multiply, widen};

}  // namespace meadow::kernels
