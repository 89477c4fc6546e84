// 16 fields at a time, with instructions of every AArch64 CPU: smull of bytes, sadalp of its
// products. Fields of up to 7 bits are non-negative bytes, so the product of width 8 serves them
// too.
#include <arm_neon.h>

#include "meadow/kernels/integer/quantize.h"
#include "meadow/kernels/integer/values.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kQuarter = 16;  // bytes of a piece: 4 rows of 16

// Shifts left by kBits, or right if it is negative.
template <int kBits>
uint8x16_t shifted(uint8x16_t bytes_u8x16) noexcept {
  if constexpr (kBits > 0) return vshlq_n_u8(bytes_u8x16, kBits);
  if constexpr (kBits < 0) return vshrq_n_u8(bytes_u8x16, -kBits);
  return bytes_u8x16;
}

// kBits bits from bit kFrom on, moved to bit kAt.
template <int kAt, int kBits, int kFrom>
uint8x16_t cut(uint8x16_t bytes_u8x16) noexcept {
  constexpr int kMask = ((1 << kBits) - 1) << kAt;
  return vandq_u8(shifted<kAt - kFrom>(bytes_u8x16), vdupq_n_u8(kMask));
}

// A quarter of a block's pieces.
template <unsigned kWidth>
struct Pieces {
  static constexpr bool kHasNibbles = (kWidth & 4) != 0;
  static constexpr bool kHasPairs = (kWidth & 2) != 0;
  static constexpr bool kHasBits = (kWidth & 1) != 0;

  template <unsigned kStep>
  static uint8x16_t fields(const std::uint8_t* from) noexcept {
    constexpr int kPairAt = kHasNibbles ? 4 : 0;
    constexpr int kStepInt = static_cast<int>(kStep);
    uint8x16_t found_u8x16 = vdupq_n_u8(0);
    if constexpr (kHasNibbles) {
      found_u8x16 = cut<0, 4, 4 * (kStepInt % 2)>(vld1q_u8(from + std::size_t{64} * (kStep / 2)));
      from += 4 * std::size_t{64};
    }
    if constexpr (kHasPairs) {
      const uint8x16_t piece_u8x16 = vld1q_u8(from + std::size_t{64} * (kStep / 4));
      found_u8x16 = vorrq_u8(found_u8x16, cut<kPairAt, 2, 2 * (kStepInt % 4)>(piece_u8x16));
      from += 2 * std::size_t{64};
    }
    if constexpr (kHasBits) {
      found_u8x16 =
          vorrq_u8(found_u8x16, cut<static_cast<int>(kWidth) - 1, 1, kStepInt>(vld1q_u8(from)));
    }
    return found_u8x16;
  }
};

// Codes.
template <>
struct Pieces<8> {
  template <unsigned kStep>
  static uint8x16_t fields(const std::uint8_t* from) noexcept {
    return vld1q_u8(from + std::size_t{64} * kStep);
  }
};

