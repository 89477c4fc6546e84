// Two rows share a register until they are F16: its lower half is one of them, its upper half the
// other. Of 64 weights: 5 operations for the codes, 1 vpermb, 5 for the escapes, 2 unpacks, 2
// extracts, 4 conversions, 4 multiply-adds.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/packed_f16/planes.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kPairs = kGroupRows / 2;
constexpr std::size_t kPairBytes = 2 * kUnitColumns;
constexpr std::size_t kLine = 64;
// Bytes in front of both planes, as in kernels/packed.
constexpr std::size_t kAhead = 4096;

// The 32 columns of two rows, in order.
struct Pair {
  __m512 columns[2][2];
};

__m512i both_halves(const std::uint8_t* from) noexcept {
  return _mm512_broadcast_i64x4(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
}

__m512i halves_of(int low, int high) noexcept {
  return _mm512_inserti64x4(_mm512_set1_epi32(low), _mm256_set1_epi32(high), 1);
}

// vpermb takes no notice of the two bits above a code, which are anything.
template <std::size_t P>
__m512i looked_up(__m512i table, const std::uint8_t* codes) noexcept {
  const __m512i low = _mm512_srlv_epi32(both_halves(codes + P * kUnitColumns), halves_of(0, 4));
  const __m512i turns = P == 0 ? halves_of(4, 2) : halves_of(0, 30);
  const __m512i high = _mm512_rolv_epi32(both_halves(codes + kF16HighCodes), turns);
  constexpr int kFirstSelects = 0xCA;
  const __m512i code = _mm512_ternarylogic_epi32(_mm512_set1_epi8(15), low, high, kFirstSelects);
  return _mm512_permutexvar_epi8(code, table);
}

__m512i with_escapes(__m512i upper, const std::uint8_t*& escape) noexcept {
  const __mmask64 escaped =
      _mm512_cmpeq_epi8_mask(upper, _mm512_set1_epi8(static_cast<char>(kF16Escaped)));
  const __m512i next = _mm512_loadu_si512(escape);
  escape += _mm_popcnt_u64(escaped);
  return _mm512_mask_expand_epi8(upper, escaped, next);
}

Pair merged(const std::uint8_t* lower, __m512i upper) noexcept {
  const __m512i bytes = _mm512_loadu_si512(lower);
  const __m512i near = _mm512_unpacklo_epi8(bytes, upper);
  const __m512i far = _mm512_unpackhi_epi8(bytes, upper);
  return {{{_mm512_cvtph_ps(_mm512_castsi512_si256(near)),
            _mm512_cvtph_ps(_mm512_castsi512_si256(far))},
           {_mm512_cvtph_ps(_mm512_extracti64x4_epi64(near, 1)),
            _mm512_cvtph_ps(_mm512_extracti64x4_epi64(far, 1))}}};
}

// Units are to be decoded one after another, and the pairs of each in order.
class Decoder {
 public:
  Decoder(const PackedF16Rows& packed, std::size_t group, std::size_t begin) noexcept
      : planes_(f16_planes_of(packed, group, begin)), table_(_mm512_loadu_si512(planes_.table)) {}

  template <std::size_t P>
  [[gnu::always_inline]] Pair pair(std::size_t unit) noexcept {
    const __m512i upper = looked_up<P>(table_, planes_.codes + unit * kF16UnitCodes);
    return merged(planes_.lower + unit * kUnitLower + P * kPairBytes,
                  with_escapes(upper, planes_.escape));
  }

  void prefetch(std::size_t unit) const noexcept {
    const char* codes = reinterpret_cast<const char*>(planes_.codes + unit * kF16UnitCodes);
    const char* lower = reinterpret_cast<const char*>(planes_.lower + unit * kUnitLower);
    _mm_prefetch(codes + kAhead, _MM_HINT_T0);
    _mm_prefetch(codes + kAhead + kLine, _MM_HINT_T0);
    _mm_prefetch(lower + kAhead, _MM_HINT_T0);
    _mm_prefetch(lower + kAhead + kLine, _MM_HINT_T0);
  }

 private:
  F16GroupPlanes planes_;
  __m512i table_;
};

template <std::size_t Count>
struct Sums {
  __m512 lanes[Count][kGroupRows];

  void add(std::size_t p, const Pair& pair, const float* x, std::size_t stride) noexcept {
    for (std::size_t t = 0; t < Count; ++t) {
      for (std::size_t half = 0; half < 2; ++half) {
        const __m512 values = _mm512_loadu_ps(x + t * stride + half * kLanes);
        for (std::size_t r = 0; r < 2; ++r) {
          __m512& sum = lanes[t][2 * p + r];
          sum = _mm512_fmadd_ps(pair.columns[r][half], values, sum);
        }
      }
    }
  }

  // The last unit, of which only the first `count` columns are there.
  void add_few(std::size_t p, const Pair& pair, const float* x, std::size_t stride,
               std::size_t count) noexcept {
    for (std::size_t half = 0; half * kLanes < count; ++half) {
      const std::size_t there = count - half * kLanes < kLanes ? count - half * kLanes : kLanes;
      const auto few = static_cast<__mmask16>((1U << there) - 1);
      for (std::size_t t = 0; t < Count; ++t) {
        const __m512 values = _mm512_maskz_loadu_ps(few, x + t * stride + half * kLanes);
        for (std::size_t r = 0; r < 2; ++r) {
          __m512& sum = lanes[t][2 * p + r];
          sum = _mm512_mask3_fmadd_ps(pair.columns[r][half], values, sum, few);
        }
      }
    }
  }

  [[nodiscard]] float total(std::size_t t, std::size_t row) const noexcept {
    const __m512 all = lanes[t][row];
    const __m256 by8 = _mm256_add_ps(_mm512_castps512_ps256(all), _mm512_extractf32x8_ps(all, 1));
    const __m128 by4 = _mm_add_ps(_mm256_castps256_ps128(by8), _mm256_extractf128_ps(by8, 1));
    const __m128 by2 = _mm_add_ps(by4, _mm_movehl_ps(by4, by4));
    return _mm_cvtss_f32(_mm_add_ss(by2, _mm_movehdup_ps(by2)));
  }
};

template <std::size_t Count>
void multiply_group(const PackedF16Rows& packed, std::size_t group, std::size_t rows,
                    const Tokens& tokens, std::size_t token) noexcept {
  Decoder decoder(packed, group, 0);
  const float* x = tokens.x + token * tokens.x_stride;
  const std::size_t whole = packed.columns / kUnitColumns;
  Sums<Count> sums = {};
  for (std::size_t unit = 0; unit < whole; ++unit) {
    decoder.prefetch(unit);
    sums.add(0, decoder.pair<0>(unit), x + unit * kUnitColumns, tokens.x_stride);
    sums.add(1, decoder.pair<1>(unit), x + unit * kUnitColumns, tokens.x_stride);
  }
  if (const std::size_t left = packed.columns % kUnitColumns; left != 0) {
    const float* last = x + whole * kUnitColumns;
    sums.add_few(0, decoder.pair<0>(whole), last, tokens.x_stride, left);
    sums.add_few(1, decoder.pair<1>(whole), last, tokens.x_stride, left);
  }
  for (std::size_t t = 0; t < Count; ++t) {
    float* y = tokens.y + (token + t) * tokens.y_stride;
    for (std::size_t row = 0; row < kGroupRows && row < rows; ++row) y[row] = sums.total(t, row);
  }
}

void multiply(const PackedF16Rows& packed, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  std::size_t t = 0;
  for (; t + 4 <= tokens.count; t += 4) multiply_group<4>(packed, group, rows, tokens, t);
  if (tokens.count - t == 3) multiply_group<3>(packed, group, rows, tokens, t);
  if (tokens.count - t == 2) multiply_group<2>(packed, group, rows, tokens, t);
  if (tokens.count - t == 1) multiply_group<1>(packed, group, rows, tokens, t);
}

void store(const Pair& pair, float* to, std::size_t stride) noexcept {
  for (std::size_t r = 0; r < 2; ++r) {
    _mm512_storeu_ps(to + r * stride, pair.columns[r][0]);
    _mm512_storeu_ps(to + r * stride + kLanes, pair.columns[r][1]);
  }
}

void widen(const PackedF16Rows& packed, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  Decoder decoder(packed, group, begin);
  for (std::size_t unit = begin; unit < end; ++unit) {
    float* to = widened + (unit - begin) * kUnitColumns;
    store(decoder.pair<0>(unit), to, stride);
    store(decoder.pair<1>(unit), to + 2 * stride, stride);
  }
}

}  // namespace

const PackedF16Kernels packed_f16_avx512 = {multiply, widen};

}  // namespace meadow::kernels
