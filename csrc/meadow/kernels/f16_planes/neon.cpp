// The layout is made for `zip` of lower and upper bytes; 16 lanes are four registers.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/f16_planes/strip.h"
#include "meadow/kernels/lanes_neon.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kHalf = 16;  // bytes of a row's half
constexpr std::size_t kMostTokens = 8;

uint8x16x4_t tables_of(const std::uint8_t* entries) noexcept { return vld1q_u8_x4(entries); }

// 16 bytes of row r; bits 2 r and 2 r + 1 of `high` become bits 4 and 5.
uint8x16_t looked_up(const uint8x16x4_t& table_u8x16x4, const std::uint8_t* codes, std::size_t row,
                     std::size_t at) noexcept {
  const uint8x16_t pair_u8x16 = vld1q_u8(codes + row / 2 * kUnitColumns + at);
  const uint8x16_t low_u8x16 =
      row % 2 == 0 ? vandq_u8(pair_u8x16, vdupq_n_u8(15)) : vshrq_n_u8(pair_u8x16, 4);
  const int8x16_t shift_i8x16 = vdupq_n_s8(static_cast<std::int8_t>(4 - 2 * static_cast<int>(row)));
  const uint8x16_t high_u8x16 = vshlq_u8(vld1q_u8(codes + kF16HighCodes + at), shift_i8x16);
  return vqtbl4q_u8(table_u8x16x4, vorrq_u8(low_u8x16, vandq_u8(high_u8x16, vdupq_n_u8(0x30))));
}

void decode(const F16Strip& strip, const uint8x16x4_t& table_u8x16x4,
            std::uint8_t* bytes) noexcept {
  for (std::size_t n = 0; n < strip.units; ++n) {
    const std::uint8_t* codes = strip.codes + n * kF16UnitCodes;
    for (std::size_t i = 0; i < kUnitLower; i += kHalf) {
      vst1q_u8(bytes + n * kUnitLower + i,
               looked_up(table_u8x16x4, codes, i / kUnitColumns, i % kUnitColumns));
    }
  }
  put_in_place(strip, bytes);
}

float32x4_t low_half(uint8x16_t halves_u8x16) noexcept {
  return vcvt_f32_f16(vget_low_f16(vreinterpretq_f16_u8(halves_u8x16)));
}

float32x4_t high_half(uint8x16_t halves_u8x16) noexcept {
  return vcvt_f32_f16(vget_high_f16(vreinterpretq_f16_u8(halves_u8x16)));
}

Row merged(const std::uint8_t* lower, const std::uint8_t* upper) noexcept {
  Row row;
  for (std::size_t half = 0; half < 2; ++half) {
    const uint8x16_t low_u8x16 = vld1q_u8(lower + half * kHalf);
    const uint8x16_t high_u8x16 = vld1q_u8(upper + half * kHalf);
    const uint8x16_t near_u8x16 = vzip1q_u8(low_u8x16, high_u8x16);
    const uint8x16_t far_u8x16 = vzip2q_u8(low_u8x16, high_u8x16);
    row.columns_f32x4[2 * half] = low_half(near_u8x16);
    row.columns_f32x4[2 * half + 1] = high_half(near_u8x16);
    row.columns_f32x4[2 * half + 4] = low_half(far_u8x16);
    row.columns_f32x4[2 * half + 5] = high_half(far_u8x16);
  }
  return row;
}

// Multiplies `columns` columns of a strip, whose last unit may be partial, by one token.
void add_strip(const std::uint8_t* lower, const std::uint8_t* bytes, std::size_t columns,
               const float* x, Lanes* memory) noexcept {
  Lanes lanes[kGroupRows];
  for (std::size_t r = 0; r < kGroupRows; ++r) lanes[r] = memory[r];
  for (; columns >= kUnitColumns; columns -= kUnitColumns) {
    for (std::size_t r = 0; r < kGroupRows; ++r) {
      add(lanes[r], merged(lower + r * kUnitColumns, bytes + r * kUnitColumns), x);
    }
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
  const uint8x16x4_t table_u8x16x4 = tables_of(f16_table_of(weight, group));
  const std::size_t units = units_of(weight.columns);
  const float* x = tokens.x + token * tokens.x_stride;
  Lanes lanes[kMostTokens][kGroupRows];
  for (auto& of_token : lanes) {
    for (Lanes& of_row : of_token) of_row = zeros();
  }
  for (std::size_t begin = 0; begin < units; begin += kStripUnits) {
    alignas(64) std::uint8_t bytes[kStripBytes];
    const F16Strip strip = f16_strip_of(weight, group, begin, units);
    decode(strip, table_u8x16x4, bytes);
    const std::size_t column = begin * kUnitColumns;
    const std::size_t left = weight.columns - column;
    const std::size_t whole = strip.units * kUnitColumns;
    for (std::size_t t = 0; t < count; ++t) {
      add_strip(strip.lower, bytes, left < whole ? left : whole, x + t * tokens.x_stride + column,
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
    for (std::size_t q = 0; q < 8; ++q) vst1q_f32(to + r * stride + 4 * q, row.columns_f32x4[q]);
  }
}

void widen(const F16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  const uint8x16x4_t table_u8x16x4 = tables_of(f16_table_of(weight, group));
  for (; begin < end; begin += kStripUnits) {
    alignas(64) std::uint8_t bytes[kStripBytes];
    const F16Strip strip = f16_strip_of(weight, group, begin, end);
    decode(strip, table_u8x16x4, bytes);
    for (std::size_t n = 0; n < strip.units; ++n, widened += kUnitColumns) {
      widen_unit(strip.lower + n * kUnitLower, bytes + n * kUnitLower, widened, stride);
    }
  }
}

}  // namespace

const F16PlanesKernels f16_planes_neon = {multiply, widen};

}  // namespace meadow::kernels
