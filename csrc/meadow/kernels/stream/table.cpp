#include "meadow/kernels/isa.h"
#include "meadow/kernels/stream/stream.h"

namespace meadow::kernels {

const StreamKernels& stream_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return stream_avx512;
    case Isa::kAvx2:
      return stream_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return stream_neon;
#endif
    default:
      return stream_scalar;
  }
}

}  // namespace meadow::kernels
