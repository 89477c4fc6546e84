// For 32 weights: 5 operations for the codes, 4 pshufb, 3 blends, a store and a load, 2 unpacks, 2
// extracts, 4 conversions, 4 multiply-adds.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/f16_planes/strip.h"
#include "meadow/kernels/lanes_avx2.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kHalf = 8;
constexpr std::size_t kLine = 64;
constexpr std::size_t kTables = 4;  // of 16 entries, of which the upper 2 bits name one
constexpr std::size_t kMostTokens = 8;
// How far ahead both planes are prefetched, in bytes, while a strip is multiplied: see avx512.cpp.
constexpr std::size_t kAhead = 6144;

__m256i load(const std::uint8_t* p) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

struct Tables {
  __m256i of_u8x32[kTables];
};

Tables tables_of(const std::uint8_t* entries) noexcept {
  Tables tables;
  for (std::size_t i = 0; i < kTables; ++i) tables.of_u8x32[i] = load_table(entries + 16 * i);
  return tables;
}

// Blends go by the highest bit of a byte: `by_2` and `by_1` have bits 1 and 0 of the upper 2 there.
__m256i looked_up(const Tables& tables, __m256i low_u8x32, __m256i by_2_u8x32,
                  __m256i by_1_u8x32) noexcept {
  const __m256i first_u8x32 =
      _mm256_blendv_epi8(_mm256_shuffle_epi8(tables.of_u8x32[0], low_u8x32),
                         _mm256_shuffle_epi8(tables.of_u8x32[1], low_u8x32), by_1_u8x32);
  const __m256i second_u8x32 =
      _mm256_blendv_epi8(_mm256_shuffle_epi8(tables.of_u8x32[2], low_u8x32),
                         _mm256_shuffle_epi8(tables.of_u8x32[3], low_u8x32), by_1_u8x32);
  return _mm256_blendv_epi8(first_u8x32, second_u8x32, by_2_u8x32);
}

// Shifts bits 2 Row and 2 Row + 1 of each byte to its top; bits from the byte below are ignored.
template <std::size_t Row>
void decode_row(const Tables& tables, const std::uint8_t* codes, std::uint8_t* bytes) noexcept {
  const __m256i pair_u8x32 = load(codes + Row / 2 * kUnitColumns);
  const __m256i low_u8x32 =
      _mm256_and_si256(_mm256_srli_epi32(pair_u8x32, Row % 2 * 4), _mm256_set1_epi8(15));
  const __m256i high_u8x32 = load(codes + kF16HighCodes);
  const __m256i by_2_u8x32 = _mm256_slli_epi32(high_u8x32, 6 - 2 * Row);
  const __m256i by_1_u8x32 = _mm256_slli_epi32(high_u8x32, 7 - 2 * Row);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes + Row * kUnitColumns),
                      looked_up(tables, low_u8x32, by_2_u8x32, by_1_u8x32));
}

void prefetch(const std::uint8_t* codes, const std::uint8_t* lower) noexcept {
  for (std::size_t line = 0; line < 2; ++line) {
    _mm_prefetch(reinterpret_cast<const char*>(codes) + kAhead + line * kLine, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char*>(lower) + kAhead + line * kLine, _MM_HINT_T0);
  }
}

void decode(const F16Strip& strip, const Tables& tables, std::uint8_t* bytes) noexcept {
  for (std::size_t n = 0; n < strip.units; ++n) {
    const std::uint8_t* codes = strip.codes + n * kF16UnitCodes;
    decode_row<0>(tables, codes, bytes + n * kUnitLower);
    decode_row<1>(tables, codes, bytes + n * kUnitLower);
    decode_row<2>(tables, codes, bytes + n * kUnitLower);
    decode_row<3>(tables, codes, bytes + n * kUnitLower);
  }
  put_in_place(strip, bytes);
}

// The 32 columns of a row, eight and eight, in order.
struct Row {
  __m256 columns_f32x8[4];
};

Row merged(const std::uint8_t* lower, const std::uint8_t* upper) noexcept {
  const __m256i near_f16x16 = _mm256_unpacklo_epi8(load(lower), load(upper));
  const __m256i far_f16x16 = _mm256_unpackhi_epi8(load(lower), load(upper));
  return {{_mm256_cvtph_ps(_mm256_castsi256_si128(near_f16x16)),
           _mm256_cvtph_ps(_mm256_extracti128_si256(near_f16x16, 1)),
           _mm256_cvtph_ps(_mm256_castsi256_si128(far_f16x16)),
           _mm256_cvtph_ps(_mm256_extracti128_si256(far_f16x16, 1))}};
}

struct Lanes {
  __m256 of_f32x8[2];
};

void add(Lanes& lanes, const Row& row, const float* x) noexcept {
  for (std::size_t q = 0; q < 4; ++q) {
    lanes.of_f32x8[q % 2] = _mm256_fmadd_ps(row.columns_f32x8[q], _mm256_loadu_ps(x + q * kHalf),
                                            lanes.of_f32x8[q % 2]);
  }
}

