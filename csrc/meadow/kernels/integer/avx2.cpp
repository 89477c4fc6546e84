// 32 fields at a time: shifts and masks, and vpmaddubsw with four input codes broadcast.
//
// vpmaddubsw adds two products of an unsigned and a signed byte in 16 bits, saturated; nothing here
// saturates. With fields of w bits and codes of at most 127, n such sums are at most
// n * 2 * (2^w - 1) * 127, which is below 2^15 for w = 7 and n = 1 (32258), 6 and 2 (32004), 5 and
// 4 (31496), 4 and 8 (30480). Codes of width 8 are split into their magnitude, at most 128, and
// their sign, which is applied to the input: 2 * 128 * 127 = 32512.
#include <immintrin.h>

#include "meadow/kernels/integer/quantize.h"
#include "meadow/kernels/integer/values.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kAhead = 8192;  // bytes, measured
constexpr std::size_t kHalf = 32;     // bytes of a piece: 8 rows of 16

__m256i load(const void* from) noexcept {
  return _mm256_loadu_si256(static_cast<const __m256i*>(from));
}

// Shifts left by kBits, or right if it is negative; bits cross into the next byte.
template <int kBits>
__m256i shifted(__m256i bytes_u8x32) noexcept {
  if constexpr (kBits > 0) return _mm256_slli_epi16(bytes_u8x32, kBits);
  if constexpr (kBits < 0) return _mm256_srli_epi16(bytes_u8x32, -kBits);
  return bytes_u8x32;
}

// `low` to 7 bits at kAt, of bytes moved there.
template <int kAt, int kBits, int kFrom>
__m256i cut(__m256i bytes_u8x32) noexcept {
  constexpr int kMask = ((1 << kBits) - 1) << kAt;
  return _mm256_and_si256(shifted<kAt - kFrom>(bytes_u8x32),
                          _mm256_set1_epi8(static_cast<char>(kMask)));
}

// Half of a block's pieces.
template <unsigned kWidth>
struct Pieces {
  static constexpr bool kHasNibbles = (kWidth & 4) != 0;
  static constexpr bool kHasPairs = (kWidth & 2) != 0;
  static constexpr bool kHasBits = (kWidth & 1) != 0;
  // The number of sums of products that fit in 16 bits.
  static constexpr unsigned kSafeSteps = kWidth == 7 ? 1 : kWidth == 6 ? 2 : kWidth == 5 ? 4 : 8;

  template <unsigned kStep>
  static __m256i fields(const std::uint8_t* from) noexcept {
    constexpr int kPairAt = kHasNibbles ? 4 : 0;
    constexpr int kStepInt = static_cast<int>(kStep);
    __m256i found_u8x32 = _mm256_setzero_si256();
    if constexpr (kHasNibbles) {
      found_u8x32 = cut<0, 4, 4 * (kStepInt % 2)>(load(from + std::size_t{64} * (kStep / 2)));
      from += 4 * std::size_t{64};
    }
    if constexpr (kHasPairs) {
      const __m256i piece_u8x32 = load(from + std::size_t{64} * (kStep / 4));
      found_u8x32 = _mm256_or_si256(found_u8x32, cut<kPairAt, 2, 2 * (kStepInt % 4)>(piece_u8x32));
      from += 2 * std::size_t{64};
    }
    if constexpr (kHasBits) {
      found_u8x32 =
          _mm256_or_si256(found_u8x32, cut<static_cast<int>(kWidth) - 1, 1, kStepInt>(load(from)));
    }
    return found_u8x32;
  }
};

// Codes.
template <>
struct Pieces<8> {
  static constexpr unsigned kSafeSteps = 1;

  template <unsigned kStep>
  static __m256i fields(const std::uint8_t* from) noexcept {
    return load(from + std::size_t{64} * kStep);
  }
};

template <unsigned kWidth>
__m256i products(__m256i fields_u8x32, __m256i codes_i8x32) noexcept {
  if constexpr (kWidth != 8) return _mm256_maddubs_epi16(fields_u8x32, codes_i8x32);
  return _mm256_maddubs_epi16(_mm256_abs_epi8(fields_u8x32),
                              _mm256_sign_epi8(codes_i8x32, fields_u8x32));
}

__m256i four_codes(const std::int8_t* codes) noexcept {
  std::int32_t four;
  std::memcpy(&four, codes, sizeof four);
  return _mm256_set1_epi32(four);
}

// Sums of 8 rows and some tokens.
template <unsigned kWidth, unsigned kTokens>
struct Sums {
  static constexpr unsigned kSafeSteps = Pieces<kWidth>::kSafeSteps;

