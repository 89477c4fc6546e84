// One layer, for one block of tokens.
#pragma once

#include <cstddef>

#include "meadow/engine/block_pass.h"
#include "meadow/engine/weights.h"

namespace meadow {

// Normalises a vector of `hidden` floats; `to` may be `from`.
void apply_norm(const BlockPass& pass, const Norm& norm, const float* from, float* to) noexcept;

// Computes cosines and sines for every kind of rotary positions and the tokens of the block.
void fill_rotary(const BlockPass& pass);

// Applies the layer to scratch.x, and writes the keys and values of the tokens to the cache.
void forward_layer(const BlockPass& pass, const LayerWeights& layer, std::size_t index);

}  // namespace meadow
