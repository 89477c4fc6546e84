// The content dtype of stored floats: many F32 checkpoints are widened BF16 or F16 ones.
#pragma once

#include <cstddef>

#include "meadow/number/dtype.h"

namespace meadow {

// The narrowest of F32, F16 and BF16 that holds each of `count` values of `type` (F32, F16 or
// BF16) bit for bit; BF16 if both F16 and BF16 do. `type` itself if there are no values.
FloatType narrowest_type(const void* values, std::size_t count, FloatType type, unsigned threads);

}  // namespace meadow
