#include "meadow/kernels/isa.h"
#include "meadow/kernels/quantize/quantize.h"

namespace meadow::kernels {

const QuantizeKernels& quantize_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return quantize_avx512;
    case Isa::kAvx2:
      return quantize_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return quantize_neon;
#endif
    default:
      return quantize_scalar;
  }
}

}  // namespace meadow::kernels
