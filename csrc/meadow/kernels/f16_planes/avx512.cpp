// Two rows share a register until they are F16: its lower half is one of them, its upper half the
// other. Of 64 weights: 5 operations for the codes, 1 vpermb, a store and a load, 2 unpacks, 2
// extracts, 4 conversions, 4 multiply-adds.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/f16_planes/strip.h"
#include "meadow/kernels/lanes_avx512.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kPairs = kGroupRows / 2;
constexpr std::size_t kPairBytes = 2 * kUnitColumns;
constexpr std::size_t kLine = 64;
// How far ahead both planes are prefetched, in bytes, while a strip is multiplied: prefetching all
// at once, while it is decoded, was 0.15 slower. The best of 4, 6, 8 and 12 KiB on Zen 5.
constexpr std::size_t kAhead = 6144;

// The 32 columns of two rows, in order.
struct Pair {
  __m512 columns_f32x16[2][2];
};

__m512i both_halves(const std::uint8_t* from) noexcept {
  return _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

__m512i halves_of(int low, int high) noexcept {
  return _mm512_inserti64x4(_mm512_set1_epi32(low), _mm256_set1_epi32(high), 1);
}

// vpermb ignores the two bits above a code, which are arbitrary.
template <std::size_t P>
__m512i looked_up(__m512i table_u8x64, const std::uint8_t* codes) noexcept {
  const __m512i low_u8x64 =
      _mm512_srlv_epi32(both_halves(codes + P * kUnitColumns), halves_of(0, 4));
  const __m512i turns_u32x16 = P == 0 ? halves_of(4, 2) : halves_of(0, 30);
  const __m512i high_u8x64 = _mm512_rolv_epi32(both_halves(codes + kF16HighCodes), turns_u32x16);
  constexpr int kFirstSelects = 0xCA;
  const __m512i code_u8x64 =
      _mm512_ternarylogic_epi32(_mm512_set1_epi8(15), low_u8x64, high_u8x64, kFirstSelects);
  return _mm512_permutexvar_epi8(code_u8x64, table_u8x64);
}

Pair merged(const std::uint8_t* lower, const std::uint8_t* upper_bytes) noexcept {
  const __m512i bytes_u8x64 = _mm512_loadu_si512(lower);
  const __m512i upper_u8x64 = _mm512_loadu_si512(upper_bytes);
  const __m512i near_f16x32 = _mm512_unpacklo_epi8(bytes_u8x64, upper_u8x64);
  const __m512i far_f16x32 = _mm512_unpackhi_epi8(bytes_u8x64, upper_u8x64);
  return {{{_mm512_cvtph_ps(_mm512_castsi512_si256(near_f16x32)),
            _mm512_cvtph_ps(_mm512_castsi512_si256(far_f16x32))},
           {_mm512_cvtph_ps(_mm512_extracti64x4_epi64(near_f16x32, 1)),
            _mm512_cvtph_ps(_mm512_extracti64x4_epi64(far_f16x32, 1))}}};
}

void prefetch(const std::uint8_t* codes, const std::uint8_t* lower) noexcept {
  for (std::size_t line = 0; line < 2; ++line) {
    _mm_prefetch(reinterpret_cast<const char*>(codes) + kAhead + line * kLine, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(lower) + kAhead + line * kLine, _MM_HINT_T0);
  }
}

void decode(const F16Strip& strip, __m512i table_u8x64, std::uint8_t* bytes) noexcept {
  for (std::size_t n = 0; n < strip.units; ++n) {
    const std::uint8_t* codes = strip.codes + n * kF16UnitCodes;
    _mm512_storeu_si512(bytes + n * kUnitLower, looked_up<0>(table_u8x64, codes));
    _mm512_storeu_si512(bytes + n * kUnitLower + kPairBytes, looked_up<1>(table_u8x64, codes));
  }
  put_in_place(strip, bytes);
}

template <std::size_t Count>
struct Sums {
  __m512 lanes_f32x16[Count][kGroupRows];

  void add(std::size_t p, const Pair& pair, const float* x, std::size_t stride) noexcept {
    for (std::size_t t = 0; t < Count; ++t) {
      for (std::size_t half = 0; half < 2; ++half) {
        const __m512 values_f32x16 = _mm512_loadu_ps(x + t * stride + half * kLanes);
        for (std::size_t r = 0; r < 2; ++r) {
          __m512& sum_f32x16 = lanes_f32x16[t][2 * p + r];
          sum_f32x16 = _mm512_fmadd_ps(pair.columns_f32x16[r][half], values_f32x16, sum_f32x16);
        }
      }
    }
  }

  // The last unit, of which only the first `count` columns exist.
  void add_few(std::size_t p, const Pair& pair, const float* x, std::size_t stride,
               std::size_t count) noexcept {
    for (std::size_t half = 0; half * kLanes < count; ++half) {
      const std::size_t there = count - half * kLanes < kLanes ? count - half * kLanes : kLanes;
      const __mmask16 few = mask_of_first(there);
      for (std::size_t t = 0; t < Count; ++t) {
        const __m512 values_f32x16 = _mm512_maskz_loadu_ps(few, x + t * stride + half * kLanes);
        for (std::size_t r = 0; r < 2; ++r) {
          __m512& sum_f32x16 = lanes_f32x16[t][2 * p + r];
          sum_f32x16 =
              _mm512_mask3_fmadd_ps(pair.columns_f32x16[r][half], values_f32x16, sum_f32x16, few);
        }
      }
    }
  }

  [[nodiscard]] float total(std::size_t t, std::size_t row) const noexcept {
    return sum_of_lanes(lanes_f32x16[t][row]);
  }
};

// Multiplies a strip that has the first of `columns` columns. A loop over only whole units keeps
// its sums in registers: with a branch for the last unit inside, it took 1.3 times as long.
template <std::size_t Count>
void add_strip(const F16Strip& strip, const std::uint8_t* upper, std::size_t columns,
               const float* x, std::size_t stride, Sums<Count>& sums) noexcept {
  const std::size_t there = columns / kUnitColumns;
  const std::size_t whole = there < strip.units ? there : strip.units;
  const std::uint8_t* lower = strip.lower;
  for (std::size_t n = 0; n < whole; ++n) {
    prefetch(strip.codes + n * kF16UnitCodes, lower);
    sums.add(0, merged(lower, upper), x, stride);
    sums.add(1, merged(lower + kPairBytes, upper + kPairBytes), x, stride);
    lower += kUnitLower;
    upper += kUnitLower;
    x += kUnitColumns;
  }
  if (whole == strip.units) return;
  sums.add_few(0, merged(lower, upper), x, stride, columns % kUnitColumns);
  sums.add_few(1, merged(lower + kPairBytes, upper + kPairBytes), x, stride,
               columns % kUnitColumns);
}

template <std::size_t Count>
void multiply_group(const F16PlaneRows& weight, std::size_t group, std::size_t rows,
                    const Tokens& tokens, std::size_t token) noexcept {
  const __m512i table_u8x64 = _mm512_loadu_si512(f16_table_of(weight, group));
  const std::size_t units = units_of(weight.columns);
  const float* x = tokens.x + token * tokens.x_stride;
  Sums<Count> sums = {};
  for (std::size_t begin = 0; begin < units; begin += kStripUnits) {
    alignas(kLine) std::uint8_t bytes[kStripBytes];
    const F16Strip strip = f16_strip_of(weight, group, begin, units);
    decode(strip, table_u8x64, bytes);
    const std::size_t column = begin * kUnitColumns;
    add_strip(strip, bytes, weight.columns - column, x + column, tokens.x_stride, sums);
  }
  for (std::size_t t = 0; t < Count; ++t) {
    float* y = tokens.y + (token + t) * tokens.y_stride;
    for (std::size_t row = 0; row < kGroupRows && row < rows; ++row) y[row] = sums.total(t, row);
  }
}

void multiply(const F16PlaneRows& weight, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  std::size_t t = 0;
  for (; t + 4 <= tokens.count; t += 4) multiply_group<4>(weight, group, rows, tokens, t);
  if (tokens.count - t == 3) multiply_group<3>(weight, group, rows, tokens, t);
  if (tokens.count - t == 2) multiply_group<2>(weight, group, rows, tokens, t);
  if (tokens.count - t == 1) multiply_group<1>(weight, group, rows, tokens, t);
}

void store(const Pair& pair, float* to, std::size_t stride) noexcept {
  for (std::size_t r = 0; r < 2; ++r) {
    _mm512_storeu_ps(to + r * stride, pair.columns_f32x16[r][0]);
    _mm512_storeu_ps(to + r * stride + kLanes, pair.columns_f32x16[r][1]);
  }
}

void widen(const F16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  const __m512i table_u8x64 = _mm512_loadu_si512(f16_table_of(weight, group));
  for (; begin < end; begin += kStripUnits) {
    alignas(kLine) std::uint8_t bytes[kStripBytes];
    const F16Strip strip = f16_strip_of(weight, group, begin, end);
    decode(strip, table_u8x64, bytes);
    for (std::size_t n = 0; n < strip.units; ++n, widened += kUnitColumns) {
      const std::size_t at = n * kUnitLower;
      store(merged(strip.lower + at, bytes + at), widened, stride);
      store(merged(strip.lower + at + kPairBytes, bytes + at + kPairBytes), widened + 2 * stride,
            stride);
    }
  }
}

}  // namespace

const F16PlanesKernels f16_planes_avx512 = {multiply, widen};

}  // namespace meadow::kernels
