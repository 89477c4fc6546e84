#include "meadow/kernels/isa.h"
#include "meadow/kernels/rans/rans.h"

namespace meadow::kernels {

const RansKernels& rans_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return rans_avx512;
    case Isa::kAvx2:
      return rans_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return rans_neon;
#endif
    default:
      return rans_scalar;
  }
}

}  // namespace meadow::kernels
