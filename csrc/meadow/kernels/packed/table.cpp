#include "meadow/kernels/isa.h"
#include "meadow/kernels/packed/packed.h"

namespace meadow::kernels {

const PackedKernels& packed_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return packed_avx512;
    case Isa::kAvx2:
      return packed_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return packed_neon;
#endif
    default:
      return packed_scalar;
  }
}

}  // namespace meadow::kernels
