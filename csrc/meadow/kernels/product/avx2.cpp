// Lanes 0 to 7 and 8 to 15 of the contract are two registers. Four rows at a time share the
// inputs; a single row would wait for its own sums, 4 or 5 cycles per step.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "meadow/kernels/lanes_avx2.h"
#include "meadow/kernels/product/product.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kRows = 4;
constexpr std::size_t kMostTokens = 2;  // 16 registers: with three tokens sums would go to memory
constexpr std::size_t kHalf = 8;
// How far ahead each of the current rows is prefetched, in bytes. Of 1 to 4 streams, a part of the
// rows apart, and 1 to 8 KiB, four streams of 2 KiB came closest to the bandwidth (Zen 5).
constexpr std::size_t kAhead = 2048;
constexpr std::size_t kLine = 64;

struct F32 {
  using Value = float;
  static __m256 load(const float* p) noexcept { return _mm256_loadu_ps(p); }
};

struct Bf16 {
  using Value = std::uint16_t;
  static __m256 load(const std::uint16_t* p) noexcept {
    return widened_bf16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
};

// The instruction would make signalling NaN quiet, so the bits of NaN are restored.
struct F16 {
  using Value = std::uint16_t;
  static __m256 load(const std::uint16_t* p) noexcept {
    const __m128i bits_u16x8 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m256 plain_f32x8 = _mm256_cvtph_ps(bits_u16x8);
    const __m256 nan_f32x8 = _mm256_cmp_ps(plain_f32x8, plain_f32x8, _CMP_UNORD_Q);
    if (_mm256_movemask_ps(nan_f32x8) == 0) return plain_f32x8;
    const __m256i wide_u32x8 = _mm256_cvtepu16_epi32(bits_u16x8);
    const __m256i sign_u32x8 = _mm256_slli_epi32(_mm256_srli_epi32(wide_u32x8, 15), 31);
    const __m256i low_u32x8 =
        _mm256_slli_epi32(_mm256_and_si256(wide_u32x8, _mm256_set1_epi32(0x3FF)), 13);
    const __m256i bits_of_nan_u32x8 =
        _mm256_or_si256(_mm256_or_si256(sign_u32x8, low_u32x8), _mm256_set1_epi32(0x7F800000));
    return _mm256_blendv_ps(plain_f32x8, _mm256_castsi256_ps(bits_of_nan_u32x8), nan_f32x8);
  }
};

// The first `count` of 8 values, and zeros.
template <typename Type>
__m256 load_few(const typename Type::Value* p, std::size_t count) noexcept {
  typename Type::Value copy[kHalf] = {};
  std::memcpy(copy, p, count * sizeof *p);
  return Type::load(copy);
}

__m256 first(std::size_t count) noexcept {
  const __m256i index_i32x8 = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_castsi256_ps(
      _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), index_i32x8));
}

// Lanes past the columns stay unchanged: adding 0 would turn -0 into 0.
template <typename Type>
__m256 add_few(const typename Type::Value* weights, const float* x, std::size_t count,
               __m256 lanes_f32x8) noexcept {
  const __m256 product_f32x8 =
      _mm256_fmadd_ps(load_few<Type>(weights, count), load_few<F32>(x, count), lanes_f32x8);
  return _mm256_blendv_ps(lanes_f32x8, product_f32x8, first(count));
}

// The rest of a row after its last whole 16 columns.
template <typename Type>
void add_tail(const typename Type::Value* weights, const float* x, std::size_t count,
              __m256* lanes_f32x8) noexcept {
  const std::size_t low = count < kHalf ? count : kHalf;
  lanes_f32x8[0] = add_few<Type>(weights, x, low, lanes_f32x8[0]);
  if (count > kHalf) {
    lanes_f32x8[1] = add_few<Type>(weights + kHalf, x + kHalf, count - kHalf, lanes_f32x8[1]);
  }
}

float sum(__m256 low_f32x8, __m256 high_f32x8) noexcept {
  return sum_of_lanes(_mm256_add_ps(low_f32x8, high_f32x8));
}

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
         __m256 (&lanes_f32x8)[Count][Rows][2]) noexcept {
  for (std::size_t r = 0; r < Rows; ++r) {
    const __m256 low_f32x8 = Type::load(from + r * step);
    const __m256 high_f32x8 = Type::load(from + r * step + kHalf);
    for (std::size_t t = 0; t < Count; ++t) {
      const float* values = x + t * x_stride;
      lanes_f32x8[t][r][0] =
          _mm256_fmadd_ps(low_f32x8, _mm256_loadu_ps(values), lanes_f32x8[t][r][0]);
      lanes_f32x8[t][r][1] =
          _mm256_fmadd_ps(high_f32x8, _mm256_loadu_ps(values + kHalf), lanes_f32x8[t][r][1]);
    }
  }
}

template <typename Type, std::size_t Rows, std::size_t Count>
void few(const DenseRows<typename Type::Value>& rows, Place place, const Tokens& tokens,
         std::size_t token) noexcept {
  constexpr std::size_t kStep = kLine / sizeof(typename Type::Value);
  __m256 lanes_f32x8[Count][Rows][2] = {};
  const auto* from = rows.values + place.row * rows.stride;
  const std::size_t step = place.apart * rows.stride;
  const float* x = tokens.x + token * tokens.x_stride;
  std::size_t c = 0;
  for (; c + kStep <= rows.columns; c += kStep) {
    for (std::size_t r = 0; r < Rows; ++r) ask_ahead(from + r * step + c);
    for (std::size_t i = 0; i < kStep; i += kLanes) {
      add<Type, Rows, Count>(from + c + i, step, x + c + i, tokens.x_stride, lanes_f32x8);
    }
  }
  for (; c + kLanes <= rows.columns; c += kLanes) {
    add<Type, Rows, Count>(from + c, step, x + c, tokens.x_stride, lanes_f32x8);
  }
  for (std::size_t t = 0; t < Count; ++t) {
    float* y = tokens.y + (token + t) * tokens.y_stride + place.row;
    for (std::size_t r = 0; r < Rows; ++r) {
      if (c < rows.columns) {
        add_tail<Type>(from + r * step + c, x + t * tokens.x_stride + c, rows.columns - c,
                       lanes_f32x8[t][r]);
      }
      y[r * place.apart] = sum(lanes_f32x8[t][r][0], lanes_f32x8[t][r][1]);
    }
  }
}

