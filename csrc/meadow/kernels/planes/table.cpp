#include "meadow/kernels/isa.h"
#include "meadow/kernels/planes/planes.h"

namespace meadow::kernels {

const PlaneKernels& plane_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return planes_avx512;
    case Isa::kAvx2:
      return planes_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return planes_neon;
#endif
    default:
      return planes_scalar;
  }
}

}  // namespace meadow::kernels
