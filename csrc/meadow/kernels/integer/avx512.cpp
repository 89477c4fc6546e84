// 64 fields at a time: three shifts, selects by vpternlogd, and vpdpbusd with four input codes
// broadcast. vpdpbusd takes unsigned fields, so 128 is added to codes of width 8, and 128 times the
// sum of the inputs is subtracted again.
#include <immintrin.h>

#include "meadow/kernels/integer/quantize.h"
#include "meadow/kernels/integer/values.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kAhead = 16384;  // bytes, measured

// Shifts left by kBits, or right if it is negative; bits cross into the next byte.
template <int kBits>
__m512i shifted(__m512i bytes_u8x64) noexcept {
  if constexpr (kBits > 0) return _mm512_slli_epi16(bytes_u8x64, kBits);
  if constexpr (kBits < 0) return _mm512_srli_epi16(bytes_u8x64, -kBits);
  return bytes_u8x64;
}

// Bits of `low` where `mask` has ones, of `high` elsewhere.
__m512i select(int mask, __m512i low_u8x64, __m512i high_u8x64) noexcept {
  return _mm512_ternarylogic_epi32(_mm512_set1_epi8(static_cast<char>(mask)), low_u8x64, high_u8x64,
                                   0xCA);
}

template <unsigned kWidth>
struct Pieces {
  static constexpr bool kHasNibbles = (kWidth & 4) != 0;
  static constexpr bool kHasPairs = (kWidth & 2) != 0;
  static constexpr bool kHasBits = (kWidth & 1) != 0;

  explicit Pieces(const std::uint8_t* from) noexcept {
    std::size_t n = 0;
    if constexpr (kHasNibbles) {
      for (__m512i& piece_u8x64 : nibbles_u8x64) piece_u8x64 = _mm512_loadu_si512(from + 64 * n++);
    }
    if constexpr (kHasPairs) {
      for (__m512i& piece_u8x64 : pairs_u8x64) piece_u8x64 = _mm512_loadu_si512(from + 64 * n++);
    }
    if constexpr (kHasBits) bits_u8x64 = _mm512_loadu_si512(from + 64 * n);
    for (std::size_t p = 0; p < kWidth; ++p) {
      _mm_prefetch(reinterpret_cast<const char*>(from + 64 * p + kAhead), _MM_HINT_T0);
    }
  }

  template <unsigned kStep>
  [[nodiscard]] __m512i fields() const noexcept {
    __m512i found_u8x64{};
    constexpr int kPairAt = kHasNibbles ? 4 : 0;
    constexpr int kBitAt = static_cast<int>(kWidth) - 1;
    constexpr int kStepInt = static_cast<int>(kStep);
    if constexpr (kHasNibbles) found_u8x64 = shifted<-4 * (kStepInt % 2)>(nibbles_u8x64[kStep / 2]);
    if constexpr (kHasPairs) {
      const __m512i high_u8x64 = shifted<kPairAt - 2 * (kStepInt % 4)>(pairs_u8x64[kStep / 4]);
      found_u8x64 = kHasNibbles ? select(0x0F, found_u8x64, high_u8x64) : high_u8x64;
    }
    if constexpr (kHasBits) {
      found_u8x64 = select((1 << kBitAt) - 1, found_u8x64, shifted<kBitAt - kStepInt>(bits_u8x64));
    }
    return _mm512_and_si512(found_u8x64, _mm512_set1_epi8((1 << kWidth) - 1));
  }

  __m512i nibbles_u8x64[4];
  __m512i pairs_u8x64[2];
  __m512i bits_u8x64;
};

template <>
struct Pieces<8> {
  explicit Pieces(const std::uint8_t* at) noexcept : from(at) {
    for (std::size_t p = 0; p < 8; ++p) {
      _mm_prefetch(reinterpret_cast<const char*>(from + 64 * p + kAhead), _MM_HINT_T0);
    }
  }

  template <unsigned kStep>
  [[nodiscard]] __m512i fields() const noexcept {
    return _mm512_xor_si512(_mm512_loadu_si512(from + std::size_t{64} * kStep),
                            _mm512_set1_epi8(-128));
  }

  const std::uint8_t* from;
};

__m512i four_codes(const std::int8_t* codes) noexcept {
  std::int32_t four;
  std::memcpy(&four, codes, sizeof four);
  return _mm512_set1_epi32(four);
}

// Sums of some tokens, in several chains if there are few tokens: vpdpbusd takes 4 to 5 cycles.
template <unsigned kTokens>
struct Sums {
  static constexpr unsigned kChains = kTokens == 1 ? 4 : kTokens <= 3 ? 2 : 1;

  template <unsigned kStep>
  void add(__m512i fields_u8x64, const CodesFrom& x) noexcept {
    for (unsigned t = 0; t < kTokens; ++t) {
      __m512i& sum_i32x16 = sums_i32x16[t][kStep % kChains];
      sum_i32x16 = _mm512_dpbusd_epi32(sum_i32x16, fields_u8x64,
                                       four_codes(x.codes + t * x.stride + std::size_t{4} * kStep));
    }
  }

