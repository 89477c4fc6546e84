// The layout is made for `zip` of lower and upper bytes; 16 lanes are four registers.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_planes/escapes.h"
#include "meadow/kernels/lanes_neon.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kHalf = 16;  // bytes of a row's half

// Columns 0 to 3 and 16 to 19 are halves of the words of `near` of the first 16 bytes, and so on.
Row merged(const std::uint8_t* lower, const std::uint8_t* upper) noexcept {
  const uint32x4_t mask_u32x4 = vdupq_n_u32(0xFFFF0000);
  Row row;
  for (std::size_t half = 0; half < 2; ++half) {
    const uint8x16_t low_u8x16 = vld1q_u8(lower + half * kHalf);
    const uint8x16_t high_u8x16 = vld1q_u8(upper + half * kHalf);
    const uint32x4_t near_u32x4 = vreinterpretq_u32_u8(vzip1q_u8(low_u8x16, high_u8x16));
    const uint32x4_t far_u32x4 = vreinterpretq_u32_u8(vzip2q_u8(low_u8x16, high_u8x16));
    row.columns_f32x4[half] = vreinterpretq_f32_u32(vshlq_n_u32(near_u32x4, 16));
    row.columns_f32x4[half + 2] = vreinterpretq_f32_u32(vshlq_n_u32(far_u32x4, 16));
    row.columns_f32x4[half + 4] = vreinterpretq_f32_u32(vandq_u32(near_u32x4, mask_u32x4));
    row.columns_f32x4[half + 6] = vreinterpretq_f32_u32(vandq_u32(far_u32x4, mask_u32x4));
  }
  return row;
}

void store_upper(const GroupPlanes& planes, uint8x16_t table_u8x16, std::size_t unit,
                 std::uint8_t* bytes) noexcept {
  const std::uint8_t* codes = planes.codes + unit * kUnitCodes;
  for (std::size_t i = 0; i < kUnitCodes; i += 16) {
    const uint8x16_t both_u8x16 = vld1q_u8(codes + i);
    std::uint8_t* to = bytes + i / kUnitColumns * 2 * kUnitColumns + i % kUnitColumns;
    vst1q_u8(to, vqtbl1q_u8(table_u8x16, vandq_u8(both_u8x16, vdupq_n_u8(15))));
    vst1q_u8(to + kUnitColumns, vqtbl1q_u8(table_u8x16, vshrq_n_u8(both_u8x16, 4)));
  }
}

template <std::size_t Count>
void multiply_group(const Bf16PlaneRows& weight, std::size_t group, std::size_t rows,
                    const Tokens& tokens, std::size_t token) noexcept {
  GroupPlanes planes = planes_of(weight, group);
  const uint8x16_t table_u8x16 = vld1q_u8(planes.table);
  const float* x = tokens.x + token * tokens.x_stride;
  const std::size_t whole = weight.columns / kUnitColumns;
  Lanes sums[Count][kGroupRows];
  for (auto& of_token : sums) {
    for (Lanes& of_row : of_token) of_row = zeros();
  }
  const auto upper = [&](std::size_t unit, std::uint8_t* bytes) noexcept {
    store_upper(planes, table_u8x16, unit, bytes);
  };
  const auto row_of = [&](std::size_t unit, const std::uint8_t* bytes, std::size_t r) noexcept {
    const std::size_t at = r * kUnitColumns;
    return merged(planes.lower + unit * kUnitLower + at, bytes + at);
  };
  const auto stored = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
    for (std::size_t r = 0; r < kGroupRows; ++r) {
      const Row row = row_of(unit, bytes, r);
      for (std::size_t t = 0; t < Count; ++t) {
        add(sums[t][r], row, x + t * tokens.x_stride + unit * kUnitColumns);
      }
    }
  };
  for_each_run(planes, 0, whole, upper, through_memory(upper, stored), stored);
  if (const std::size_t left = weight.columns % kUnitColumns; left != 0) {
    const auto few = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
      for (std::size_t r = 0; r < kGroupRows; ++r) {
        for (std::size_t t = 0; t < Count; ++t) {
          add_few(sums[t][r], row_of(unit, bytes, r), x + t * tokens.x_stride + unit * kUnitColumns,
                  left);
        }
      }
    };
    for_each_run(planes, whole, whole + 1, upper, through_memory(upper, few), few);
  }
  for (std::size_t t = 0; t < Count; ++t) {
    float* y = tokens.y + (token + t) * tokens.y_stride;
    for (std::size_t r = 0; r < kGroupRows && r < rows; ++r) y[r] = sum(sums[t][r]);
  }
}

void multiply(const Bf16PlaneRows& weight, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  std::size_t t = 0;
  for (; t + 2 <= tokens.count; t += 2) multiply_group<2>(weight, group, rows, tokens, t);
  if (t < tokens.count) multiply_group<1>(weight, group, rows, tokens, t);
}

void widen(const Bf16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  GroupPlanes planes = planes_of(weight, group);
  const uint8x16_t table_u8x16 = vld1q_u8(planes.table);
  const auto upper = [&](std::size_t unit, std::uint8_t* bytes) noexcept {
    store_upper(planes, table_u8x16, unit, bytes);
  };
  const auto stored = [&](std::size_t unit, const std::uint8_t* bytes) noexcept {
    for (std::size_t r = 0; r < kGroupRows; ++r) {
      const std::size_t at = r * kUnitColumns;
      const Row row = merged(planes.lower + unit * kUnitLower + at, bytes + at);
      float* to = widened + r * stride + (unit - begin) * kUnitColumns;
      for (std::size_t q = 0; q < 8; ++q) vst1q_f32(to + 4 * q, row.columns_f32x4[q]);
    }
  };
  for_each_run(planes, begin, end, upper, through_memory(upper, stored), stored);
}

}  // namespace

const Bf16PlanesKernels bf16_planes_neon = {multiply, widen};

}  // namespace meadow::kernels
