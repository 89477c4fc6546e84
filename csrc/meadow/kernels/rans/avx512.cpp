// AVX-512 BW, VL, VBMI2. Four vectors of 256 bits rather than two of 512: the bound is the latency
// of one group, and half vectors overlap better (Zen 5: 2.1 against 1.7 to 2.0 Gsymbols/s). From
// AVX-512 the decoder gains vpexpandd in place of a table of permutations.
#include <immintrin.h>

#include <cstring>

#include "meadow/kernels/rans/rans.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kWidth = 8;                      // lanes of a decoder's vector
constexpr std::size_t kVectors = kRansLanes / kWidth;  // of a group

__m128i load_two(const std::uint32_t* slots, std::uint64_t pair) noexcept {
  const __m128i first_u32x4 = _mm_cvtsi32_si128(static_cast<int>(slots[pair & 0xFFFFFFFF]));
  return _mm_insert_epi32(first_u32x4, static_cast<int>(slots[pair >> 32]), 1);
}

__m128i load_four(const std::uint32_t* slots, __m128i indices_u32x4) noexcept {
  const auto low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(indices_u32x4));
  const auto high = static_cast<std::uint64_t>(_mm_extract_epi64(indices_u32x4, 1));
  return _mm_unpacklo_epi64(load_two(slots, low), load_two(slots, high));
}

__m256i load_entries(const std::uint32_t* slots, __m256i states_u32x8) noexcept {
  const __m256i indices_u32x8 = _mm256_and_si256(states_u32x8, _mm256_set1_epi32(0xFFF));
  return _mm256_set_m128i(load_four(slots, _mm256_extracti128_si256(indices_u32x8, 1)),
                          load_four(slots, _mm256_castsi256_si128(indices_u32x8)));
}

__m256i advance(__m256i states_u32x8, __m256i entries_u32x8) noexcept {
  const __m256i frequencies_u32x8 = _mm256_and_si256(entries_u32x8, _mm256_set1_epi32(0xFFF));
  const __m256i products_u32x8 =
      _mm256_mullo_epi32(frequencies_u32x8, _mm256_srli_epi32(states_u32x8, 12));
  return _mm256_add_epi32(products_u32x8, _mm256_srli_epi32(entries_u32x8, 20));
}

// Gives the next words to the lanes below 2^16, in the order of the lanes.
__m256i take_words(__m256i states_u32x8, const std::uint8_t*& words) noexcept {
  const __mmask8 taking =
      _mm256_testn_epi32_mask(states_u32x8, _mm256_set1_epi32(static_cast<int>(0xFFFF0000)));
  const __m256i next_u32x8 =
      _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words)));
  words += 2 * static_cast<std::size_t>(_mm_popcnt_u32(taking));
  return _mm256_mask_or_epi32(states_u32x8, taking, _mm256_slli_epi32(states_u32x8, 16),
                              _mm256_maskz_expand_epi32(taking, next_u32x8));
}

// Entry bits 12 to 19 of 16 lanes.
__m128i symbols_of(__m256i low_u32x8, __m256i high_u32x8) noexcept {
  const __m512i both_u32x16 = _mm512_inserti64x4(_mm512_castsi256_si512(low_u32x8), high_u32x8, 1);
  return _mm512_cvtepi32_epi8(_mm512_srli_epi32(both_u32x16, 12));
}

void store_symbols(const __m256i (&entries_u32x8)[kVectors], std::uint8_t* symbols) noexcept {
  auto* const out = reinterpret_cast<__m128i*>(symbols);
  _mm_storeu_si128(out, symbols_of(entries_u32x8[0], entries_u32x8[1]));
  _mm_storeu_si128(out + 1, symbols_of(entries_u32x8[2], entries_u32x8[3]));
}

std::size_t decode(const std::uint32_t* slots, std::uint32_t* states, RansWords* words,
                   std::uint8_t* symbols, std::size_t groups) noexcept {
  const std::uint8_t* next = words->next;
  auto* const vectors = reinterpret_cast<__m256i*>(states);
  __m256i states_u32x8[kVectors];
  for (std::size_t i = 0; i < kVectors; ++i) states_u32x8[i] = _mm256_loadu_si256(vectors + i);
  std::size_t done = 0;
  for (; done < groups && static_cast<std::size_t>(words->end - next) >= kRansRoom; ++done) {
    __m256i entries_u32x8[kVectors];
    for (std::size_t i = 0; i < kVectors; ++i) {
      entries_u32x8[i] = load_entries(slots, states_u32x8[i]);
      states_u32x8[i] = advance(states_u32x8[i], entries_u32x8[i]);
    }
    for (__m256i& vector_u32x8 : states_u32x8) vector_u32x8 = take_words(vector_u32x8, next);
    store_symbols(entries_u32x8, symbols + done * kRansLanes);
  }
  for (std::size_t i = 0; i < kVectors; ++i) _mm256_storeu_si256(vectors + i, states_u32x8[i]);
  words->next = next;
  return done;
}

// Frequency and start of 16 symbols.
struct Coding {
  __m512i frequencies_u32x16;
  __m512i starts_u32x16;
};

static_assert(sizeof(RansSymbol) == 16, "symbols are shifted to offsets");