  template <unsigned kStep>
  void add(const std::uint8_t* from, const CodesFrom& x) noexcept {
    const __m256i fields_u8x32 = Pieces<kWidth>::template fields<kStep>(from);
    for (unsigned t = 0; t < kTokens; ++t) {
      const __m256i pairs_i16x16 = products<kWidth>(
          fields_u8x32, four_codes(x.codes + t * x.stride + std::size_t{4} * kStep));
      partial_i16x16[t] = kStep % kSafeSteps == 0
                              ? pairs_i16x16
                              : _mm256_add_epi16(partial_i16x16[t], pairs_i16x16);
      if constexpr (kStep % kSafeSteps == kSafeSteps - 1) {
        const __m256i fours_i32x8 = _mm256_madd_epi16(partial_i16x16[t], _mm256_set1_epi16(1));
        sums_i32x8[t] = _mm256_add_epi32(sums_i32x8[t], fours_i32x8);
      }
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
      auto* at = reinterpret_cast<__m256i*>(totals + std::size_t{t} * kStripRows);
      _mm256_storeu_si256(at, _mm256_add_epi32(_mm256_loadu_si256(at), sums_i32x8[t]));
    }
  }

  __m256i sums_i32x8[kTokens] = {};
  __m256i partial_i16x16[kTokens];
};

template <unsigned kWidth, unsigned kTokens, typename Feed>
void add_dots_of(const std::uint8_t* from, std::size_t blocks, CodesFrom x, Feed& feed,
                 std::int32_t* totals) noexcept {
  constexpr std::size_t kBytes = std::size_t{64} * kWidth;
  Sums<kWidth, kTokens> upper;
  Sums<kWidth, kTokens> lower;
  for (std::size_t b = 0; b < blocks; ++b, from += kBytes, x.codes += kBlockColumns) {
    for (std::size_t at = 0; at < kBytes; at += 64) {
      _mm_prefetch(reinterpret_cast<const char*>(from + at + kAhead), _MM_HINT_T0);
    }
    feed.next_block();
    upper.add_block(from, x);
    lower.add_block(from + kHalf, x);
  }
  upper.add_to(totals);
  lower.add_to(totals + 8);
}

void add_dots_by(const std::uint8_t* from, std::size_t blocks, CodesFrom x,
                 std::int32_t* totals) noexcept {
  NoFeed none;
  while (x.count != 0) {
    const std::size_t some = x.count >= 4 ? 4 : x.count >= 2 ? 2 : 1;
    if (some == 4) add_dots_of<8, 4>(from, blocks, x, none, totals);
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

// Of eight rows.
__m256 group_scales(const StripScales& scales, std::size_t from) noexcept {
  if (scales.coded == nullptr) return _mm256_loadu_ps(scales.groups + from);
  const auto* coded = reinterpret_cast<const __m128i*>(scales.coded + from);
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(coded)));
}

// A strip without escapes and one token.
template <unsigned kWidth>
void add_groups_by(const IntegerStrip& strip, const StripScales& scales, const InputCodes& x,
                   float* totals) noexcept {
  constexpr std::size_t kBytes = std::size_t{64} * kWidth;
  const std::uint8_t* from = strip.fields;
  CodesFrom codes{x.codes, x.stride, 1};
  __m256 total_f32x8[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
  for (std::size_t b = 0, group = 0; b < strip.blocks; ++group) {
    const std::size_t left = strip.blocks - b;
    const std::size_t end = b + (left < scales.per_scale ? left : scales.per_scale);
    Sums<kWidth, 1> sums[2];
    std::int32_t of_x = 0;
    for (; b < end; ++b, from += kBytes, codes.codes += kBlockColumns) {
      for (std::size_t at = 0; at < kBytes; at += 64) {
        _mm_prefetch(reinterpret_cast<const char*>(from + at + kAhead), _MM_HINT_T0);
      }
      sums[0].add_block(from, codes);
      sums[1].add_block(from + kHalf, codes);
      of_x += x.block_sums[b];
    }
    const __m256i lacking_i32x8 = _mm256_set1_epi32(kWidth == 8 ? 0 : of_x * strip.offset);
    for (std::size_t half = 0; half < 2; ++half) {
      const __m256 dots_f32x8 =
          _mm256_cvtepi32_ps(_mm256_add_epi32(sums[half].sums_i32x8[0], lacking_i32x8));
      const __m256 factors_f32x8 = group_scales(scales, group * kStripRows + 8 * half);
      total_f32x8[half] = _mm256_fmadd_ps(dots_f32x8, factors_f32x8, total_f32x8[half]);
    }
  }
  _mm256_storeu_ps(totals, total_f32x8[0]);
  _mm256_storeu_ps(totals + 8, total_f32x8[1]);
}

template <unsigned kWidth>
void unpack_by(const std::uint8_t* from, std::size_t blocks, int offset,
               std::int8_t* codes) noexcept {
  const __m256i offset_i8x32 = _mm256_set1_epi8(static_cast<char>(offset));
  const auto store = [&](unsigned step, __m256i fields_u8x32) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(codes + std::size_t{64} * step),
                        _mm256_add_epi8(fields_u8x32, offset_i8x32));
  };
  using Of = Pieces<kWidth>;
  for (std::size_t half = 0; half < 2 * blocks; ++half) {
    store(0, Of::template fields<0>(from));
    store(1, Of::template fields<1>(from));
    store(2, Of::template fields<2>(from));
    store(3, Of::template fields<3>(from));
    store(4, Of::template fields<4>(from));
    store(5, Of::template fields<5>(from));
    store(6, Of::template fields<6>(from));
    store(7, Of::template fields<7>(from));
    const bool block_ends = half % 2 != 0;
    from += block_ends ? std::size_t{64} * kWidth - kHalf : kHalf;
    codes += block_ends ? kBlockCodes - kHalf : kHalf;
  }
}

