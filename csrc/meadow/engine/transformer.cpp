#include "meadow/engine/transformer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "meadow/base/error.h"
#include "meadow/base/float_environment.h"
#include "meadow/engine/ends.h"
#include "meadow/engine/layer.h"
#include "meadow/kernels/isa.h"

namespace meadow {
namespace {

// Tokens that pass through the layers together: enough to use a weight many times once it is
// decoded for a block, few enough to keep the buffers between the layers small.
constexpr std::size_t kBlockTokens = 512;

void check_tokens(std::span<const std::int32_t> tokens, std::size_t vocab) {
  if (tokens.empty()) invalid("tokens: expected one or more, found none");
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i] >= 0 && static_cast<std::size_t>(tokens[i]) < vocab) continue;
    invalid("tokens: expected ids of 0 to " + std::to_string(vocab - 1) + ", found " +
            std::to_string(tokens[i]) + " at index " + std::to_string(i));
  }
}

void check_room(std::size_t tokens, const DecodingState& state, std::size_t positions) {
  if (tokens <= state.capacity() - state.length()) return;
  invalid("context: expected at most " + std::to_string(state.capacity()) +
          " tokens, the capacity of the cache (the model has " + std::to_string(positions) +
          " positions), found " + std::to_string(state.length()) + " and " +
          std::to_string(tokens) + " more");
}

}  // namespace

// During its lifetime, no other call uses the state; if the call fails, the cache loses its tokens.
class DecodingState::Use {
 public:
  explicit Use(DecodingState& state) : state_(state), length_(state.length()) {
    if (state.in_use_.exchange(true)) {
      invalid("cache: expected a free one, found one that another call is using");
    }
  }
  ~Use() {
    if (!succeeded_) state_.cache_.truncate(length_);
    state_.in_use_ = false;
  }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

  void succeed() noexcept { succeeded_ = true; }

 private:
  DecodingState& state_;
  std::size_t length_;
  bool succeeded_ = false;
};

DecodingState::DecodingState(const Transformer& transformer, std::size_t capacity)
    : owner_(&transformer), cache_(transformer.config(), capacity) {}

void DecodingState::truncate(std::size_t length) {
  Use use(*this);
  cache_.truncate(length);
  use.succeed();
}

Transformer::Transformer(ModelConfig config, Matrices matrices, Vectors vectors,
                         const MakeFeedForward& make_feed_forward)
    : config_((check_config(config), std::move(config))),
      weights_(take_weights(config_, std::move(matrices), std::move(vectors), make_feed_forward)) {}

RawVector<float> Transformer::forward(std::span<const std::int32_t> tokens, DecodingState& state,
                                      LogitsOf wanted, Dataflow dataflow, unsigned threads) const {
  if (state.owner_ != this) {
    invalid(
        "cache: expected one that was made for this engine, found one that was made for another");
  }
  check_tokens(tokens, config_.vocab);
  DecodingState::Use use(state);
  check_room(tokens.size(), state, config_.positions);
  const DefaultFloatEnvironment environment;
  const std::size_t rows = wanted == LogitsOf::kAll ? tokens.size() : wanted == LogitsOf::kLast;
  RawVector<float> logits(rows * config_.vocab);
  state.scratch_.reserve(config_, weights_, std::min(tokens.size(), kBlockTokens));
  for (std::size_t n = 0; n < block_count(tokens.size(), kBlockTokens); ++n) {
    const Block block = nth_block(n, tokens.size(), kBlockTokens);
    const BlockPass pass{config_,
                         kernels::vector_kernels(active_isa()),
                         state.cache_,
                         state.scratch_,
                         block.end - block.begin,
                         state.length(),
                         dataflow,
                         threads};
    embed(pass, weights_, tokens.subspan(block.begin, pass.tokens));
    for (std::size_t i = 0; i < config_.layers; ++i) forward_layer(pass, weights_.layers[i], i);
    if (wanted == LogitsOf::kAll) {
      compute_logits(pass, weights_, {0, pass.tokens}, logits.data() + block.begin * config_.vocab);
    } else if (wanted == LogitsOf::kLast && block.end == tokens.size()) {
      compute_logits(pass, weights_, {pass.tokens - 1, pass.tokens}, logits.data());
    }
    state.cache_.extend(pass.tokens);
  }
  use.succeed();
  return logits;
}

AttentionTraffic Transformer::traffic(std::size_t tokens, std::size_t before,
                                      Dataflow dataflow) const {
  if (tokens == 0 || before > config_.positions || tokens > config_.positions - before) {
    invalid("attention traffic: expected 1 token or more, and at most " +
            std::to_string(config_.positions) + " positions, found " + std::to_string(tokens) +
            " tokens after " + std::to_string(before));
  }
  AttentionTraffic traffic;
  for (std::size_t n = 0; n < block_count(tokens, kBlockTokens); ++n) {
    const Block block = nth_block(n, tokens, kBlockTokens);
    for (const std::size_t window : config_.windows) {
      traffic += attention_traffic({config_.heads, config_.kv_heads, config_.head_dim,
                                    block.end - block.begin, before + block.begin, window},
                                   dataflow);
    }
  }
  return traffic;
}

}  // namespace meadow
