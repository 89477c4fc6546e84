// A lane of the contract is a lane of one register, and one instruction takes 32 columns. Besides
// the flags of its ISA this file needs AVX512_BF16, for which the table checks the CPU.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_dot/bf16_dot.h"
#include "meadow/kernels/bf16_planes/escapes.h"
#include "meadow/kernels/lanes_avx512.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kMostTokens = 6;  // 24 sums, 4 rows and 1 input in 32 registers
constexpr std::size_t kHalf = 16;

__m512bh load_pairs(const std::uint16_t* pairs) noexcept {
  return reinterpret_cast<__m512bh>(_mm512_loadu_si512(pairs));
}

// Two short loops: a single one over all sums would not be unrolled and would keep them in memory.
template <std::size_t Count>
void accumulate_some(const PairTile& tile, const std::uint16_t* x, std::size_t x_stride,
                     float* memory) noexcept {
  __m512 lanes_f32x16[Count][kTileRows];
  for (std::size_t t = 0; t < Count; ++t) {
    for (std::size_t r = 0; r < kTileRows; ++r) {
      lanes_f32x16[t][r] = _mm512_loadu_ps(memory + (t * kTileRows + r) * kLanes);
    }
  }
  for (std::size_t c = 0; c < tile.units * kPairColumns; c += kPairColumns) {
    __m512bh weights_bf16x32[kTileRows];
    for (std::size_t r = 0; r < kTileRows; ++r) {
      weights_bf16x32[r] = load_pairs(tile.rows + r * tile.stride + c);
    }
    for (std::size_t t = 0; t < Count; ++t) {
      const __m512bh values_bf16x32 = load_pairs(x + t * x_stride + c);
      for (std::size_t r = 0; r < kTileRows; ++r) {
        lanes_f32x16[t][r] =
            _mm512_dpbf16_ps(lanes_f32x16[t][r], weights_bf16x32[r], values_bf16x32);
      }
    }
  }
  for (std::size_t t = 0; t < Count; ++t) {
    for (std::size_t r = 0; r < kTileRows; ++r) {
      _mm512_storeu_ps(memory + (t * kTileRows + r) * kLanes, lanes_f32x16[t][r]);
    }
  }
}

void accumulate(const PairTile& tile, std::size_t tokens, const std::uint16_t* x,
                std::size_t x_stride, float* lanes) noexcept {
  constexpr std::size_t kPerToken = kTileRows * kLanes;
  std::size_t t = 0;
  for (; t + kMostTokens <= tokens; t += kMostTokens) {
    accumulate_some<kMostTokens>(tile, x + t * x_stride, x_stride, lanes + t * kPerToken);
  }
  for (; t + 2 <= tokens; t += 2) {
    accumulate_some<2>(tile, x + t * x_stride, x_stride, lanes + t * kPerToken);
  }
  if (t < tokens) accumulate_some<1>(tile, x + t * x_stride, x_stride, lanes + t * kPerToken);
}

// Columns 0 to 15 in the upper halves of words, 16 to 31 in the lower.
__m512i paired(__m256i first_u16x16, __m256i second_u16x16) noexcept {
  return _mm512_or_si512(_mm512_slli_epi32(_mm512_cvtepu16_epi32(first_u16x16), 16),
                         _mm512_cvtepu16_epi32(second_u16x16));
}

void pair(const std::uint16_t* row, std::size_t columns, std::uint16_t* pairs) noexcept {
  for (std::size_t c = 0; c < columns; c += kPairColumns) {
    const std::size_t left = columns - c;
    const __mmask16 low = mask_of_left(left);
    const __mmask16 high = mask_of_left(left > kHalf ? left - kHalf : 0);
    _mm512_storeu_si512(pairs + c, paired(_mm256_maskz_loadu_epi16(low, row + c),
                                          _mm256_maskz_loadu_epi16(high, row + c + kHalf)));
  }
}

