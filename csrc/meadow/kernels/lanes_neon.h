// Operations on the 16 lanes of products, held in four registers, shared by the NEON files of all
// families. Everything is in an anonymous namespace, so that each file has its own copy.
#pragma once

#include <arm_neon.h>

#include <cstddef>

namespace meadow::kernels {
namespace {

struct Lanes {
  float32x4_t of_f32x4[4];
};

[[maybe_unused]] Lanes zeros() noexcept {
  const float32x4_t zero_f32x4 = vdupq_n_f32(0.0F);
  return {{zero_f32x4, zero_f32x4, zero_f32x4, zero_f32x4}};
}

[[maybe_unused]] Lanes loaded(const float* memory) noexcept {
  return {
      {vld1q_f32(memory), vld1q_f32(memory + 4), vld1q_f32(memory + 8), vld1q_f32(memory + 12)}};
}

[[maybe_unused]] void stored(const Lanes& lanes, float* memory) noexcept {
  for (std::size_t q = 0; q < 4; ++q) vst1q_f32(memory + 4 * q, lanes.of_f32x4[q]);
}

// Adds lane j + 8 to lane j, then lanes j + 4, j + 2 and j + 1.
[[maybe_unused]] float sum(const Lanes& lanes) noexcept {
  const float32x4_t even_f32x4 = vaddq_f32(lanes.of_f32x4[0], lanes.of_f32x4[2]);
  const float32x4_t odd_f32x4 = vaddq_f32(lanes.of_f32x4[1], lanes.of_f32x4[3]);
  const float32x4_t by4_f32x4 = vaddq_f32(even_f32x4, odd_f32x4);
  const float32x2_t by2_f32x2 = vadd_f32(vget_low_f32(by4_f32x4), vget_high_f32(by4_f32x4));
  return vget_lane_f32(by2_f32x2, 0) + vget_lane_f32(by2_f32x2, 1);
}

// 32 columns of a row, four at a time.
struct Row {
  float32x4_t columns_f32x4[8];
};

[[maybe_unused]] void add(Lanes& lanes, const Row& row, const float* x) noexcept {
  for (std::size_t q = 0; q < 8; ++q) {
    lanes.of_f32x4[q % 4] =
        vfmaq_f32(lanes.of_f32x4[q % 4], row.columns_f32x4[q], vld1q_f32(x + 4 * q));
  }
}

// The same for the first `count` columns.
[[maybe_unused]] void add_few(Lanes& lanes, const Row& row, const float* x,
                              std::size_t count) noexcept {
  float weights[32];
  float memory[16];
  for (std::size_t q = 0; q < 8; ++q) vst1q_f32(weights + 4 * q, row.columns_f32x4[q]);
  stored(lanes, memory);
  for (std::size_t c = 0; c < count; ++c) {
    memory[c % 16] = __builtin_fmaf(weights[c], x[c], memory[c % 16]);
  }
  lanes = loaded(memory);
}

}  // namespace
}  // namespace meadow::kernels
