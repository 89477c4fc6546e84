// The half of a layer that works on each token by itself. A layer owns one and knows nothing of its
// inside; a kind of feed-forward is a class, and a maker that takes its weights.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "meadow/engine/config.h"
#include "meadow/engine/linear.h"

namespace meadow {

struct BlockPass;
class WeightTaker;

class FeedForward {
 public:
  FeedForward() = default;
  virtual ~FeedForward() = default;
  FeedForward(const FeedForward&) = delete;
  FeedForward& operator=(const FeedForward&) = delete;

  // outputs [tokens, hidden] of inputs [tokens, hidden], complete with every bias; the two do not
  // overlap. The first scratch_size(pass.tokens) floats of pass.scratch.feed_forward are its own
  // during the call. What a token gets depends neither on the other tokens nor on the threads.
  virtual void forward(const BlockPass& pass, const float* inputs, float* outputs) const = 0;
  [[nodiscard]] virtual std::size_t scratch_size(std::size_t tokens) const noexcept = 0;

  // All that it stores, whether a token reads it or not.
  [[nodiscard]] virtual std::vector<const Linear*> linears() const = 0;
  // What decoding one token reads of it.
  [[nodiscard]] virtual std::size_t bytes_per_token() const noexcept = 0;
};

// Makes the feed-forward of a layer from weights whose names begin with `prefix`. Throws
// InvalidArgument where one is missing or has another shape.
using MakeFeedForward = std::function<std::unique_ptr<const FeedForward>(
    const ModelConfig& config, const std::string& prefix, WeightTaker& taker)>;

// down(activation(up(x))), or, gated, down(activation(gate(x)) * up(x)).
std::unique_ptr<const FeedForward> dense_feed_forward(const ModelConfig& config,
                                                      const std::string& prefix,
                                                      WeightTaker& taker);

}  // namespace meadow
