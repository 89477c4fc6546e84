// The two ends of the transformer: from tokens to the residual stream, and from there to logits.
#pragma once

#include <cstdint>
#include <span>

#include "meadow/base/thread_pool.h"
#include "meadow/engine/layer.h"

namespace meadow {

// Writes rows of the embedding, with positions added, to scratch.x, and computes the angles of
// rotary positions.
void embed(const BlockPass& pass, const ModelWeights& weights,
           std::span<const std::int32_t> tokens);

// Computes logits[t - rows.begin, vocab] for the tokens `rows` of the block from scratch.x. Throws
// InvalidArgument if they contain NaN.
void compute_logits(const BlockPass& pass, const ModelWeights& weights, Block rows, float* logits);

}  // namespace meadow
