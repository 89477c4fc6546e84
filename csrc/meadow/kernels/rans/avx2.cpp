// AVX2. The bound is the latency of one group, about 62 cycles on Zen 5: slots to general
// registers, four loads and inserts, vpmulld (10 cycles on Intel, 3 on Zen), the permutation that
// brings words to the lanes that take one. Loads through general registers were as fast as
// vpgatherdd there, and are not slowed down by microcode against Downfall.
#include <immintrin.h>

#include <cstring>

#include "meadow/kernels/rans/rans.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kWidth = 8;                      // lanes of a vector
constexpr std::size_t kVectors = kRansLanes / kWidth;  // of a group

// For every set of lanes that take a word: the index of the next word that each takes.
struct WordOfLane {
  alignas(32) std::uint32_t of[256][kWidth];

  constexpr WordOfLane() noexcept : of() {
    for (unsigned taking = 0; taking < 256; ++taking) {
      std::uint32_t next = 0;
      for (unsigned lane = 0; lane < kWidth; ++lane) {
        of[taking][lane] = next;
        next += (taking >> lane) & 1;
      }
    }
  }
};
constexpr WordOfLane kWordOfLane;

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
  const __m256i taking_u32x8 =
      _mm256_cmpeq_epi32(_mm256_srli_epi32(states_u32x8, 16), _mm256_setzero_si256());
  const auto taking = static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(taking_u32x8)));
  const __m256i next_u32x8 =
      _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(words)));
  const __m256i order_u32x8 =
      _mm256_load_si256(reinterpret_cast<const __m256i*>(kWordOfLane.of[taking]));
  const __m256i words_u32x8 = _mm256_permutevar8x32_epi32(next_u32x8, order_u32x8);
  words += 2 * static_cast<std::size_t>(_mm_popcnt_u32(taking));
  return _mm256_blendv_epi8(states_u32x8,
                            _mm256_or_si256(_mm256_slli_epi32(states_u32x8, 16), words_u32x8),
                            taking_u32x8);
}

__m256i symbols_of(__m256i entries_u32x8) noexcept {
  return _mm256_and_si256(_mm256_srli_epi32(entries_u32x8, 12), _mm256_set1_epi32(0xFF));
}

