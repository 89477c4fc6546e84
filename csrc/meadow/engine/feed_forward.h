// The half of a layer that works on each token by itself. A layer owns one and knows nothing about
// its inside; each kind of feed-forward is a class, with a maker that takes its weights.
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

  // Computes outputs [tokens, hidden] from inputs [tokens, hidden], including every bias; the two
  // do not overlap. During the call it may use the first scratch_size(pass.tokens) floats of
  // pass.scratch.feed_forward. The output of a token depends neither on other tokens nor on
  // threads.
  virtual void forward(const BlockPass& pass, const float* inputs, float* outputs) const = 0;
  [[nodiscard]] virtual std::size_t scratch_size(std::size_t tokens) const noexcept = 0;

  // All stored linear maps, whether a token reads them or not.
  [[nodiscard]] virtual std::vector<const Linear*> linears() const = 0;
  // The bytes that decoding one token reads.
  [[nodiscard]] virtual std::size_t bytes_per_token() const noexcept = 0;
};

// Makes the feed-forward of a layer from weights whose names begin with `prefix`. Throws
// InvalidArgument if one is missing or has another shape.
using MakeFeedForward = std::function<std::unique_ptr<const FeedForward>(
    const ModelConfig& config, const std::string& prefix, WeightTaker& taker)>;

// down(nonlinearity(up(x))), or, gated, down(nonlinearity(gate(x)) * up(x)).
std::unique_ptr<const FeedForward> dense_feed_forward(const ModelConfig& config,
                                                      const std::string& prefix,
                                                      WeightTaker& taker);

}  // namespace meadow
