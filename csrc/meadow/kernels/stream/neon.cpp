#include <arm_neon.h>

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/stream/stream.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kLine = 8;  // words that come from memory together: four vectors

uint64x2_t xor_of_line(const std::uint64_t* words, uint64x2_t sums_u64x2) noexcept {
  const uint64x2_t low_u64x2 = veorq_u64(vld1q_u64(words), vld1q_u64(words + 2));
  const uint64x2_t high_u64x2 = veorq_u64(vld1q_u64(words + 4), vld1q_u64(words + 6));
  return veorq_u64(sums_u64x2, veorq_u64(low_u64x2, high_u64x2));
}

std::uint64_t read(const std::uint64_t* words, std::size_t count) noexcept {
  const std::size_t part = count / (kStreams * kLine) * kLine;  // words of a stream
  uint64x2_t sums_u64x2[kStreams];
  for (uint64x2_t& sum_u64x2 : sums_u64x2) sum_u64x2 = vdupq_n_u64(0);
  for (std::size_t n = 0; n < part; n += kLine) {
    for (std::size_t s = 0; s < kStreams; ++s) {
      sums_u64x2[s] = xor_of_line(words + s * part + n, sums_u64x2[s]);
    }
  }
  std::uint64_t sum = 0;
  for (std::size_t n = kStreams * part; n < count; ++n) sum ^= words[n];
  for (const uint64x2_t& sum_u64x2 : sums_u64x2) {
    sum ^= vgetq_lane_u64(sum_u64x2, 0) ^ vgetq_lane_u64(sum_u64x2, 1);
  }
  return sum;
}

}  // namespace

const StreamKernels stream_neon = {read};

}  // namespace meadow::kernels