int8x16_t four_codes(const std::int8_t* codes) noexcept {
  std::int32_t four;
  std::memcpy(&four, codes, sizeof four);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

// Sums of 4 rows and some tokens, each row's in two neighbouring lanes.
template <unsigned kWidth, unsigned kTokens>
struct Sums {
  Sums() noexcept {
    for (unsigned t = 0; t < kTokens; ++t) low_i32x4[t] = high_i32x4[t] = vdupq_n_s32(0);
  }

  template <unsigned kStep>
  void add(const std::uint8_t* from, const CodesFrom& x) noexcept {
    const int8x16_t fields_i8x16 =
        vreinterpretq_s8_u8(Pieces<kWidth>::template fields<kStep>(from));
    for (unsigned t = 0; t < kTokens; ++t) {
      const int8x16_t codes_i8x16 = four_codes(x.codes + t * x.stride + std::size_t{4} * kStep);
      low_i32x4[t] =
          vpadalq_s16(low_i32x4[t], vmull_s8(vget_low_s8(fields_i8x16), vget_low_s8(codes_i8x16)));
      high_i32x4[t] = vpadalq_s16(high_i32x4[t], vmull_high_s8(fields_i8x16, codes_i8x16));
    }
  }

  void add_block(const std::uint8_t* from, const CodesFrom& x) noexcept {
    add<0>(from, x);
    add<1>(from, x);
    add<2>(from, x);
    add<3>(from, x);
    add<4>(from, x);
    add<5>(from, x);
    add<6>(from, x);
    add<7>(from, x);
  }

  void add_to(std::int32_t* totals) const noexcept {
    for (unsigned t = 0; t < kTokens; ++t) {
      std::int32_t* at = totals + std::size_t{t} * kStripRows;
      vst1q_s32(at, vaddq_s32(vld1q_s32(at), vpaddq_s32(low_i32x4[t], high_i32x4[t])));
    }
  }

  int32x4_t low_i32x4[kTokens];
  int32x4_t high_i32x4[kTokens];
};

template <unsigned kWidth, unsigned kTokens, typename Feed>
void add_dots_of(const std::uint8_t* from, std::size_t blocks, CodesFrom x, Feed& feed,
                 std::int32_t* totals) noexcept {
  Sums<kWidth, kTokens> sums[4];
  for (std::size_t b = 0; b < blocks; ++b, from += std::size_t{64} * kWidth) {
    for (std::size_t quarter = 0; quarter < 4; ++quarter) {
      sums[quarter].add_block(from + quarter * kQuarter, x);
    }
    x.codes += kBlockColumns;
    feed.next_block();
  }
  for (std::size_t quarter = 0; quarter < 4; ++quarter) sums[quarter].add_to(totals + 4 * quarter);
}

void add_dots_by(const std::uint8_t* from, std::size_t blocks, CodesFrom x,
                 std::int32_t* totals) noexcept {
  NoFeed none;
  while (x.count != 0) {
    const std::size_t some = x.count >= 2 ? 2 : 1;
    if (some == 2) add_dots_of<8, 2>(from, blocks, x, none, totals);
    if (some == 1) add_dots_of<8, 1>(from, blocks, x, none, totals);
    x.count -= some;
    x.codes += some * x.stride;
    totals += some * kStripRows;
  }
}

template <unsigned kWidth>
void add_fed_dots_by(const std::uint8_t* from, std::size_t blocks, const std::int8_t* x,
                     EscapeFeed& feed, std::int32_t* totals) noexcept {
  add_dots_of<kWidth, 1>(from, blocks, {x, 0, 1}, feed, totals);
}

template <unsigned kWidth>
void unpack_by(const std::uint8_t* from, std::size_t blocks, int offset,
               std::int8_t* codes) noexcept {
  using Of = Pieces<kWidth>;
  const uint8x16_t offset_u8x16 = vdupq_n_u8(static_cast<std::uint8_t>(offset));
  const auto store = [&](std::size_t at, uint8x16_t fields_u8x16) noexcept {
    vst1q_u8(reinterpret_cast<std::uint8_t*>(codes) + at, vaddq_u8(fields_u8x16, offset_u8x16));
  };
  for (std::size_t b = 0; b < blocks; ++b, from += std::size_t{64} * kWidth, codes += kBlockCodes) {
    for (std::size_t at = 0; at < 64; at += kQuarter) {
      store(at, Of::template fields<0>(from + at));
      store(at + 64, Of::template fields<1>(from + at));
      store(at + 128, Of::template fields<2>(from + at));
      store(at + 192, Of::template fields<3>(from + at));
      store(at + 256, Of::template fields<4>(from + at));
      store(at + 320, Of::template fields<5>(from + at));
      store(at + 384, Of::template fields<6>(from + at));
      store(at + 448, Of::template fields<7>(from + at));
    }
  }
}

struct Ops {
  static constexpr std::int32_t kSignedOffset = 0;
  static constexpr bool kAddsGroups = false;

  static void unpack(const IntegerStrip& strip, Blocks blocks, std::int8_t* codes) noexcept {
    constexpr decltype(&unpack_by<2>) kBy[] = {unpack_by<2>, unpack_by<3>, unpack_by<4>,
                                               unpack_by<5>, unpack_by<6>, unpack_by<7>};
    const std::uint8_t* from = strip.fields + blocks.begin * 64 * strip.width;
    kBy[strip.width - 2](from, blocks.end - blocks.begin, strip.offset, codes);
  }

  static void add_dots(const std::uint8_t* codes, std::size_t blocks, CodesFrom x,
                       std::int32_t* sums) noexcept {
    add_dots_by(codes, blocks, x, sums);
  }

  static void add_fed_dots(const IntegerStrip& strip, const std::int8_t* x, EscapeFeed& feed,
                           std::int32_t* sums) noexcept {
    constexpr decltype(&add_fed_dots_by<2>) kBy[] = {add_fed_dots_by<2>, add_fed_dots_by<3>,
                                                     add_fed_dots_by<4>, add_fed_dots_by<5>,
                                                     add_fed_dots_by<6>, add_fed_dots_by<7>};
    kBy[strip.width - 2](strip.fields, strip.blocks, x, feed, sums);
  }

  // vst4 and vld4 of dwords transpose: four steps of 4 rows are 4 rows of 16 columns.
  static void place(const std::int8_t* codes, std::size_t blocks, std::int8_t* placed) noexcept {
    for (std::size_t n = 0; n < 2 * blocks; ++n, codes += 256, placed += 256) {
      for (std::size_t at = 0; at < 64; at += kQuarter) {
        int32x4x4_t steps_i32x4x4;
        for (std::size_t s = 0; s < 4; ++s) {
          steps_i32x4x4.val[s] = vreinterpretq_s32_s8(vld1q_s8(codes + 64 * s + at));
        }
        vst4q_s32(reinterpret_cast<std::int32_t*>(placed + 4 * at), steps_i32x4x4);
      }
    }
  }

  static void add_lanes(const std::int8_t* codes, std::size_t groups, const float* scales,
                        const ValuesFrom& x, float* lanes) noexcept {
    for (std::size_t t = 0; t < x.count; ++t) {
      for (std::size_t r = 0; r < kStripRows; ++r) {
        add_row(codes + r * kLanes, groups, scales == nullptr ? nullptr : scales + r,
                x.values + t * x.stride, lanes + (t * kStripRows + r) * kLanes);
      }
    }
  }

 private:
  static void add_row(const std::int8_t* codes, std::size_t groups, const float* scale,
                      const float* values, float* lanes) noexcept {
    float32x4_t sums_f32x4[4];
    for (std::size_t j = 0; j < 4; ++j) sums_f32x4[j] = vld1q_f32(lanes + 4 * j);
    for (std::size_t g = 0; g < groups; ++g, codes += kGroupCodes, values += kLanes) {
      const int8x16_t row_i8x16 = vld1q_s8(codes);
      const int16x8_t halves_i16x8[2] = {vmovl_s8(vget_low_s8(row_i8x16)),
                                         vmovl_s8(vget_high_s8(row_i8x16))};
      for (std::size_t j = 0; j < 4; ++j) {
        const int16x8_t half_i16x8 = halves_i16x8[j / 2];
        const int16x4_t four_i16x4 =
            j % 2 == 0 ? vget_low_s16(half_i16x8) : vget_high_s16(half_i16x8);
        float32x4_t weights_f32x4 = vcvtq_f32_s32(vmovl_s16(four_i16x4));
        if (scale != nullptr) weights_f32x4 = vmulq_n_f32(weights_f32x4, *scale);
        sums_f32x4[j] = vfmaq_f32(sums_f32x4[j], weights_f32x4, vld1q_f32(values + 4 * j));
      }
    }
    for (std::size_t j = 0; j < 4; ++j) vst1q_f32(lanes + 4 * j, sums_f32x4[j]);
  }
};

}  // namespace

const IntegerKernels integer_neon = {quantize, multiply_codes<Ops>, multiply_values<Ops>,
                                     decode<Ops>};

}  // namespace meadow::kernels