// The last unit, of which only the first `count` columns exist.
void add_few(Lanes& lanes, const Row& row, const float* x, std::size_t count) noexcept {
  float weights[kUnitColumns];
  float memory[kLanes];
  for (std::size_t q = 0; q < 4; ++q) _mm256_storeu_ps(weights + q * kHalf, row.columns_f32x8[q]);
  for (std::size_t q = 0; q < 2; ++q) _mm256_storeu_ps(memory + q * kHalf, lanes.of_f32x8[q]);
  for (std::size_t c = 0; c < count; ++c) {
    memory[c % kLanes] = __builtin_fmaf(weights[c], x[c], memory[c % kLanes]);
  }
  for (std::size_t q = 0; q < 2; ++q) lanes.of_f32x8[q] = _mm256_loadu_ps(memory + q * kHalf);
}

float sum(const Lanes& lanes) noexcept {
  return sum_of_lanes(_mm256_add_ps(lanes.of_f32x8[0], lanes.of_f32x8[1]));
}

// Multiplies `columns` columns of a strip, whose last unit may be partial, by one token.
void add_strip(const F16Strip& strip, const std::uint8_t* bytes, std::size_t columns,
               const float* x, Lanes* memory) noexcept {
  const std::uint8_t* codes = strip.codes;
  const std::uint8_t* lower = strip.lower;
  Lanes lanes[kGroupRows];
  for (std::size_t r = 0; r < kGroupRows; ++r) lanes[r] = memory[r];
  for (; columns >= kUnitColumns; columns -= kUnitColumns) {
    prefetch(codes, lower);
    for (std::size_t r = 0; r < kGroupRows; ++r) {
      add(lanes[r], merged(lower + r * kUnitColumns, bytes + r * kUnitColumns), x);
    }
    codes += kF16UnitCodes;
    lower += kUnitLower;
    bytes += kUnitLower;
    x += kUnitColumns;
  }
  for (std::size_t r = 0; columns != 0 && r < kGroupRows; ++r) {
    add_few(lanes[r], merged(lower + r * kUnitColumns, bytes + r * kUnitColumns), x, columns);
  }
  for (std::size_t r = 0; r < kGroupRows; ++r) memory[r] = lanes[r];
}

void multiply_some(const F16PlaneRows& weight, std::size_t group, std::size_t rows,
                   const Tokens& tokens, std::size_t token, std::size_t count) noexcept {
  const Tables table = tables_of(f16_table_of(weight, group));
  const std::size_t units = units_of(weight.columns);
  const float* x = tokens.x + token * tokens.x_stride;
  Lanes lanes[kMostTokens][kGroupRows] = {};
  for (std::size_t begin = 0; begin < units; begin += kStripUnits) {
    alignas(64) std::uint8_t bytes[kStripBytes];
    const F16Strip strip = f16_strip_of(weight, group, begin, units);
    decode(strip, table, bytes);
    const std::size_t column = begin * kUnitColumns;
    const std::size_t left = weight.columns - column;
    const std::size_t whole = strip.units * kUnitColumns;
    for (std::size_t t = 0; t < count; ++t) {
      add_strip(strip, bytes, left < whole ? left : whole, x + t * tokens.x_stride + column,
                lanes[t]);
    }
  }
  for (std::size_t t = 0; t < count; ++t) {
    float* y = tokens.y + (token + t) * tokens.y_stride;
    for (std::size_t r = 0; r < kGroupRows && r < rows; ++r) y[r] = sum(lanes[t][r]);
  }
}

void multiply(const F16PlaneRows& weight, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  for (std::size_t t = 0; t < tokens.count; t += kMostTokens) {
    const std::size_t left = tokens.count - t;
    multiply_some(weight, group, rows, tokens, t, left < kMostTokens ? left : kMostTokens);
  }
}

void widen_unit(const std::uint8_t* lower, const std::uint8_t* bytes, float* to,
                std::size_t stride) noexcept {
  for (std::size_t r = 0; r < kGroupRows; ++r) {
    const Row row = merged(lower + r * kUnitColumns, bytes + r * kUnitColumns);
    for (std::size_t q = 0; q < 4; ++q) {
      _mm256_storeu_ps(to + r * stride + q * kHalf, row.columns_f32x8[q]);
    }
  }
}

void widen(const F16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  const Tables table = tables_of(f16_table_of(weight, group));
  for (; begin < end; begin += kStripUnits) {
    alignas(64) std::uint8_t bytes[kStripBytes];
    const F16Strip strip = f16_strip_of(weight, group, begin, end);
    decode(strip, table, bytes);
    for (std::size_t n = 0; n < strip.units; ++n, widened += kUnitColumns) {
      widen_unit(strip.lower + n * kUnitLower, bytes + n * kUnitLower, widened, stride);
    }
  }
}

}  // namespace

const F16PlanesKernels f16_planes_avx2 = {multiply, widen};

}  // namespace meadow::kernels
