#include "meadow/kernels/isa.h"
#include "meadow/kernels/rans/rans.h"

namespace meadow::kernels {

const RansKernels& rans_kernels(Isa) noexcept { return rans_scalar; }

}  // namespace meadow::kernels