// In the upper halves of words. The instruction that rounds would flush denormals.
__m512i rounded(const float* x, __mmask16 there) noexcept {
  const __m512i minus_zero_u32x16 = _mm512_set1_epi32(static_cast<int>(0x80000000));
  const __m512i bits_u32x16 = _mm512_mask_loadu_epi32(minus_zero_u32x16, there, x);
  const __m512i odd_u32x16 =
      _mm512_and_si512(_mm512_srli_epi32(bits_u32x16, 16), _mm512_set1_epi32(1));
  const __m512i near_u32x16 =
      _mm512_add_epi32(bits_u32x16, _mm512_add_epi32(odd_u32x16, _mm512_set1_epi32(0x7FFF)));
  const __m512 value_f32x16 = _mm512_castsi512_ps(bits_u32x16);
  const __mmask16 nan = _mm512_cmp_ps_mask(value_f32x16, value_f32x16, _CMP_UNORD_Q);
  const __m512i quiet_u32x16 = _mm512_or_si512(bits_u32x16, _mm512_set1_epi32(0x400000));
  return _mm512_mask_blend_epi32(nan, near_u32x16, quiet_u32x16);
}

void round(const float* x, std::size_t columns, std::uint16_t* pairs) noexcept {
  const __m512i upper_u32x16 = _mm512_set1_epi32(static_cast<int>(0xFFFF0000));
  for (std::size_t c = 0; c < columns; c += kPairColumns) {
    const std::size_t left = columns - c;
    const __m512i first_u32x16 = rounded(x + c, mask_of_left(left));
    const __m512i second_u32x16 =
        rounded(x + c + kHalf, mask_of_left(left > kHalf ? left - kHalf : 0));
    const __m512i both_u32x16 = _mm512_or_si512(_mm512_and_si512(first_u32x16, upper_u32x16),
                                                _mm512_srli_epi32(second_u32x16, 16));
    _mm512_storeu_si512(pairs + c, both_u32x16);
  }
}

// The unpacked words of two rows hold columns as in pairs, except that their halves are swapped:
// the lower half of a register belongs to the first row, the upper half to the second.
void store_rows(const std::uint8_t* lower, __m512i upper_u8x64, std::uint16_t* pairs,
                std::size_t stride) noexcept {
  const __m512i bytes_u8x64 = _mm512_loadu_si512(lower);
  const __m512i near_u16x32 = _mm512_rol_epi32(_mm512_unpacklo_epi8(bytes_u8x64, upper_u8x64), 16);
  const __m512i far_u16x32 = _mm512_rol_epi32(_mm512_unpackhi_epi8(bytes_u8x64, upper_u8x64), 16);
  _mm512_storeu_si512(pairs,
                      _mm512_inserti64x4(near_u16x32, _mm512_castsi512_si256(far_u16x32), 1));
  _mm512_storeu_si512(pairs + stride,
                      _mm512_inserti64x4(far_u16x32, _mm512_extracti64x4_epi64(near_u16x32, 1), 0));
}

void unpack(const Bf16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
            std::uint16_t* pairs, std::size_t stride) noexcept {
  constexpr std::size_t kPairBytes = 2 * kUnitColumns;
  GroupPlanes planes = planes_of(weight, group);
  const __m512i table_u8x64 = load_wide_table(planes.table);
  const auto upper = [&](std::size_t unit, std::uint8_t* bytes) noexcept {
    for (std::size_t p = 0; p < 2; ++p) {
      _mm512_storeu_si512(
          bytes + p * kPairBytes,
          look_up_pairs(table_u8x64, planes.codes + unit * kUnitCodes + p * kUnitColumns));
    }
  };
  const auto store = [&](std::size_t unit, std::size_t p, __m512i bytes_u8x64) noexcept {
    store_rows(planes.lower + unit * kUnitLower + p * kPairBytes, bytes_u8x64,
               pairs + 2 * p * stride + (unit - begin) * kPairColumns, stride);
  };
  const auto stored = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
    for (std::size_t p = 0; p < 2; ++p) {
      store(unit, p, _mm512_loadu_si512(bytes + p * kPairBytes));
    }
  };
  const auto coded = [&](std::size_t unit, std::size_t stop) noexcept {
    for (; unit < stop; ++unit) {
      for (std::size_t p = 0; p < 2; ++p) {
        store(unit, p,
              look_up_pairs(table_u8x64, planes.codes + unit * kUnitCodes + p * kUnitColumns));
      }
    }
  };
  for_each_run(planes, begin, end, upper, coded, stored);
}

}  // namespace

const Bf16DotKernels bf16_dot_avx512 = {accumulate, pair, round, unpack};

}  // namespace meadow::kernels
