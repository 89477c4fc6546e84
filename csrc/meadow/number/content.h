// What stored floats really hold: many F32 checkpoints are BF16 or F16 ones, widened.
#pragma once

#include <cstddef>

#include "meadow/number/dtype.h"

namespace meadow {

// The narrowest of F32, F16 and BF16 that holds each of `count` values of `type` (F32, F16 or
// BF16) bit for bit; BF16 where both do. `type` itself for no values at all.
FloatType narrowest_type(const void* values, std::size_t count, FloatType type, unsigned threads);

}  // namespace meadow
