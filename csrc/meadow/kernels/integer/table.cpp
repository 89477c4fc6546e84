#include "meadow/kernels/integer/integer.h"
#include "meadow/kernels/isa.h"

namespace meadow::kernels {

const IntegerKernels& integer_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return integer_avx512;
    case Isa::kAvx2:
      return integer_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return integer_neon;
#endif
    default:
      return integer_scalar;
  }
}

}  // namespace meadow::kernels
