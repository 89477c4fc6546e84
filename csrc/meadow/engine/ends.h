// The two ends of the transformer: tokens to the residual stream, and the stream to logits.
#pragma once

#include <cstdint>
#include <span>

#include "meadow/base/thread_pool.h"
#include "meadow/engine/layer.h"

namespace meadow {

// Rows of the embedding to scratch.x, positions added, and the angles of rotary positions.
void embed(const BlockPass& pass, const ModelWeights& weights,
           std::span<const std::int32_t> tokens);

// logits[t - rows.begin, vocab] of the tokens `rows` of the block, from scratch.x. Throws
// InvalidArgument where they hold NaN.
void compute_logits(const BlockPass& pass, const ModelWeights& weights, Block rows, float* logits);

}  // namespace meadow
