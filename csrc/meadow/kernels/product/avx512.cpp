// A lane of the contract is a lane of one register. Four rows at a time share the inputs; a
// single row would wait for its own sum, 4 cycles per step.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/lanes_avx512.h"
#include "meadow/kernels/product/product.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kRows = 4;
constexpr std::size_t kMostTokens = 6;  // 24 sums, 4 rows and 1 input in 32 registers
// How far ahead each of the current rows is prefetched, in bytes. Of 1 to 4 streams, a part of the
// rows apart, and 1 to 8 KiB, four streams of 2 KiB came closest to the bandwidth (Zen 5).
constexpr std::size_t kAhead = 2048;
constexpr std::size_t kLine = 64;

// Loads of 16 values, or of the first few and zeros.
struct F32 {
  using Value = float;
  static __m512 load(const float* p) noexcept { return _mm512_loadu_ps(p); }
  static __m512 load(const float* p, __mmask16 few) noexcept {
    return _mm512_maskz_loadu_ps(few, p);
  }
};

struct Bf16 {
  using Value = std::uint16_t;
  static __m512 load(const std::uint16_t* p) noexcept {
    return widened_bf16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static __m512 load(const std::uint16_t* p, __mmask16 few) noexcept {
    return widened_bf16(_mm256_maskz_loadu_epi16(few, p));
  }
};

// The instruction would make signalling NaN quiet, so the bits of NaN are restored.
struct F16 {
  using Value = std::uint16_t;
  static __m512 widened(__m256i bits_u16x16) noexcept {
    const __m512 plain_f32x16 = _mm512_cvtph_ps(bits_u16x16);
    const __mmask16 nan = _mm512_cmp_ps_mask(plain_f32x16, plain_f32x16, _CMP_UNORD_Q);
    if (nan == 0) return plain_f32x16;
    const __m512i wide_u32x16 = _mm512_cvtepu16_epi32(bits_u16x16);
    const __m512i sign_u32x16 = _mm512_slli_epi32(_mm512_srli_epi32(wide_u32x16, 15), 31);
    const __m512i low_u32x16 =
        _mm512_slli_epi32(_mm512_and_si512(wide_u32x16, _mm512_set1_epi32(0x3FF)), 13);
    const __m512i bits_of_nan_u32x16 =
        _mm512_or_si512(_mm512_or_si512(sign_u32x16, low_u32x16), _mm512_set1_epi32(0x7F800000));
    return _mm512_mask_blend_ps(nan, plain_f32x16, _mm512_castsi512_ps(bits_of_nan_u32x16));
  }
  static __m512 load(const std::uint16_t* p) noexcept {
    return widened(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
  }
  static __m512 load(const std::uint16_t* p, __mmask16 few) noexcept {
    return widened(_mm256_maskz_loadu_epi16(few, p));
  }
};

// Current row r begins `apart` rows after current row r - 1, so each is a stream of its own, whose
// next row follows in memory. Neighbouring rows reach 0.86 of the bandwidth, rows apart reach all
// of it (Zen 5).
struct Place {
  std::size_t row;
  std::size_t apart;
};

template <typename Value>
void ask_ahead(const Value* at) noexcept {
  _mm_prefetch(reinterpret_cast<const char*>(at) + kAhead, _MM_HINT_T0);
}

// 16 columns of `Rows` rows, `step` values apart, by `Count` tokens.
template <typename Type, std::size_t Rows, std::size_t Count>
void add(const typename Type::Value* from, std::size_t step, const float* x, std::size_t x_stride,
         __m512 (&lanes_f32x16)[Count][Rows]) noexcept {
  for (std::size_t r = 0; r < Rows; ++r) {
    const __m512 weights_f32x16 = Type::load(from + r * step);
    for (std::size_t t = 0; t < Count; ++t) {
      lanes_f32x16[t][r] =
          _mm512_fmadd_ps(weights_f32x16, _mm512_loadu_ps(x + t * x_stride), lanes_f32x16[t][r]);
    }
  }
}

template <typename Type, std::size_t Rows, std::size_t Count>
void add_first(const typename Type::Value* from, std::size_t step, const float* x,
               std::size_t x_stride, __mmask16 mask, __m512 (&lanes_f32x16)[Count][Rows]) noexcept {
  for (std::size_t r = 0; r < Rows; ++r) {
    const __m512 weights_f32x16 = Type::load(from + r * step, mask);
    for (std::size_t t = 0; t < Count; ++t) {
      const __m512 values_f32x16 = _mm512_maskz_loadu_ps(mask, x + t * x_stride);
      lanes_f32x16[t][r] =
          _mm512_mask3_fmadd_ps(weights_f32x16, values_f32x16, lanes_f32x16[t][r], mask);
    }
  }
}

template <typename Type, std::size_t Rows, std::size_t Count>
void few(const DenseRows<typename Type::Value>& rows, Place place, const Tokens& tokens,
         std::size_t token) noexcept {
  constexpr std::size_t kStep = kLine / sizeof(typename Type::Value);
  __m512 lanes_f32x16[Count][Rows] = {};
  const auto* from = rows.values + place.row * rows.stride;
  const std::size_t step = place.apart * rows.stride;
  const float* x = tokens.x + token * tokens.x_stride;
  std::size_t c = 0;
  for (; c + kStep <= rows.columns; c += kStep) {
    for (std::size_t r = 0; r < Rows; ++r) ask_ahead(from + r * step + c);
    for (std::size_t i = 0; i < kStep; i += kLanes) {
      add<Type, Rows, Count>(from + c + i, step, x + c + i, tokens.x_stride, lanes_f32x16);
    }
  }
  for (; c + kLanes <= rows.columns; c += kLanes) {
    add<Type, Rows, Count>(from + c, step, x + c, tokens.x_stride, lanes_f32x16);
  }
  if (const __mmask16 left = mask_of_first(rows.columns - c); left != 0) {
    add_first<Type, Rows, Count>(from + c, step, x + c, tokens.x_stride, left, lanes_f32x16);
  }
  for (std::size_t t = 0; t < Count; ++t) {
    float* y = tokens.y + (token + t) * tokens.y_stride + place.row;
    for (std::size_t r = 0; r < Rows; ++r) y[r * place.apart] = sum_of_lanes(lanes_f32x16[t][r]);
  }
}

template <typename Type, std::size_t Count>
void all_rows(const DenseRows<typename Type::Value>& rows, const Tokens& tokens,
              std::size_t token) noexcept {
  const std::size_t apart = rows.rows / kRows;
  for (std::size_t r = 0; r < apart; ++r) few<Type, kRows, Count>(rows, {r, apart}, tokens, token);
  for (std::size_t r = apart * kRows; r < rows.rows; ++r) {
    few<Type, 1, Count>(rows, {r, 0}, tokens, token);
  }
}

template <typename Type>
void multiply(const DenseRows<typename Type::Value>& rows, const Tokens& tokens) noexcept {
  std::size_t t = 0;
  for (; t + kMostTokens <= tokens.count; t += kMostTokens) {
    all_rows<Type, kMostTokens>(rows, tokens, t);
  }
  if (tokens.count - t == 5) all_rows<Type, 5>(rows, tokens, t);
  if (tokens.count - t == 4) all_rows<Type, 4>(rows, tokens, t);
  if (tokens.count - t == 3) all_rows<Type, 3>(rows, tokens, t);
  if (tokens.count - t == 2) all_rows<Type, 2>(rows, tokens, t);
  if (tokens.count - t == 1) all_rows<Type, 1>(rows, tokens, t);
}

// Four rows by `Count` tokens: 24 sums for six of them, 4 rows and 1 input in registers. Two
// short loops: a single one over all sums would not be unrolled and would keep them in memory.
template <std::size_t Count>
void accumulate_some(const Tile& tile, const float* x, std::size_t x_stride,
                     float* memory) noexcept {
  __m512 lanes_f32x16[Count][kTileRows];
  for (std::size_t t = 0; t < Count; ++t) {
    for (std::size_t r = 0; r < kTileRows; ++r) {
      lanes_f32x16[t][r] = _mm512_loadu_ps(memory + (t * kTileRows + r) * kLanes);
    }
  }
  std::size_t c = 0;
  for (; c + kLanes <= tile.columns; c += kLanes) {
    __m512 weights_f32x16[kTileRows];
    for (std::size_t r = 0; r < kTileRows; ++r) {
      weights_f32x16[r] = _mm512_loadu_ps(tile.rows + r * tile.stride + c);
    }
    for (std::size_t t = 0; t < Count; ++t) {
      const __m512 values_f32x16 = _mm512_loadu_ps(x + t * x_stride + c);
      for (std::size_t r = 0; r < kTileRows; ++r) {
        lanes_f32x16[t][r] = _mm512_fmadd_ps(weights_f32x16[r], values_f32x16, lanes_f32x16[t][r]);
      }
    }
  }
  if (const __mmask16 left = mask_of_first(tile.columns - c); left != 0) {
    for (std::size_t t = 0; t < Count; ++t) {
      const __m512 values_f32x16 = _mm512_maskz_loadu_ps(left, x + t * x_stride + c);
      for (std::size_t r = 0; r < kTileRows; ++r) {
        const __m512 weights_f32x16 = _mm512_maskz_loadu_ps(left, tile.rows + r * tile.stride + c);
        lanes_f32x16[t][r] =
            _mm512_mask3_fmadd_ps(weights_f32x16, values_f32x16, lanes_f32x16[t][r], left);
      }
    }
  }
  for (std::size_t t = 0; t < Count; ++t) {
    for (std::size_t r = 0; r < kTileRows; ++r) {
      _mm512_storeu_ps(memory + (t * kTileRows + r) * kLanes, lanes_f32x16[t][r]);
    }
  }
}

void accumulate(const Tile& tile, std::size_t tokens, const float* x, std::size_t x_stride,
                float* lanes) noexcept {
  constexpr std::size_t kStep = 6;
  constexpr std::size_t kPerToken = kTileRows * kLanes;
  std::size_t t = 0;
  for (; t + kStep <= tokens; t += kStep) {
    accumulate_some<kStep>(tile, x + t * x_stride, x_stride, lanes + t * kPerToken);
  }
  for (; t + 2 <= tokens; t += 2) {
    accumulate_some<2>(tile, x + t * x_stride, x_stride, lanes + t * kPerToken);
  }
  if (t < tokens) accumulate_some<1>(tile, x + t * x_stride, x_stride, lanes + t * kPerToken);
}

// One step of the order on two registers: the second half of each group of `Width` lanes is added
// to the first half. The results of `a` lie before those of `b`.
template <int First, int Second>
__m512 folded_pair(__m512 a_f32x16, __m512 b_f32x16) noexcept {
  return _mm512_add_ps(_mm512_shuffle_f32x4(a_f32x16, b_f32x16, First),
                       _mm512_shuffle_f32x4(a_f32x16, b_f32x16, Second));
}

// Sixteen sums at once: 30 shuffles and 15 additions, compared with 64 and 64 one at a time.
__m512 sums_of_16(const float* lanes) noexcept {
  __m512 by8_f32x16[8];
  for (std::size_t i = 0; i < 8; ++i) {
    by8_f32x16[i] = folded_pair<0x44, 0xEE>(_mm512_loadu_ps(lanes + 2 * i * kLanes),
                                            _mm512_loadu_ps(lanes + (2 * i + 1) * kLanes));
  }
  __m512 by4_f32x16[4];
  for (std::size_t i = 0; i < 4; ++i)
    by4_f32x16[i] = folded_pair<0x88, 0xDD>(by8_f32x16[2 * i], by8_f32x16[2 * i + 1]);
  __m512 by2_f32x16[2];
  for (std::size_t i = 0; i < 2; ++i) {
    const __m512 low_f32x16 = _mm512_shuffle_ps(by4_f32x16[2 * i], by4_f32x16[2 * i + 1], 0x44);
    by2_f32x16[i] = _mm512_add_ps(
        low_f32x16, _mm512_shuffle_ps(by4_f32x16[2 * i], by4_f32x16[2 * i + 1], 0xEE));
  }
  const __m512 even_f32x16 = _mm512_shuffle_ps(by2_f32x16[0], by2_f32x16[1], 0x88);
  const __m512 all_f32x16 =
      _mm512_add_ps(even_f32x16, _mm512_shuffle_ps(by2_f32x16[0], by2_f32x16[1], 0xDD));
  // 128-bit lane k holds the sums of registers k, 4 + k, 8 + k and 12 + k.
  const __m512i order_i32x16 =
      _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_ps(order_i32x16, all_f32x16);
}

void reduce(const float* lanes, std::size_t count, float* results) noexcept {
  std::size_t i = 0;
  for (; i + 16 <= count; i += 16) _mm512_storeu_ps(results + i, sums_of_16(lanes + i * kLanes));
  for (; i < count; ++i) results[i] = sum_of_lanes(_mm512_loadu_ps(lanes + i * kLanes));
}

template <typename Type>
void widen(const std::uint16_t* values, std::size_t count, float* to) noexcept {
  std::size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) _mm512_storeu_ps(to + i, Type::load(values + i));
  const __mmask16 left = mask_of_first(count - i);
  if (left != 0) _mm512_mask_storeu_ps(to + i, left, Type::load(values + i, left));
}

}  // namespace

const ProductKernels product_avx512 = {multiply<F32>, multiply<Bf16>, multiply<F16>, accumulate,
                                       reduce,        widen<Bf16>,    widen<F16>};

}  // namespace meadow::kernels
