// For 64 weights: 3 operations for the codes, 2 pshufb, 4 unpacks, 8 to make words of halves, 8
// multiply-adds.
#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_planes/escapes.h"
#include "meadow/kernels/lanes_avx2.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kHalf = 8;
// How far ahead both planes are prefetched, in bytes: the best of 0, 1, 2 and 4 KiB on Zen 5.
constexpr std::size_t kAhead = 4096;

// Without this GCC would load again for every use, until loads are the limit.
template <typename Vector>
Vector kept(Vector value) noexcept {
  asm("" : "+x"(value));  // NOLINT(portability-no-assembler)
  return value;
}

__m256i load(const std::uint8_t* p) noexcept {
  return kept(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

// Upper bytes of two rows.
struct Pair {
  __m256i of_u8x32[2];
};

Pair looked_up(__m256i table_u8x32, const std::uint8_t* codes) noexcept {
  const __m256i low_u8x32 = _mm256_set1_epi8(15);
  const __m256i both_u8x32 = load(codes);
  const __m256i first_u8x32 = _mm256_and_si256(both_u8x32, low_u8x32);
  const __m256i second_u8x32 = _mm256_and_si256(_mm256_srli_epi32(both_u8x32, 4), low_u8x32);
  return {{_mm256_shuffle_epi8(table_u8x32, first_u8x32),
           _mm256_shuffle_epi8(table_u8x32, second_u8x32)}};
}

// The 32 columns of a row, eight and eight.
struct Row {
  __m256 columns_f32x8[4];
};

Row merged(__m256i lower_u8x32, __m256i upper_u8x32) noexcept {
  const __m256i mask_u32x8 = _mm256_set1_epi32(static_cast<int>(0xFFFF0000));
  const __m256i near_u32x8 = _mm256_unpacklo_epi8(lower_u8x32, upper_u8x32);
  const __m256i far_u32x8 = _mm256_unpackhi_epi8(lower_u8x32, upper_u8x32);
  return {{_mm256_castsi256_ps(_mm256_slli_epi32(near_u32x8, 16)),
           _mm256_castsi256_ps(_mm256_slli_epi32(far_u32x8, 16)),
           _mm256_castsi256_ps(_mm256_and_si256(near_u32x8, mask_u32x8)),
           _mm256_castsi256_ps(_mm256_and_si256(far_u32x8, mask_u32x8))}};
}

void store_upper(const GroupPlanes& planes, __m256i table_u8x32, std::size_t unit,
                 std::uint8_t* bytes) noexcept {
  for (std::size_t pair = 0; pair < 2; ++pair) {
    const Pair upper =
        looked_up(table_u8x32, planes.codes + unit * kUnitCodes + pair * kUnitColumns);
    for (std::size_t r = 0; r < 2; ++r) {
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(bytes + (2 * pair + r) * kUnitColumns),
                          upper.of_u8x32[r]);
    }
  }
}

// The inputs of a unit, eight and eight: loaded once for all rows.
template <std::size_t Count>
struct Values {
  __m256 columns_f32x8[Count][4];
};

template <std::size_t Count>
Values<Count> values_of(const float* x, std::size_t stride) noexcept {
  Values<Count> values;
  for (std::size_t t = 0; t < Count; ++t) {
    for (std::size_t q = 0; q < 4; ++q) {
      values.columns_f32x8[t][q] = _mm256_loadu_ps(x + t * stride + q * kHalf);
    }
  }
  return values;
}

// Sums of `Rows` rows, from row `first` on, with `Count` tokens.
template <std::size_t Rows, std::size_t Count>
struct Sums {
  __m256 lanes_f32x8[Count][Rows][2];

  void add(std::size_t r, const Row& row, const Values<Count>& values) noexcept {
    for (std::size_t t = 0; t < Count; ++t) {
      for (std::size_t q = 0; q < 4; ++q) {
        __m256& sum_f32x8 = lanes_f32x8[t][r][q % 2];
        sum_f32x8 = _mm256_fmadd_ps(row.columns_f32x8[q], values.columns_f32x8[t][q], sum_f32x8);
      }
    }
  }

  // The last unit, of which only the first `count` columns exist.
  void add_few(std::size_t r, const Row& row, const float* x, std::size_t stride,
               std::size_t count) noexcept {
    float weights[kUnitColumns];
    for (std::size_t q = 0; q < 4; ++q) _mm256_storeu_ps(weights + q * kHalf, row.columns_f32x8[q]);
    for (std::size_t t = 0; t < Count; ++t) {
      float memory[kLanes];
      _mm256_storeu_ps(memory, lanes_f32x8[t][r][0]);
      _mm256_storeu_ps(memory + kHalf, lanes_f32x8[t][r][1]);
      for (std::size_t c = 0; c < count; ++c) {
        memory[c % kLanes] = __builtin_fmaf(weights[c], x[t * stride + c], memory[c % kLanes]);
      }
      lanes_f32x8[t][r][0] = _mm256_loadu_ps(memory);
      lanes_f32x8[t][r][1] = _mm256_loadu_ps(memory + kHalf);
    }
  }

  [[nodiscard]] float total(std::size_t t, std::size_t r) const noexcept {
    return sum_of_lanes(_mm256_add_ps(lanes_f32x8[t][r][0], lanes_f32x8[t][r][1]));
  }
};

template <std::size_t Rows, std::size_t Count>
void multiply_rows(const Bf16PlaneRows& weight, std::size_t group, std::size_t first,
                   std::size_t rows, const Tokens& tokens, std::size_t token) noexcept {
  GroupPlanes planes = planes_of(weight, group);
  const __m256i table_u8x32 = load_table(planes.table);
  const float* x = tokens.x + token * tokens.x_stride;
  const std::size_t whole = weight.columns / kUnitColumns;
  Sums<Rows, Count> sums = {};
  const auto upper = [&](std::size_t unit, std::uint8_t* bytes) noexcept {
    store_upper(planes, table_u8x32, unit, bytes);
  };
  const auto coded = [&](std::size_t unit, std::size_t end) noexcept {
    for (; unit < end; ++unit) {
      const std::uint8_t* codes = planes.codes + unit * kUnitCodes;
      const std::uint8_t* lower = planes.lower + unit * kUnitLower;
      _mm_prefetch(reinterpret_cast<const char*>(codes) + kAhead, _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(lower) + kAhead, _MM_HINT_T0);
      _mm_prefetch(reinterpret_cast<const char*>(lower) + kAhead + 64, _MM_HINT_T0);
      const auto values = values_of<Count>(x + unit * kUnitColumns, tokens.x_stride);
      for (std::size_t r = 0; r < Rows; r += 2) {
        const Pair pair = looked_up(table_u8x32, codes + (first + r) / 2 * kUnitColumns);
        for (std::size_t n = 0; n < 2; ++n) {
          const __m256i bytes_u8x32 = load(lower + (first + r + n) * kUnitColumns);
          sums.add(r + n, merged(bytes_u8x32, pair.of_u8x32[n]), values);
        }
      }
    }
  };
  const auto row_of = [&](std::size_t unit, const std::uint8_t* bytes, std::size_t r) noexcept {
    const std::size_t at = (first + r) * kUnitColumns;
    return merged(load(planes.lower + unit * kUnitLower + at), load(bytes + at));
  };
  const auto stored = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
    const auto values = values_of<Count>(x + unit * kUnitColumns, tokens.x_stride);
    for (std::size_t r = 0; r < Rows; ++r) sums.add(r, row_of(unit, bytes, r), values);
  };
  for_each_run(planes, 0, whole, upper, coded, stored);
  if (const std::size_t left = weight.columns % kUnitColumns; left != 0) {
    const auto few = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
      for (std::size_t r = 0; r < Rows; ++r) {
        sums.add_few(r, row_of(unit, bytes, r), x + unit * kUnitColumns, tokens.x_stride, left);
      }
    };
    for_each_run(planes, whole, whole + 1, upper, through_memory(upper, few), few);
  }
  for (std::size_t t = 0; t < Count; ++t) {
    float* y = tokens.y + (token + t) * tokens.y_stride;
    for (std::size_t r = 0; r < Rows && first + r < rows; ++r) y[first + r] = sums.total(t, r);
  }
}

