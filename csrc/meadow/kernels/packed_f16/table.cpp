#include "meadow/kernels/isa.h"
#include "meadow/kernels/packed_f16/packed_f16.h"

namespace meadow::kernels {

const PackedF16Kernels& packed_f16_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return packed_f16_avx512;
    case Isa::kAvx2:
      return packed_f16_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return packed_f16_neon;
#endif
    default:
      return packed_f16_scalar;
  }
}

}  // namespace meadow::kernels
