// The seam for kinds of feed-forward: others take the place of the dense one, and accounts and room
// to work in follow.
#include <algorithm>
#include <memory>
#include <utility>

#include "engine/model.h"
#include "meadow/engine/block_pass.h"

using namespace meadow;
using namespace meadow::test;

namespace {

// The dense one's outputs, times a factor; a scratch of its own behind that of the dense one.
class ScaledFeedForward final : public FeedForward {
 public:
  ScaledFeedForward(std::unique_ptr<const FeedForward> dense, std::size_t hidden, float factor)
      : dense_(std::move(dense)), hidden_(hidden), factor_(factor) {}

  void forward(const BlockPass& pass, const float* inputs, float* outputs) const override {
    const std::size_t count = pass.tokens * hidden_;
    float* copy = pass.scratch.feed_forward.data() + dense_->scratch_size(pass.tokens);
    dense_->forward(pass, inputs, copy);
    pass.kernels.scale(copy, count, factor_);
    std::copy_n(copy, count, outputs);
  }
  [[nodiscard]] std::size_t scratch_size(std::size_t tokens) const noexcept override {
    return dense_->scratch_size(tokens) + tokens * hidden_;
  }
  [[nodiscard]] std::vector<const Linear*> linears() const override { return dense_->linears(); }
  [[nodiscard]] std::size_t bytes_per_token() const noexcept override {
    return dense_->bytes_per_token();
  }

 private:
  std::unique_ptr<const FeedForward> dense_;
  std::size_t hidden_;
  float factor_;
};

// Adds nothing to the stream; stores one linear map, of which a token reads a quarter.
class EmptyFeedForward final : public FeedForward {
 public:
  explicit EmptyFeedForward(Linear stored) : stored_(std::move(stored)) {}

  void forward(const BlockPass& pass, const float* /*inputs*/, float* outputs) const override {
    std::fill_n(outputs, pass.tokens * pass.config.hidden, 0.0F);
  }
  [[nodiscard]] std::size_t scratch_size(std::size_t /*tokens*/) const noexcept override {
    return 0;
  }
  [[nodiscard]] std::vector<const Linear*> linears() const override { return {&stored_}; }
  [[nodiscard]] std::size_t bytes_per_token() const noexcept override {
    return stored_.bytes() / 4;
  }

 private:
  Linear stored_;
};

MakeFeedForward scaled_by(float factor) {
  return [factor](const ModelConfig& config, const std::string& prefix, WeightTaker& taker) {
    return std::make_unique<ScaledFeedForward>(dense_feed_forward(config, prefix, taker),
                                               config.hidden, factor);
  };
}

std::unique_ptr<const FeedForward> empty_feed_forward(const ModelConfig& config,
                                                      const std::string& prefix,
                                                      WeightTaker& taker) {
  return std::make_unique<EmptyFeedForward>(taker.linear(prefix + "stored", 8, config.hidden));
}

// Whose down projections are `factor` times as large.
Model with_down_times(Model model, float factor) {
  for (std::size_t i = 0; i < model.config.layers; ++i) {
    const std::string down = "layers." + std::to_string(i) + ".down";
    for (float& value : model.tables[down].values) value *= factor;
    const auto bias = model.vectors.find(down + ".bias");
    if (bias == model.vectors.end()) continue;
    for (float& value : bias->second) value *= factor;
  }
  return model;
}

Model biased_model() { return ModelMaker(small_config()).required().biases().made(); }

}  // namespace

TEST_CASE("feed-forward: one around the dense one, in blocks of any size") {
  const Model model = biased_model();
  const Transformer halved(model.config, model.matrices(), model.vectors, scaled_by(0.5F));
  const Model smaller = with_down_times(model, 0.5F);
  const auto expected = smaller.transformer();
  for (const std::size_t count : {std::size_t{1}, std::size_t{5}, std::size_t{60}}) {
    const auto tokens = some_tokens(count, model.config.vocab);
    const auto logits = all_logits(halved, tokens, Dataflow::kTphs, 3);
    CHECK(same_bits(logits, all_logits(*expected, tokens)));  // a power of two: not a bit differs
    CHECK_FALSE(same_bits(logits, all_logits(*model.transformer(), tokens)));
  }
  CHECK(halved.weights().parameters == expected->weights().parameters);
  CHECK(halved.weights().bytes_per_token == expected->weights().bytes_per_token);
}

TEST_CASE("feed-forward: one with other weights, whose accounts are its own") {
  Model model = small_model();
  for (std::size_t i = 0; i < model.config.layers; ++i) {
    const std::string prefix = "layers." + std::to_string(i) + ".";
    for (const char* name : {"gate", "up", "down"}) model.tables.erase(prefix + name);
    model.tables[prefix + "stored"] = {8, 24, std::vector<float>(8 * 24, 1.0F)};
    model.vectors[prefix + "stored.bias"].assign(8, 1.0F);
  }
  const Transformer empty(model.config, model.matrices(), model.vectors, empty_feed_forward);
  const auto silent = with_down_times(small_model(), 0.0F);
  const auto dense = silent.transformer();
  const auto tokens = some_tokens(9, model.config.vocab);
  CHECK(same_bits(all_logits(empty, tokens), all_logits(*dense, tokens)));
  const std::size_t stored = 8 * 24 + 8;
  const std::size_t dense_values = 3 * 40 * 24;
  CHECK(dense->weights().parameters - empty.weights().parameters == 2 * (dense_values - stored));
  CHECK(dense->weights().bytes_per_token - empty.weights().bytes_per_token ==
        2 * (dense_values * sizeof(float) - stored * sizeof(float) / 4));
}

TEST_CASE("feed-forward: weights that it leaves are refused as before") {
  const Model model = small_model();
  Matrices matrices = model.matrices();
  for (const char* prefix : {"layers.0.", "layers.1."}) {
    matrices[std::string(prefix) + "stored"] = matrices["layers.0.q"];
  }
  CHECK(kind_of_failure([&] {
          Transformer(model.config, matrices, model.vectors, empty_feed_forward);
        }) == ErrorKind::kInvalidArgument);
}
