#include "meadow/engine/feed_forward.h"

#include <array>
#include <utility>

#include "meadow/engine/block_pass.h"
#include "meadow/engine/weight_taker.h"

namespace meadow {
namespace {

class DenseFeedForward final : public FeedForward {
 public:
  // Without a gate it is not gated.
  DenseFeedForward(Linear gate, Linear up, Linear down)
      : gate_(std::move(gate)), up_(std::move(up)), down_(std::move(down)) {}

  void forward(const BlockPass& pass, const float* inputs, float* outputs) const override {
    float* inner = pass.scratch.feed_forward.data();
    const std::array<LinearProduct, 2> into = {{
        {&up_, inputs, inner},
        {&gate_, inputs, inner + pass.tokens * up_.rows()},
    }};
    multiply_all(pass, {into.data(), gate_ ? std::size_t{2} : std::size_t{1}}, pass.tokens);
    for_each_token(pass, 4 * up_.rows(),
                   [&](std::size_t token) { activate(pass, into[0], into[1], token); });
    const LinearProduct out{&down_, inner, outputs};
    multiply_all(pass, {&out, 1}, pass.tokens);
    out.finish_all(pass, pass.tokens);
  }

  [[nodiscard]] std::size_t scratch_size(std::size_t tokens) const noexcept override {
    return tokens * up_.rows() * (gate_ ? 2 : 1);
  }

  [[nodiscard]] std::vector<const Linear*> linears() const override {
    if (gate_) return {&gate_, &up_, &down_};
    return {&up_, &down_};
  }

  [[nodiscard]] std::size_t bytes_per_token() const noexcept override {
    return (gate_ ? gate_.bytes() : 0) + up_.bytes() + down_.bytes();
  }

 private:
  // To where `up` was.
  void activate(const BlockPass& pass, const LinearProduct& up, const LinearProduct& gate,
                std::size_t token) const noexcept {
    const kernels::Nonlinearity nonlinearity = pass.config.nonlinearity;
    float* inner = up.finish(pass, token);
    if (!gate_) return pass.kernels.activate(nonlinearity, inner, up_.rows());
    const float* gates = gate.finish(pass, token);
    pass.kernels.activate_gated(nonlinearity, gates, inner, up_.rows(), inner);
  }

  Linear gate_;
  Linear up_;
  Linear down_;
};

}  // namespace

std::unique_ptr<const FeedForward> dense_feed_forward(const ModelConfig& config,
                                                      const std::string& prefix,
                                                      WeightTaker& taker) {
  Linear gate;
  if (config.gated) gate = taker.linear(prefix + "gate", config.intermediate, config.hidden);
  Linear up = taker.linear(prefix + "up", config.intermediate, config.hidden);
  Linear down = taker.linear(prefix + "down", config.hidden, config.intermediate);
  return std::make_unique<DenseFeedForward>(std::move(gate), std::move(up), std::move(down));
}

}  // namespace meadow