template <typename Type, std::size_t Rows, std::size_t Count>
void all_rows(const DenseRows<typename Type::Value>& rows, const Tokens& tokens,
              std::size_t token) noexcept {
  const std::size_t apart = rows.rows / Rows;
  for (std::size_t r = 0; r < apart; ++r) few<Type, Rows, Count>(rows, {r, apart}, tokens, token);
  for (std::size_t r = apart * Rows; r < rows.rows; ++r) {
    few<Type, 1, Count>(rows, {r, 0}, tokens, token);
  }
}

template <typename Type>
void multiply(const DenseRows<typename Type::Value>& rows, const Tokens& tokens) noexcept {
  std::size_t t = 0;
  for (; t + kMostTokens <= tokens.count; t += kMostTokens) {
    all_rows<Type, kRows / 2, kMostTokens>(rows, tokens, t);
  }
  if (t < tokens.count) all_rows<Type, kRows, 1>(rows, tokens, t);
}

// Two rows by `Count` tokens: 12 sums for three of them.
template <std::size_t Count>
void accumulate_pair(const float* row, const Tile& tile, const float* x, std::size_t x_stride,
                     float* memory) noexcept {
  constexpr std::size_t kPerToken = kTileRows * kLanes;
  __m256 lanes_f32x8[Count][2][2];
  for (std::size_t i = 0; i < Count * 4; ++i) {
    lanes_f32x8[i / 4][i / 2 % 2][i % 2] =
        _mm256_loadu_ps(memory + i / 4 * kPerToken + i % 4 * kHalf);
  }
  std::size_t c = 0;
  for (; c + kLanes <= tile.columns; c += kLanes) {
    for (std::size_t half = 0; half < 2; ++half) {
      const __m256 first_row_f32x8 = _mm256_loadu_ps(row + c + half * kHalf);
      const __m256 second_row_f32x8 = _mm256_loadu_ps(row + tile.stride + c + half * kHalf);
      for (std::size_t t = 0; t < Count; ++t) {
        const __m256 values_f32x8 = _mm256_loadu_ps(x + t * x_stride + c + half * kHalf);
        lanes_f32x8[t][0][half] =
            _mm256_fmadd_ps(first_row_f32x8, values_f32x8, lanes_f32x8[t][0][half]);
        lanes_f32x8[t][1][half] =
            _mm256_fmadd_ps(second_row_f32x8, values_f32x8, lanes_f32x8[t][1][half]);
      }
    }
  }
  for (std::size_t i = 0; c < tile.columns && i < Count * 2; ++i) {
    add_tail<F32>(row + i % 2 * tile.stride + c, x + i / 2 * x_stride + c, tile.columns - c,
                  lanes_f32x8[i / 2][i % 2]);
  }
  for (std::size_t i = 0; i < Count * 4; ++i) {
    _mm256_storeu_ps(memory + i / 4 * kPerToken + i % 4 * kHalf,
                     lanes_f32x8[i / 4][i / 2 % 2][i % 2]);
  }
}

template <std::size_t Count>
void accumulate_some(const Tile& tile, const float* x, std::size_t x_stride,
                     float* lanes) noexcept {
  for (std::size_t r = 0; r < kTileRows; r += 2) {
    accumulate_pair<Count>(tile.rows + r * tile.stride, tile, x, x_stride, lanes + r * kLanes);
  }
}

void accumulate(const Tile& tile, std::size_t tokens, const float* x, std::size_t x_stride,
                float* lanes) noexcept {
  constexpr std::size_t kStep = 3;
  constexpr std::size_t kPerToken = kTileRows * kLanes;
  std::size_t t = 0;
  for (; t + kStep <= tokens; t += kStep) {
    accumulate_some<kStep>(tile, x + t * x_stride, x_stride, lanes + t * kPerToken);
  }
  for (; t < tokens; ++t) {
    accumulate_some<1>(tile, x + t * x_stride, x_stride, lanes + t * kPerToken);
  }
}

void reduce(const float* lanes, std::size_t count, float* results) noexcept {
  for (std::size_t i = 0; i < count; ++i, lanes += kLanes) {
    results[i] = sum(_mm256_loadu_ps(lanes), _mm256_loadu_ps(lanes + kHalf));
  }
}

template <typename Type>
void widen(const std::uint16_t* values, std::size_t count, float* to) noexcept {
  std::size_t i = 0;
  for (; i + kHalf <= count; i += kHalf) _mm256_storeu_ps(to + i, Type::load(values + i));
  if (i == count) return;
  float last[kHalf];
  _mm256_storeu_ps(last, load_few<Type>(values + i, count - i));
  std::memcpy(to + i, last, (count - i) * sizeof *to);
}

}  // namespace

const ProductKernels product_avx2 = {multiply<F32>, multiply<Bf16>, multiply<F16>, accumulate,
                                     reduce,        widen<Bf16>,    widen<F16>};

}  // namespace meadow::kernels