  template <unsigned kWidth>
  void add_block(const std::uint8_t* from, const CodesFrom& x) noexcept {
    const Pieces<kWidth> pieces(from);
    add<0>(pieces.template fields<0>(), x);
    add<1>(pieces.template fields<1>(), x);
    add<2>(pieces.template fields<2>(), x);
    add<3>(pieces.template fields<3>(), x);
    add<4>(pieces.template fields<4>(), x);
    add<5>(pieces.template fields<5>(), x);
    add<6>(pieces.template fields<6>(), x);
    add<7>(pieces.template fields<7>(), x);
  }

  void add_to(std::int32_t* totals) const noexcept {
    for (unsigned t = 0; t < kTokens; ++t) {
      std::int32_t* at = totals + std::size_t{t} * kStripRows;
      _mm512_storeu_si512(at, _mm512_add_epi32(_mm512_loadu_si512(at), of_token(t)));
    }
  }

  [[nodiscard]] __m512i of_token(unsigned t) const noexcept {
    __m512i sum_i32x16 = sums_i32x16[t][0];
    for (unsigned n = 1; n < kChains; ++n)
      sum_i32x16 = _mm512_add_epi32(sum_i32x16, sums_i32x16[t][n]);
    return sum_i32x16;
  }

  __m512i sums_i32x16[kTokens][kChains] = {};
};

template <unsigned kWidth, unsigned kTokens, typename Feed>
void add_dots_of(const std::uint8_t* from, std::size_t blocks, CodesFrom x, Feed& feed,
                 std::int32_t* totals) noexcept {
  constexpr std::size_t kBytes = std::size_t{64} * kWidth;
  Sums<kTokens> sums;
  for (std::size_t b = 0; b < blocks; ++b, from += kBytes, x.codes += kBlockColumns) {
    sums.template add_block<kWidth>(from, x);
    feed.next_block();
  }
  sums.add_to(totals);
}

// Codes of width 8 with all tokens, some at a time.
void add_dots_by(const std::uint8_t* from, std::size_t blocks, CodesFrom x,
                 std::int32_t* totals) noexcept {
  NoFeed none;
  while (x.count != 0) {
    const std::size_t some = x.count >= 8 ? 8 : x.count >= 4 ? 4 : x.count >= 2 ? 2 : 1;
    if (some == 8) add_dots_of<8, 8>(from, blocks, x, none, totals);
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

__m512 group_scales(const StripScales& scales, std::size_t group) noexcept {
  const std::size_t from = group * kStripRows;
  if (scales.coded == nullptr) return _mm512_loadu_ps(scales.groups + from);
  const auto* coded = reinterpret_cast<const __m128i*>(scales.coded + from);
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(coded)));
}

// A strip without escapes and one token.
template <unsigned kWidth>
void add_groups_by(const IntegerStrip& strip, const StripScales& scales, const InputCodes& x,
                   float* totals) noexcept {
  const std::uint8_t* from = strip.fields;
  CodesFrom codes{x.codes, x.stride, 1};
  const __m512i offset_i32x16 = _mm512_set1_epi32(kWidth == 8 ? -128 : strip.offset);
  __m512 total_f32x16 = _mm512_setzero_ps();
  for (std::size_t b = 0, group = 0; b < strip.blocks; ++group) {
    const std::size_t left = strip.blocks - b;
    const std::size_t end = b + (left < scales.per_scale ? left : scales.per_scale);
    Sums<1> sums;
    std::int32_t of_x = 0;
    for (; b < end; ++b, from += std::size_t{64} * kWidth, codes.codes += kBlockColumns) {
      sums.template add_block<kWidth>(from, codes);
      of_x += x.block_sums[b];
    }
    const __m512i lacking_i32x16 = _mm512_mullo_epi32(offset_i32x16, _mm512_set1_epi32(of_x));
    const __m512 dots_f32x16 =
        _mm512_cvtepi32_ps(_mm512_add_epi32(sums.of_token(0), lacking_i32x16));
    total_f32x16 = _mm512_fmadd_ps(dots_f32x16, group_scales(scales, group), total_f32x16);
  }
  _mm512_storeu_ps(totals, total_f32x16);
}

template <unsigned kWidth>
void unpack_by(const std::uint8_t* from, std::size_t blocks, int offset,
               std::int8_t* codes) noexcept {
  const __m512i offset_i8x64 = _mm512_set1_epi8(static_cast<char>(offset));
  const auto store = [&](unsigned step, __m512i fields_u8x64) noexcept {
    _mm512_storeu_si512(codes + std::size_t{64} * step,
                        _mm512_add_epi8(fields_u8x64, offset_i8x64));
  };
  for (std::size_t b = 0; b < blocks; ++b, from += std::size_t{64} * kWidth, codes += kBlockCodes) {
    const Pieces<kWidth> pieces(from);
    store(0, pieces.template fields<0>());
    store(1, pieces.template fields<1>());
    store(2, pieces.template fields<2>());
    store(3, pieces.template fields<3>());
    store(4, pieces.template fields<4>());
    store(5, pieces.template fields<5>());
    store(6, pieces.template fields<6>());
    store(7, pieces.template fields<7>());
  }
}

