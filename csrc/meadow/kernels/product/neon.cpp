// The 16 lanes of the contract are four registers.
#include <arm_neon.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "meadow/kernels/lanes_neon.h"
#include "meadow/kernels/product/product.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kQuarter = 4;
constexpr std::size_t kMostTokens = 2;

struct F32 {
  using Value = float;
  static float32x4_t load(const float* p) noexcept { return vld1q_f32(p); }
};

struct Bf16 {
  using Value = std::uint16_t;
  static float32x4_t load(const std::uint16_t* p) noexcept {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
  }
};

// The instruction would make signalling NaN quiet, so the bits of NaN are restored.
struct F16 {
  using Value = std::uint16_t;
  static float32x4_t load(const std::uint16_t* p) noexcept {
    const uint16x4_t bits_u16x4 = vld1_u16(p);
    const float32x4_t plain_f32x4 = vcvt_f32_f16(vreinterpret_f16_u16(bits_u16x4));
    const uint32x4_t is_number_u32x4 = vceqq_f32(plain_f32x4, plain_f32x4);
    const uint32x4_t wide_u32x4 = vmovl_u16(bits_u16x4);
    const uint32x4_t sign_u32x4 = vshlq_n_u32(vshrq_n_u32(wide_u32x4, 15), 31);
    const uint32x4_t low_u32x4 = vshlq_n_u32(vandq_u32(wide_u32x4, vdupq_n_u32(0x3FF)), 13);
    const uint32x4_t nan_u32x4 =
        vorrq_u32(vorrq_u32(sign_u32x4, low_u32x4), vdupq_n_u32(0x7F800000));
    return vreinterpretq_f32_u32(
        vbslq_u32(is_number_u32x4, vreinterpretq_u32_f32(plain_f32x4), nan_u32x4));
  }
};

// The rest of a row after its last whole 16 columns.
template <typename Type>
void add_tail(const typename Type::Value* weights, const float* x, std::size_t count,
              Lanes& lanes) noexcept {
  typename Type::Value copy[kLanes] = {};
  std::memcpy(copy, weights, count * sizeof *weights);
  float memory[kLanes];
  stored(lanes, memory);
  float wide[kLanes];
  for (std::size_t q = 0; q < 4; ++q) {
    vst1q_f32(wide + q * kQuarter, Type::load(copy + q * kQuarter));
  }
  for (std::size_t j = 0; j < count; ++j) memory[j] = __builtin_fmaf(wide[j], x[j], memory[j]);
  lanes = loaded(memory);
}

template <typename Type, std::size_t Rows, std::size_t Count>
void few(const DenseRows<typename Type::Value>& rows, std::size_t row, const Tokens& tokens,
         std::size_t token) noexcept {
  Lanes lanes[Count][Rows];
  for (auto& of_token : lanes) {
    for (Lanes& of_row : of_token) of_row = zeros();
  }
  const auto* from = rows.values + row * rows.stride;
  const float* x = tokens.x + token * tokens.x_stride;
  std::size_t c = 0;
  for (; c + kLanes <= rows.columns; c += kLanes) {
    for (std::size_t r = 0; r < Rows; ++r) {
      for (std::size_t q = 0; q < 4; ++q) {
        const float32x4_t weights_f32x4 = Type::load(from + r * rows.stride + c + q * kQuarter);
        for (std::size_t t = 0; t < Count; ++t) {
          const float32x4_t values_f32x4 = vld1q_f32(x + t * tokens.x_stride + c + q * kQuarter);
          lanes[t][r].of_f32x4[q] = vfmaq_f32(lanes[t][r].of_f32x4[q], weights_f32x4, values_f32x4);
        }
      }
    }
  }
  for (std::size_t t = 0; t < Count; ++t) {
    float* y = tokens.y + (token + t) * tokens.y_stride + row;
    for (std::size_t r = 0; r < Rows; ++r) {
      if (c < rows.columns) {
        add_tail<Type>(from + r * rows.stride + c, x + t * tokens.x_stride + c, rows.columns - c,
                       lanes[t][r]);
      }
      y[r] = sum(lanes[t][r]);
    }
  }
}

