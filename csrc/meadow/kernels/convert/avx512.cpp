// The compiler vectorises with 512 bits.
#include "meadow/kernels/convert/loops.h"

namespace meadow::kernels {

const ConvertKernels convert_avx512 = {bf16_of_f16, f16_of_bf16, f16_of_f32, f32_of_f16,
                                       f16_is_bf16};

}  // namespace meadow::kernels
