#include "meadow/kernels/isa.h"
#include "meadow/kernels/vector/vector.h"

namespace meadow::kernels {

const VectorKernels& vector_kernels([[maybe_unused]] Isa isa) noexcept { return vector_scalar; }

}  // namespace meadow::kernels
