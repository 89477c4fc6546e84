// BMI2's three-operand shifts; nothing of AVX2 helps where every look-up depends on the one before.
#include "meadow/kernels/huffman/many.h"

namespace meadow::kernels {

const HuffmanKernels huffman_avx2 = {decode, encode};

}  // namespace meadow::kernels