struct Ops {
  static constexpr std::int32_t kSignedOffset = -128;
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

  // Four steps are 16 rows x 4 dwords; transposing them in each quarter of the registers gives rows
  // of 16 columns, row 4 i + k in quarter i of register k.
  static void place(const std::int8_t* codes, std::size_t blocks, std::int8_t* placed) noexcept {
    for (std::size_t n = 0; n < 2 * blocks; ++n, codes += 256, placed += 256) {
      __m512i steps_i32x16[4];
      for (unsigned s = 0; s < 4; ++s) {
        steps_i32x16[s] = _mm512_loadu_si512(codes + std::size_t{64} * s);
      }
      const __m512i low01_i32x16 = _mm512_unpacklo_epi32(steps_i32x16[0], steps_i32x16[1]);
      const __m512i low23_i32x16 = _mm512_unpacklo_epi32(steps_i32x16[2], steps_i32x16[3]);
      const __m512i high01_i32x16 = _mm512_unpackhi_epi32(steps_i32x16[0], steps_i32x16[1]);
      const __m512i high23_i32x16 = _mm512_unpackhi_epi32(steps_i32x16[2], steps_i32x16[3]);
      const __m512i rows_i8x64[4] = {_mm512_unpacklo_epi64(low01_i32x16, low23_i32x16),
                                     _mm512_unpackhi_epi64(low01_i32x16, low23_i32x16),
                                     _mm512_unpacklo_epi64(high01_i32x16, high23_i32x16),
                                     _mm512_unpackhi_epi64(high01_i32x16, high23_i32x16)};
      store_rows(rows_i8x64, placed);
    }
  }

  static void add_lanes(const std::int8_t* codes, std::size_t groups, const float* scales,
                        const ValuesFrom& x, float* lanes) noexcept {
    for (std::size_t t = 0; t < x.count; ++t) {
      const float* values = x.values + t * x.stride;
      float* of_token = lanes + t * kStripRows * kLanes;
      if (scales == nullptr) {
        add_lanes_of<false>(codes, groups, scales, values, of_token);
      } else {
        add_lanes_of<true>(codes, groups, scales, values, of_token);
      }
    }
  }

 private:
  static void store_rows(const __m512i* rows_i8x64, std::int8_t* codes) noexcept {
    for (unsigned k = 0; k < 4; ++k) {
      const auto at = [&](unsigned i) noexcept {
        return reinterpret_cast<__m128i*>(codes + 16 * (4 * std::size_t{i} + k));
      };
      _mm_storeu_si128(at(0), _mm512_castsi512_si128(rows_i8x64[k]));
      _mm_storeu_si128(at(1), _mm512_extracti32x4_epi32(rows_i8x64[k], 1));
      _mm_storeu_si128(at(2), _mm512_extracti32x4_epi32(rows_i8x64[k], 2));
      _mm_storeu_si128(at(3), _mm512_extracti32x4_epi32(rows_i8x64[k], 3));
    }
  }

  template <bool kScaled>
  static __m512 scaled(__m512 weights_f32x16, const float* scale) noexcept {
    if constexpr (kScaled) return _mm512_mul_ps(weights_f32x16, _mm512_set1_ps(*scale));
    return weights_f32x16;
  }

  template <bool kScaled>
  static void add_lanes_of(const std::int8_t* codes, std::size_t groups, const float* scales,
                           const float* values, float* lanes) noexcept {
    __m512 sums_f32x16[kStripRows];
    for (std::size_t r = 0; r < kStripRows; ++r)
      sums_f32x16[r] = _mm512_loadu_ps(lanes + r * kLanes);
    for (std::size_t g = 0; g < groups; ++g, codes += kGroupCodes) {
      const __m512 x_f32x16 = _mm512_loadu_ps(values + g * kLanes);
      for (std::size_t r = 0; r < kStripRows; ++r) {
        const auto* row = reinterpret_cast<const __m128i*>(codes + r * kLanes);
        const __m512 plain_f32x16 = _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(row)));
        const __m512 weights_f32x16 = scaled<kScaled>(plain_f32x16, scales + r);
        sums_f32x16[r] = _mm512_fmadd_ps(weights_f32x16, x_f32x16, sums_f32x16[r]);
      }
    }
    for (std::size_t r = 0; r < kStripRows; ++r)
      _mm512_storeu_ps(lanes + r * kLanes, sums_f32x16[r]);
  }
};

}  // namespace

const IntegerKernels integer_avx512 = {quantize, multiply_codes<Ops>, multiply_values<Ops>,
                                       decode<Ops>};

}  // namespace meadow::kernels
