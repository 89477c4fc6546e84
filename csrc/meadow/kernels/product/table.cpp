#include "meadow/kernels/isa.h"
#include "meadow/kernels/product/product.h"

namespace meadow::kernels {

const ProductKernels& product_kernels([[maybe_unused]] Isa isa) noexcept { return product_scalar; }

}  // namespace meadow::kernels
