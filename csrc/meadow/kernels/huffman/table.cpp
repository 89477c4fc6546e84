#include "meadow/kernels/huffman/huffman.h"
#include "meadow/kernels/isa.h"

namespace meadow::kernels {

const HuffmanKernels& huffman_kernels(Isa isa) noexcept {
  switch (isa) {
#if defined(__x86_64__)
    case Isa::kAvx512:  // BMI2 is all that this family needs
    case Isa::kAvx2:
      return huffman_avx2;
#endif
#if defined(__aarch64__)
    case Isa::kNeon:
      return huffman_neon;
#endif
    default:
      return huffman_scalar;
  }
}

}  // namespace meadow::kernels
