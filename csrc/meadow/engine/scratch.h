// Buffers between the parts of a layer for one block of tokens, reused from call to call.
#pragma once

#include <cstddef>

#include "meadow/base/raw_vector.h"
#include "meadow/engine/attention.h"
#include "meadow/engine/weights.h"

namespace meadow {

struct Scratch {
  RawVector<float> x;             // [tokens, hidden], the residual stream
  RawVector<float> normed;        // [tokens, hidden]
  RawVector<float> projected;     // [tokens, hidden], added to x by a half
  RawVector<float> queries;       // [tokens, heads, head_dim]
  RawVector<float> keys;          // [tokens, kv_heads, head_dim]
  RawVector<float> values;        // [tokens, kv_heads, head_dim]
  RawVector<float> attended;      // [tokens, heads, head_dim]
  RawVector<float> feed_forward;  // private to the layer, see FeedForward::scratch_size
  RawVector<float> narrow;        // [tokens, width of the embedding or of the head]
  RawVector<float> cosines;       // [kinds, tokens, rotary_dim / 2]
  RawVector<float> sines;         // [kinds, tokens, rotary_dim / 2]
  AttentionBuffers attention;

  // Makes room for a block of `tokens` tokens. Never shrinks.
  void reserve(const ModelConfig& config, const ModelWeights& weights, std::size_t tokens);
};

}  // namespace meadow
