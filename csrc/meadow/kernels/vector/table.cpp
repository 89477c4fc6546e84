#include "meadow/kernels/isa.h"
#include "meadow/kernels/vector/vector.h"

namespace meadow::kernels {

const VectorKernels& vector_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return vector_avx512;
    case Isa::kAvx2:
      return vector_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return vector_neon;
#endif
    default:
      return vector_scalar;
  }
}

}  // namespace meadow::kernels