template <typename Type, std::size_t Rows, std::size_t Count>
void all_rows(const DenseRows<typename Type::Value>& rows, const Tokens& tokens,
              std::size_t token) noexcept {
  std::size_t r = 0;
  for (; r + Rows <= rows.rows; r += Rows) few<Type, Rows, Count>(rows, r, tokens, token);
  for (; r < rows.rows; ++r) few<Type, 1, Count>(rows, r, tokens, token);
}

template <typename Type>
void multiply(const DenseRows<typename Type::Value>& rows, const Tokens& tokens) noexcept {
  std::size_t t = 0;
  for (; t + kMostTokens <= tokens.count; t += kMostTokens) {
    all_rows<Type, 2, kMostTokens>(rows, tokens, t);
  }
  if (t < tokens.count) all_rows<Type, 4, 1>(rows, tokens, t);
}

// Two rows by `Count` tokens: 16 sums for two of them, of 32 registers.
template <std::size_t Count>
void accumulate_pair(const float* row, const Tile& tile, const float* x, std::size_t x_stride,
                     float* memory) noexcept {
  constexpr std::size_t kPerToken = kTileRows * kLanes;
  Lanes lanes[Count][2];
  for (std::size_t i = 0; i < Count * 2; ++i) {
    lanes[i / 2][i % 2] = loaded(memory + i / 2 * kPerToken + i % 2 * kLanes);
  }
  std::size_t c = 0;
  for (; c + kLanes <= tile.columns; c += kLanes) {
    for (std::size_t q = 0; q < 4; ++q) {
      const float32x4_t first_row_f32x4 = vld1q_f32(row + c + q * kQuarter);
      const float32x4_t second_row_f32x4 = vld1q_f32(row + tile.stride + c + q * kQuarter);
      for (std::size_t t = 0; t < Count; ++t) {
        const float32x4_t values_f32x4 = vld1q_f32(x + t * x_stride + c + q * kQuarter);
        lanes[t][0].of_f32x4[q] = vfmaq_f32(lanes[t][0].of_f32x4[q], first_row_f32x4, values_f32x4);
        lanes[t][1].of_f32x4[q] =
            vfmaq_f32(lanes[t][1].of_f32x4[q], second_row_f32x4, values_f32x4);
      }
    }
  }
  for (std::size_t i = 0; i < Count * 2; ++i) {
    if (c < tile.columns) {
      add_tail<F32>(row + i % 2 * tile.stride + c, x + i / 2 * x_stride + c, tile.columns - c,
                    lanes[i / 2][i % 2]);
    }
    stored(lanes[i / 2][i % 2], memory + i / 2 * kPerToken + i % 2 * kLanes);
  }
}

void accumulate(const Tile& tile, std::size_t tokens, const float* x, std::size_t x_stride,
                float* lanes) noexcept {
  constexpr std::size_t kPerToken = kTileRows * kLanes;
  for (std::size_t r = 0; r < kTileRows; r += 2) {
    const float* row = tile.rows + r * tile.stride;
    std::size_t t = 0;
    for (; t + 2 <= tokens; t += 2) {
      accumulate_pair<2>(row, tile, x + t * x_stride, x_stride, lanes + t * kPerToken + r * kLanes);
    }
    if (t < tokens) {
      accumulate_pair<1>(row, tile, x + t * x_stride, x_stride, lanes + t * kPerToken + r * kLanes);
    }
  }
}

void reduce(const float* lanes, std::size_t count, float* results) noexcept {
  for (std::size_t i = 0; i < count; ++i) results[i] = sum(loaded(lanes + i * kLanes));
}

template <typename Type>
void widen(const std::uint16_t* values, std::size_t count, float* to) noexcept {
  std::size_t i = 0;
  for (; i + kQuarter <= count; i += kQuarter) vst1q_f32(to + i, Type::load(values + i));
  if (i == count) return;
  std::uint16_t copy[kQuarter] = {};
  std::memcpy(copy, values + i, (count - i) * sizeof *values);
  float last[kQuarter];
  vst1q_f32(last, Type::load(copy));
  std::memcpy(to + i, last, (count - i) * sizeof *to);
}

}  // namespace

const ProductKernels product_neon = {multiply<F32>, multiply<Bf16>, multiply<F16>, accumulate,
                                     reduce,        widen<Bf16>,    widen<F16>};

}  // namespace meadow::kernels