struct Ops {
  static constexpr std::int32_t kSignedOffset = 0;
  static constexpr bool kAddsGroups = true;

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

  static void add_groups(const IntegerStrip& strip, const StripScales& scales, const InputCodes& x,
                         float* totals) noexcept {
    constexpr decltype(&add_groups_by<2>) kBy[] = {
        add_groups_by<2>, add_groups_by<3>, add_groups_by<4>, add_groups_by<5>,
        add_groups_by<6>, add_groups_by<7>, add_groups_by<8>};
    kBy[strip.width - 2](strip, scales, x, totals);
  }

  // Four steps are 8 rows x 4 dwords; transposing them in each half of the registers gives rows of
  // 16 columns, row 4 i + k in half i of register k.
  static void place(const std::int8_t* codes, std::size_t blocks, std::int8_t* placed) noexcept {
    for (std::size_t n = 0; n < 4 * blocks; ++n, placed += 128) {
      const std::int8_t* from = codes + n / 2 * 256 + n % 2 * kHalf;
      __m256i steps_i32x8[4];
      for (unsigned s = 0; s < 4; ++s) {
        steps_i32x8[s] = load(from + std::size_t{64} * s);
      }
      const __m256i low01_i32x8 = _mm256_unpacklo_epi32(steps_i32x8[0], steps_i32x8[1]);
      const __m256i low23_i32x8 = _mm256_unpacklo_epi32(steps_i32x8[2], steps_i32x8[3]);
      const __m256i high01_i32x8 = _mm256_unpackhi_epi32(steps_i32x8[0], steps_i32x8[1]);
      const __m256i high23_i32x8 = _mm256_unpackhi_epi32(steps_i32x8[2], steps_i32x8[3]);
      store_rows(_mm256_unpacklo_epi64(low01_i32x8, low23_i32x8), placed);
      store_rows(_mm256_unpackhi_epi64(low01_i32x8, low23_i32x8), placed + 16);
      store_rows(_mm256_unpacklo_epi64(high01_i32x8, high23_i32x8), placed + 32);
      store_rows(_mm256_unpackhi_epi64(high01_i32x8, high23_i32x8), placed + 48);
    }
  }

  static void add_lanes(const std::int8_t* codes, std::size_t groups, const float* scales,
                        const ValuesFrom& x, float* lanes) noexcept {
    for (std::size_t t = 0; t < x.count; ++t) {
      for (std::size_t r = 0; r < kStripRows; r += 4) {
        const float* values = x.values + t * x.stride;
        float* of_rows = lanes + (t * kStripRows + r) * kLanes;
        if (scales == nullptr) {
          add_four_rows<false>(codes + r * kLanes, groups, scales, values, of_rows);
        } else {
          add_four_rows<true>(codes + r * kLanes, groups, scales + r, values, of_rows);
        }
      }
    }
  }

 private:
  static void store_rows(__m256i rows_i8x32, std::int8_t* codes) noexcept {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes), _mm256_castsi256_si128(rows_i8x32));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(codes + 64),
                     _mm256_extracti128_si256(rows_i8x32, 1));
  }

  static __m256 eight_weights(const std::int8_t* codes) noexcept {
    const __m128i eight_i8x8 = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(codes));
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(eight_i8x8));
  }

  template <bool kScaled>
  static __m256 scaled(__m256 weights_f32x8, const float* scale) noexcept {
    if constexpr (kScaled) return _mm256_mul_ps(weights_f32x8, _mm256_set1_ps(*scale));
    return weights_f32x8;
  }

  template <bool kScaled>
  static void add_four_rows(const std::int8_t* codes, std::size_t groups, const float* scales,
                            const float* values, float* lanes) noexcept {
    __m256 sums_f32x8[8];
    for (std::size_t h = 0; h < 8; ++h) sums_f32x8[h] = _mm256_loadu_ps(lanes + 8 * h);
    for (std::size_t g = 0; g < groups; ++g, codes += kGroupCodes) {
      const __m256 x_f32x8[2] = {_mm256_loadu_ps(values + g * kLanes),
                                 _mm256_loadu_ps(values + g * kLanes + 8)};
      for (std::size_t h = 0; h < 8; ++h) {
        const __m256 plain_f32x8 = eight_weights(codes + 8 * h);
        const __m256 weights_f32x8 = scaled<kScaled>(plain_f32x8, scales + h / 2);
        sums_f32x8[h] = _mm256_fmadd_ps(weights_f32x8, x_f32x8[h % 2], sums_f32x8[h]);
      }
    }
    for (std::size_t h = 0; h < 8; ++h) _mm256_storeu_ps(lanes + 8 * h, sums_f32x8[h]);
  }
};

}  // namespace

const IntegerKernels integer_avx2 = {quantize, multiply_codes<Ops>, multiply_values<Ops>,
                                     decode<Ops>};

}  // namespace meadow::kernels
