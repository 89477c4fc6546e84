#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/stream/stream.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kLine = 8;  // words that come from memory together: one vector

std::uint64_t reduced(__m512i sums_u64x8) noexcept {
  std::uint64_t words[kLine];
  _mm512_storeu_si512(words, sums_u64x8);
  std::uint64_t sum = 0;
  for (const std::uint64_t word : words) sum ^= word;
  return sum;
}

std::uint64_t read(const std::uint64_t* words, std::size_t count) noexcept {
  const std::size_t part = count / (kStreams * kLine) * kLine;  // words of a stream
  __m512i sums_u64x8[kStreams];
  for (__m512i& sum_u64x8 : sums_u64x8) sum_u64x8 = _mm512_setzero_si512();
  for (std::size_t n = 0; n < part; n += kLine) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      const __m512i line_u64x8 = _mm512_loadu_si512(words + s * part + n);
      sums_u64x8[s] = _mm512_xor_si512(sums_u64x8[s], line_u64x8);
    }
  }
  std::uint64_t sum = 0;
  for (std::size_t n = kStreams * part; n < count; ++n) sum ^= words[n];
  for (const __m512i& sum_u64x8 : sums_u64x8) sum ^= reduced(sum_u64x8);
  return sum;
}

}  // namespace

const StreamKernels stream_avx512 = {read};

}  // namespace meadow::kernels
