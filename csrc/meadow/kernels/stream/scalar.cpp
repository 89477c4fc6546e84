#include <cstddef>
#include <cstdint>

#include "meadow/kernels/stream/stream.h"

namespace meadow::kernels {
namespace {

std::uint64_t read(const std::uint64_t* words, std::size_t count) noexcept {
  const std::size_t part = count / kStreams;  // words of a stream
  std::uint64_t sums[kStreams] = {};
  for (std::size_t n = 0; n < part; ++n) {
    for (std::size_t s = 0; s < kStreams; ++s) sums[s] ^= words[s * part + n];
  }
  for (std::size_t n = kStreams * part; n < count; ++n) sums[0] ^= words[n];
  for (std::size_t s = 1; s < kStreams; ++s) sums[0] ^= sums[s];
  return sums[0];
}

}  // namespace

const StreamKernels stream_scalar = {read};

}  // namespace meadow::kernels