Coding load_codings(const RansSymbol* table, const std::uint8_t* symbols) noexcept {
  const auto* const fields = reinterpret_cast<const std::uint8_t*>(&table->frequency);
  const __m128i symbols_u8x16 = _mm_loadu_si128(reinterpret_cast<const __m128i*>(symbols));
  const __m512i offsets_u32x16 = _mm512_slli_epi32(_mm512_cvtepu8_epi32(symbols_u8x16), 4);
  const __m512i low_u32x16 =
      _mm512_i32gather_epi64(_mm512_castsi512_si256(offsets_u32x16), fields, 1);
  const __m512i high_u32x16 =
      _mm512_i32gather_epi64(_mm512_extracti64x4_epi64(offsets_u32x16, 1), fields, 1);
  const __m512i even_i32x16 =
      _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
  const __m512i odd_i32x16 = _mm512_or_si512(even_i32x16, _mm512_set1_epi32(1));
  return {_mm512_permutex2var_epi32(low_u32x16, even_i32x16, high_u32x16),
          _mm512_permutex2var_epi32(low_u32x16, odd_i32x16, high_u32x16)};
}

// state / frequency * 4096 + state % frequency + start. The quotient is below 2^20 and its
// estimate, all roundings being downwards, at most one too small.
__m512i push(__m512i states_u32x16, const Coding& coding) noexcept {
  constexpr int kDown = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;
  const __m512 reciprocals_f32x16 = _mm512_div_round_ps(
      _mm512_set1_ps(1.0F), _mm512_cvtepi32_ps(coding.frequencies_u32x16), kDown);
  const __m512 quotients_f32x16 = _mm512_mul_round_ps(
      _mm512_cvt_roundepu32_ps(states_u32x16, kDown), reciprocals_f32x16, kDown);
  const __m512i quotients_u32x16 = _mm512_cvttps_epi32(quotients_f32x16);
  const __m512i rests_u32x16 = _mm512_sub_epi32(
      states_u32x16, _mm512_mullo_epi32(quotients_u32x16, coding.frequencies_u32x16));
  const __mmask16 too_small = _mm512_cmpge_epu32_mask(rests_u32x16, coding.frequencies_u32x16);
  const __m512i pushed_u32x16 =
      _mm512_add_epi32(_mm512_add_epi32(_mm512_slli_epi32(quotients_u32x16, 12), rests_u32x16),
                       coding.starts_u32x16);
  const __m512i one_more_u32x16 =
      _mm512_sub_epi32(_mm512_set1_epi32(4096), coding.frequencies_u32x16);
  return _mm512_mask_add_epi32(pushed_u32x16, too_small, pushed_u32x16, one_more_u32x16);
}

// Writes the low halves of the lanes that are too large before `words`, in the order of lanes.
__m512i give_words(__m512i states_u32x16, const Coding& coding, std::uint8_t*& words) noexcept {
  const __mmask16 giving =
      _mm512_cmpge_epu32_mask(_mm512_srli_epi32(states_u32x16, 20), coding.frequencies_u32x16);
  const auto count = static_cast<unsigned>(_mm_popcnt_u32(giving));
  const __m256i words_u16x16 =
      _mm256_maskz_compress_epi16(giving, _mm512_cvtepi32_epi16(states_u32x16));
  words -= 2 * std::size_t{count};
  _mm256_mask_storeu_epi16(words, static_cast<__mmask16>((1U << count) - 1), words_u16x16);
  return _mm512_mask_srli_epi32(states_u32x16, giving, states_u32x16, 16);
}

std::uint8_t* encode(const RansSymbol* table, std::uint32_t* states, const std::uint8_t* symbols,
                     std::size_t groups, std::uint8_t* words_end) noexcept {
  __m512i low_u32x16 = _mm512_loadu_si512(states);
  __m512i high_u32x16 = _mm512_loadu_si512(states + 16);
  while (groups-- > 0) {
    const Coding low = load_codings(table, symbols + groups * kRansLanes);
    const Coding high = load_codings(table, symbols + groups * kRansLanes + 16);
    high_u32x16 = push(give_words(high_u32x16, high, words_end), high);
    low_u32x16 = push(give_words(low_u32x16, low, words_end), low);
  }
  _mm512_storeu_si512(states, low_u32x16);
  _mm512_storeu_si512(states + 16, high_u32x16);
  return words_end;
}

__mmask64 first_bytes(std::size_t count) noexcept {
  return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1;
}

bool put_back(std::uint8_t* symbols, std::size_t count, std::uint8_t escape,
              const std::uint8_t* bytes, std::size_t available) noexcept {
  const __m512i escape_u8x64 = _mm512_set1_epi8(static_cast<char>(escape));
  for (std::size_t at = 0; at < count; at += 64) {
    const __mmask64 inside = first_bytes(count - at);
    const __m512i symbols_u8x64 = _mm512_maskz_loadu_epi8(inside, symbols + at);
    const __mmask64 found = _mm512_mask_cmpeq_epi8_mask(inside, symbols_u8x64, escape_u8x64);
    if (found == 0) continue;
    const auto wanted = static_cast<std::size_t>(_mm_popcnt_u64(found));
    if (wanted > available) return false;
    // Expanding in a register: from memory it is microcode on Zen 4.
    const __m512i bytes_u8x64 = _mm512_maskz_loadu_epi8(first_bytes(wanted), bytes);
    _mm512_mask_storeu_epi8(symbols + at, found, _mm512_maskz_expand_epi8(found, bytes_u8x64));
    bytes += wanted;
    available -= wanted;
  }
  return available == 0;
}

}  // namespace

const RansKernels rans_avx512 = {decode, encode, put_back};

}  // namespace meadow::kernels
