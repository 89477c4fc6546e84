#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/stream/stream.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kLine = 8;  // words that come from memory together: two vectors

__m256i xor_of_line(const std::uint64_t* words, __m256i sums_u64x4) noexcept {
  const auto* vectors = reinterpret_cast<const __m256i*>(words);
  const __m256i both_u64x4 =
      _mm256_xor_si256(_mm256_loadu_si256(vectors), _mm256_loadu_si256(vectors + 1));
  return _mm256_xor_si256(sums_u64x4, both_u64x4);
}

std::uint64_t reduced(__m256i sums_u64x4) noexcept {
  const __m128i two_u64x2 =
      _mm_xor_si128(_mm256_castsi256_si128(sums_u64x4), _mm256_extracti128_si256(sums_u64x4, 1));
  return static_cast<std::uint64_t>(_mm_cvtsi128_si64(two_u64x2)) ^
         static_cast<std::uint64_t>(_mm_extract_epi64(two_u64x2, 1));
}

std::uint64_t read(const std::uint64_t* words, std::size_t count) noexcept {
  const std::size_t part = count / (kStreams * kLine) * kLine;  // words of a stream
  __m256i sums_u64x4[kStreams];
  for (__m256i& sum_u64x4 : sums_u64x4) sum_u64x4 = _mm256_setzero_si256();
  for (std::size_t n = 0; n < part; n += kLine) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      sums_u64x4[s] = xor_of_line(words + s * part + n, sums_u64x4[s]);
    }
  }
  std::uint64_t sum = 0;
  for (std::size_t n = kStreams * part; n < count; ++n) sum ^= words[n];
  for (const __m256i& sum_u64x4 : sums_u64x4) sum ^= reduced(sum_u64x4);
  return sum;
}

}  // namespace

const StreamKernels stream_avx2 = {read};

}  // namespace meadow::kernels
