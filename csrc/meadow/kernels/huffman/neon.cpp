#include "meadow/kernels/huffman/many.h"

namespace meadow::kernels {

const HuffmanKernels huffman_neon = {decode, encode};

}  // namespace meadow::kernels
