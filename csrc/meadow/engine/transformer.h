// The decoder-only transformer: from tokens to logits, with weights stored in any form.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "meadow/base/raw_vector.h"
#include "meadow/engine/attention.h"
#include "meadow/engine/config.h"
#include "meadow/engine/kv_cache.h"
#include "meadow/engine/scratch.h"
#include "meadow/engine/weights.h"

namespace meadow {

enum class LogitsOf { kLast, kAll, kNone };

class Transformer;

// The state of one text: the keys and values of its tokens, and working memory. It belongs to one
// transformer; a call is refused while another thread uses the state.
class DecodingState {
 public:
  DecodingState(const Transformer& transformer, std::size_t capacity);

  [[nodiscard]] std::size_t capacity() const noexcept { return cache_.capacity(); }
  [[nodiscard]] std::size_t length() const noexcept { return cache_.length(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return cache_.bytes(); }
  // Forgets all tokens but the first `length`.
  void truncate(std::size_t length);

 private:
  friend class Transformer;
  class Use;

  const Transformer* owner_;
  KvCache cache_;
  Scratch scratch_;
  std::atomic<bool> in_use_{false};
};

class Transformer {
 public:
  // Throws InvalidArgument for a config that describes no model, and for weights that disagree with
  // it.
  Transformer(ModelConfig config, Matrices matrices, Vectors vectors,
              const MakeFeedForward& make_feed_forward = dense_feed_forward);

  [[nodiscard]] const ModelConfig& config() const noexcept { return config_; }
  [[nodiscard]] const ModelWeights& weights() const noexcept { return weights_; }

  // Appends the tokens to those of the state. Returns logits [vocab] of the last token, [tokens,
  // vocab] of all, or nothing. Throws InvalidArgument if there are no tokens, a token is outside
  // the vocabulary, the state has too little room, or logits contain NaN; the state is then
  // unchanged.
  RawVector<float> forward(std::span<const std::int32_t> tokens, DecodingState& state,
                           LogitsOf wanted, Dataflow dataflow, unsigned threads) const;

  // The traffic of all layers for `tokens` new tokens after `before` earlier ones.
  [[nodiscard]] AttentionTraffic traffic(std::size_t tokens, std::size_t before,
                                         Dataflow dataflow) const;

 private:
  ModelConfig config_;
  ModelWeights weights_;
};

}  // namespace meadow