void store_symbols(const __m256i (&entries_u32x8)[kVectors], std::uint8_t* symbols) noexcept {
  // Packing works in halves of 128 bits: it leaves four symbols each of vectors 0 to 3, twice.
  const __m256i low_u16x16 =
      _mm256_packus_epi32(symbols_of(entries_u32x8[0]), symbols_of(entries_u32x8[1]));
  const __m256i high_u16x16 =
      _mm256_packus_epi32(symbols_of(entries_u32x8[2]), symbols_of(entries_u32x8[3]));
  const __m256i mixed_u8x32 = _mm256_packus_epi16(low_u16x16, high_u16x16);
  const __m256i symbols_u8x32 =
      _mm256_permutevar8x32_epi32(mixed_u8x32, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(symbols), symbols_u8x32);
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

// For every set of lanes that give a word: the bytes of a vector of eight words that bring those to
// its end.
struct BytesAtEnd {
  alignas(16) std::uint8_t of[256][16];

  constexpr BytesAtEnd() noexcept : of() {
    for (unsigned giving = 0; giving < 256; ++giving) {
      std::size_t to = kWidth;
      for (std::size_t lane = kWidth; lane-- > 0;) {
        if (((giving >> lane) & 1) == 0) continue;
        --to;
        of[giving][2 * to] = static_cast<std::uint8_t>(2 * lane);
        of[giving][2 * to + 1] = static_cast<std::uint8_t>(2 * lane + 1);
      }
    }
  }
};
constexpr BytesAtEnd kBytesAtEnd;

// Frequency and start of eight symbols.
struct Coding {
  __m256i frequencies_u32x8;
  __m256i starts_u32x8;
};

__m128 load_codings_of_two(const RansSymbol* table, const std::uint8_t* symbols) noexcept {
  const auto* const first = reinterpret_cast<const __m64*>(&table[symbols[0]].frequency);
  const auto* const second = reinterpret_cast<const __m64*>(&table[symbols[1]].frequency);
  return _mm_loadh_pi(_mm_loadl_pi(_mm_setzero_ps(), first), second);
}

Coding load_codings(const RansSymbol* table, const std::uint8_t* symbols) noexcept {
  const __m256 even_f32x8 =
      _mm256_set_m128(load_codings_of_two(table, symbols + 4), load_codings_of_two(table, symbols));
  const __m256 odd_f32x8 = _mm256_set_m128(load_codings_of_two(table, symbols + 6),
                                           load_codings_of_two(table, symbols + 2));
  return {_mm256_castps_si256(_mm256_shuffle_ps(even_f32x8, odd_f32x8, 0x88)),
          _mm256_castps_si256(_mm256_shuffle_ps(even_f32x8, odd_f32x8, 0xDD))};
}

// state / frequency, or one less. The quotient is below 2^20 and each of the three roundings at
// most 2^-24 of it, so taking off 2^-22 makes the estimate no larger and less than 1/2 smaller.
__m256i estimate_quotients(__m256i states_u32x8, __m256i frequencies_u32x8) noexcept {
  const __m256 high_f32x8 = _mm256_cvtepi32_ps(_mm256_srli_epi32(states_u32x8, 16));
  const __m256 low_f32x8 =
      _mm256_cvtepi32_ps(_mm256_and_si256(states_u32x8, _mm256_set1_epi32(0xFFFF)));
  const __m256 states_f32x8 = _mm256_fmadd_ps(high_f32x8, _mm256_set1_ps(65536.0F), low_f32x8);
  const __m256 reciprocals_f32x8 =
      _mm256_div_ps(_mm256_set1_ps(1.0F - 0x1p-22F), _mm256_cvtepi32_ps(frequencies_u32x8));
  return _mm256_cvttps_epi32(_mm256_mul_ps(states_f32x8, reciprocals_f32x8));
}

// state / frequency * 4096 + state % frequency + start
__m256i push(__m256i states_u32x8, const Coding& coding) noexcept {
  const __m256i quotients_u32x8 = estimate_quotients(states_u32x8, coding.frequencies_u32x8);
  const __m256i rests_u32x8 =
      _mm256_sub_epi32(states_u32x8, _mm256_mullo_epi32(quotients_u32x8, coding.frequencies_u32x8));
  const __m256i right_u32x8 = _mm256_cmpgt_epi32(coding.frequencies_u32x8, rests_u32x8);
  const __m256i one_more_u32x8 =
      _mm256_sub_epi32(_mm256_set1_epi32(4096), coding.frequencies_u32x8);
  const __m256i pushed_u32x8 = _mm256_add_epi32(
      _mm256_add_epi32(_mm256_slli_epi32(quotients_u32x8, 12), rests_u32x8), coding.starts_u32x8);
  return _mm256_add_epi32(pushed_u32x8, _mm256_andnot_si256(right_u32x8, one_more_u32x8));
}

// Writes the low halves of the lanes that are too large before `words`, in the order of lanes.
__m256i give_words(__m256i states_u32x8, const Coding& coding, std::uint8_t*& words) noexcept {
  const __m256i keeping_u32x8 =
      _mm256_cmpgt_epi32(coding.frequencies_u32x8, _mm256_srli_epi32(states_u32x8, 20));
  const auto giving =
      0xFFU ^ static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(keeping_u32x8)));
  const __m256i low_u32x8 = _mm256_and_si256(states_u32x8, _mm256_set1_epi32(0xFFFF));
  const __m128i words_u16x8 =
      _mm_packus_epi32(_mm256_castsi256_si128(low_u32x8), _mm256_extracti128_si256(low_u32x8, 1));
  const __m128i order_u8x16 =
      _mm_load_si128(reinterpret_cast<const __m128i*>(kBytesAtEnd.of[giving]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(words - 16),
                   _mm_shuffle_epi8(words_u16x8, order_u8x16));
  words -= 2 * static_cast<std::size_t>(_mm_popcnt_u32(giving));
  return _mm256_blendv_epi8(_mm256_srli_epi32(states_u32x8, 16), states_u32x8, keeping_u32x8);
}

std::uint8_t* encode(const RansSymbol* table, std::uint32_t* states, const std::uint8_t* symbols,
                     std::size_t groups, std::uint8_t* words_end) noexcept {
  auto* const vectors = reinterpret_cast<__m256i*>(states);
  __m256i states_u32x8[kVectors];
  for (std::size_t i = 0; i < kVectors; ++i) states_u32x8[i] = _mm256_loadu_si256(vectors + i);
  while (groups-- > 0) {
    for (std::size_t i = kVectors; i-- > 0;) {
      const Coding coding = load_codings(table, symbols + groups * kRansLanes + i * kWidth);
      states_u32x8[i] = push(give_words(states_u32x8[i], coding, words_end), coding);
    }
  }
  for (std::size_t i = 0; i < kVectors; ++i) _mm256_storeu_si256(vectors + i, states_u32x8[i]);
  return words_end;
}

// The whole vectors; the rest is left to the specification.
bool put_back(std::uint8_t* symbols, std::size_t count, std::uint8_t escape,
              const std::uint8_t* bytes, std::size_t available) noexcept {
  const __m256i escape_u8x32 = _mm256_set1_epi8(static_cast<char>(escape));
  std::size_t used = 0;
  std::size_t at = 0;
  for (; at + 32 <= count; at += 32) {
    const __m256i found_u8x32 = _mm256_cmpeq_epi8(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(symbols + at)), escape_u8x32);
    auto found = static_cast<unsigned>(_mm256_movemask_epi8(found_u8x32));
    for (; found != 0; found &= found - 1) {
      if (used == available) return false;
      symbols[at + static_cast<unsigned>(__builtin_ctz(found))] = bytes[used++];
    }
  }
  return rans_scalar.put_back(symbols + at, count - at, escape, bytes + used, available - used);
}

}  // namespace

const RansKernels rans_avx2 = {decode, encode, put_back};

}  // namespace meadow::kernels
