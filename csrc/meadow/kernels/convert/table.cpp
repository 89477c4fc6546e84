#include "meadow/kernels/convert/convert.h"
#include "meadow/kernels/isa.h"

namespace meadow::kernels {

const ConvertKernels& convert_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return convert_avx512;
    case Isa::kAvx2:
      return convert_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return convert_neon;
#endif
    default:
      return convert_scalar;
  }
}

}  // namespace meadow::kernels
