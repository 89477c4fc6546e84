// Memory, read and thrown away, as fast as a core gets it. Every ISA gives the same checksum. This
// header is read by files of every ISA: it must define no code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

// A core keeps more misses under way, and its prefetchers run further ahead, with several places to
// read at than with one.
constexpr std::size_t kStreams = 8;

struct StreamKernels {
  // Reads all of `count` words, in kStreams places at a time, and returns the exclusive or of all:
  // what cannot be had without reading every one.
  std::uint64_t (*read)(const std::uint64_t* words, std::size_t count) noexcept;
};

const StreamKernels& stream_kernels(Isa isa) noexcept;

extern const StreamKernels stream_scalar;
extern const StreamKernels stream_avx2;
extern const StreamKernels stream_avx512;
extern const StreamKernels stream_neon;

}  // namespace meadow::kernels
