// From the range of some weights to the scale and zero point of their codes.
#pragma once

#include "meadow/kernels/quantize/quantize.h"
#include "meadow/number/quantize.h"

namespace meadow {

// The symmetric scale is |weight|max / (2^(bits-1) - 1). The asymmetric one is (high - low) /
// (2^bits - 1), with the zero point where zero falls: the affine scheme of Jacob et al., CVPR 2018.
// The scale is 1 for weights that are all zero.
kernels::Quantizer quantizer_for(const kernels::Range& range, const QuantizeSpec& spec) noexcept;

}  // namespace meadow
