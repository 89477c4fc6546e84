// Reads memory as fast as a core can, and discards it. Every ISA gives the same checksum. This
// header is included by files of every ISA: it must define no code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

// Reading at several places instead of one, a core has more cache misses in flight, and its
// prefetchers run further ahead.
constexpr std::size_t kStreams = 8;

struct StreamKernels {
  // Reads `count` words, at kStreams places at a time, and returns the exclusive or of all, which
  // cannot be computed without reading every one.
  std::uint64_t (*read)(const std::uint64_t* words, std::size_t count) noexcept;
};

const StreamKernels& stream_kernels(Isa isa) noexcept;

extern const StreamKernels stream_scalar;
extern const StreamKernels stream_avx2;
extern const StreamKernels stream_avx512;
extern const StreamKernels stream_neon;

}  // namespace meadow::kernels
