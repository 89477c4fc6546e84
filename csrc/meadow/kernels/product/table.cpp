#include "meadow/kernels/isa.h"
#include "meadow/kernels/product/product.h"

namespace meadow::kernels {

const ProductKernels& product_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:
      return product_avx512;
    case Isa::kAvx2:
      return product_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return product_neon;
#endif
    default:
      return product_scalar;
  }
}

}  // namespace meadow::kernels