// 16 registers: one token with four rows, or two with two rows each.
void multiply(const Bf16PlaneRows& weight, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  std::size_t t = 0;
  for (; t + 2 <= tokens.count; t += 2) {
    multiply_rows<2, 2>(weight, group, 0, rows, tokens, t);
    multiply_rows<2, 2>(weight, group, 2, rows, tokens, t);
  }
  if (t < tokens.count) multiply_rows<kGroupRows, 1>(weight, group, 0, rows, tokens, t);
}

void widen(const Bf16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  GroupPlanes planes = planes_of(weight, group);
  const __m256i table_u8x32 = load_table(planes.table);
  const auto upper = [&](std::size_t unit, std::uint8_t* bytes) noexcept {
    store_upper(planes, table_u8x32, unit, bytes);
  };
  const auto stored = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
    for (std::size_t r = 0; r < kGroupRows; ++r) {
      const std::size_t at = r * kUnitColumns;
      const Row row = merged(load(planes.lower + unit * kUnitLower + at), load(bytes + at));
      float* to = widened + r * stride + (unit - begin) * kUnitColumns;
      for (std::size_t q = 0; q < 4; ++q) _mm256_storeu_ps(to + q * kHalf, row.columns_f32x8[q]);
    }
  };
  for_each_run(planes, begin, end, upper, through_memory(upper, stored), stored);
}

}  // namespace

const Bf16PlanesKernels bf16_planes_avx2 = {multiply, widen};

}  // namespace meadow::kernels
