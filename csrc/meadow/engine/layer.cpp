#include "meadow/engine/layer.h"

#include <array>
#include <cmath>
#include <cstring>

namespace meadow {
namespace {

// The input of a half of the layer: the residual stream, or its norm in scratch.normed.
const float* half_input(const BlockPass& pass) noexcept {
  const bool post = pass.config.norm_placement == NormPlacement::kPost;
  return post ? pass.scratch.x.data() : pass.scratch.normed.data();
}

void normalise_stream(const BlockPass& pass, const Norm& norm, std::size_t token) noexcept {
  const std::size_t at = token * pass.config.hidden;
  apply_norm(pass, norm, pass.scratch.x.data() + at, pass.scratch.normed.data() + at);
}

// Norm and rotation of one head of a query or a key.
class HeadFinish {
 public:
  HeadFinish(const BlockPass& pass, const Norm& norm, std::size_t layer)
      : pass_(pass), norm_(norm.weight.empty() ? nullptr : norm.weight.data()) {
    const RotaryConfig& rotary = pass.config.rotary;
    if (pass.config.position != PositionKind::kRotary) return;
    if (rotary.of_layer[layer] == RotaryConfig::kNoKind) return;
    const auto kind = static_cast<std::size_t>(rotary.of_layer[layer]);
    const std::size_t first = kind * pass.tokens * (rotary.dim / 2);
    cosines_ = pass.scratch.cosines.data() + first;
    sines_ = pass.scratch.sines.data() + first;
  }

  void operator()(float* head, std::size_t token) const noexcept {
    const ModelConfig& config = pass_.config;
    if (norm_ != nullptr) {
      pass_.kernels.rms_norm(head, norm_, config.head_dim, config.norm_eps, head);
    }
    if (cosines_ == nullptr) return;
    const std::size_t at = token * (config.rotary.dim / 2);
    pass_.kernels.rotate(head, cosines_ + at, sines_ + at, config.rotary.dim,
                         config.rotary.interleaved);
  }

 private:
  const BlockPass& pass_;
  const float* norm_;
  const float* cosines_ = nullptr;
  const float* sines_ = nullptr;
};

// Copies a token's heads, [kv_heads, head_dim], to the rows of these heads, [kv_heads, capacity,
// head_dim].
void store_heads(const BlockPass& pass, const float* heads, std::size_t token,
                 float* cache) noexcept {
  const std::size_t width = pass.config.head_dim;
  for (std::size_t head = 0; head < pass.config.kv_heads; ++head) {
    const std::size_t row = head * pass.cache.capacity() + pass.start + token;
    std::memcpy(cache + row * width, heads + head * width, width * sizeof(float));
  }
}

void finish_queries_and_keys(const BlockPass& pass, const LayerWeights& layer,
                             const std::array<LinearProduct, 3>& products, std::size_t index) {
  const ModelConfig& config = pass.config;
  const HeadFinish finish_query(pass, layer.q_norm, index);
  const HeadFinish finish_key(pass, layer.k_norm, index);
  for_each_token(pass, config.query_width() + 2 * config.key_width(), [&](std::size_t token) {
    float* query = products[0].finish(pass, token);
    float* key = products[1].finish(pass, token);
    const float* value = products[2].finish(pass, token);
    for (std::size_t head = 0; head < config.heads; ++head) {
      finish_query(query + head * config.head_dim, token);
    }
    for (std::size_t head = 0; head < config.kv_heads; ++head) {
      finish_key(key + head * config.head_dim, token);
    }
    store_heads(pass, key, token, pass.cache.keys(index));
    store_heads(pass, value, token, pass.cache.values(index));
  });
}

void attend_to_cache(const BlockPass& pass, std::size_t index) {
  const ModelConfig& config = pass.config;
  Attention attention{};
  attention.shape = {config.heads, config.kv_heads, config.head_dim,
                     pass.tokens,  pass.start,      config.windows[index]};
  attention.scale = config.attention_scale;
  attention.softcap = config.attention_softcap;
  attention.capacity = pass.cache.capacity();
  attention.queries = pass.scratch.queries.data();
  attention.keys = pass.cache.keys(index);
  attention.values = pass.cache.values(index);
  attention.outputs = pass.scratch.attended.data();
  attend(attention, pass.dataflow, pass.threads, pass.scratch.attention);
}

// x + half(x), with half(x) in scratch.projected, and the norms that follow a half.
void add_half(const BlockPass& pass, const Norm& inside_norm, const Norm& outside_norm,
              std::size_t token) noexcept {
  const ModelConfig& config = pass.config;
  float* x = pass.scratch.x.data() + token * config.hidden;
  float* half = pass.scratch.projected.data() + token * config.hidden;
  if (config.norm_placement == NormPlacement::kSandwich) apply_norm(pass, inside_norm, half, half);
  pass.kernels.add(x, half, config.hidden);
  if (config.norm_placement == NormPlacement::kPost) apply_norm(pass, outside_norm, x, x);
}

LinearProduct attention_output(const BlockPass& pass, const LayerWeights& layer) noexcept {
  return {&layer.o, pass.scratch.attended.data(), pass.scratch.projected.data()};
}

void attention_half(const BlockPass& pass, const LayerWeights& layer, std::size_t index) {
  const ModelConfig& config = pass.config;
  Scratch& scratch = pass.scratch;
  if (config.norm_placement != NormPlacement::kPost) {
    for_each_token(pass, config.hidden,
                   [&](std::size_t token) { normalise_stream(pass, layer.attention_norm, token); });
  }
  const float* input = half_input(pass);
  const std::array<LinearProduct, 3> products = {{{&layer.q, input, scratch.queries.data()},
                                                  {&layer.k, input, scratch.keys.data()},
                                                  {&layer.v, input, scratch.values.data()}}};
  multiply_all(pass, products, pass.tokens);
  finish_queries_and_keys(pass, layer, products, index);
  attend_to_cache(pass, index);
  const LinearProduct output = attention_output(pass, layer);
  multiply_all(pass, {&output, 1}, pass.tokens);
}

// Ends the attention half and prepares the input of the feed-forward: in a parallel layer the
// stream before attention is added.
void between_halves(const BlockPass& pass, const LayerWeights& layer) {
  const ModelConfig& config = pass.config;
  const LinearProduct output = attention_output(pass, layer);
  for_each_token(pass, 3 * config.hidden, [&](std::size_t token) {
    if (config.parallel) normalise_stream(pass, layer.mlp_norm, token);
    output.finish(pass, token);
    add_half(pass, layer.attention_post_norm, layer.attention_norm, token);
    if (!config.parallel && config.norm_placement != NormPlacement::kPost) {
      normalise_stream(pass, layer.mlp_norm, token);
    }
  });
}

void feed_forward_half(const BlockPass& pass, const LayerWeights& layer) {
  layer.feed_forward->forward(pass, half_input(pass), pass.scratch.projected.data());
  for_each_token(pass, 2 * pass.config.hidden, [&](std::size_t token) {
    add_half(pass, layer.mlp_post_norm, layer.mlp_norm, token);
  });
}

}  // namespace

void apply_norm(const BlockPass& pass, const Norm& norm, const float* from, float* to) noexcept {
  const ModelConfig& config = pass.config;
  const float* weight = norm.weight.empty() ? nullptr : norm.weight.data();
  const float* bias = norm.bias.empty() ? nullptr : norm.bias.data();
  if (config.norm == NormKind::kRms) {
    return pass.kernels.rms_norm(from, weight, config.hidden, config.norm_eps, to);
  }
  pass.kernels.layer_norm(from, weight, bias, config.hidden, config.norm_eps, to);
}

// The angle is rounded to F32, like position * frequency in training code; its cosine and sine are
// computed in F64 and rounded once.
void fill_rotary(const BlockPass& pass) {
  const RotaryConfig& rotary = pass.config.rotary;
  if (pass.config.position != PositionKind::kRotary) return;
  const std::size_t half = rotary.dim / 2;
  for_each_token(pass, 16 * rotary.kinds() * half, [&](std::size_t token) {
    const auto position = static_cast<float>(pass.start + token);
    for (std::size_t kind = 0; kind < rotary.kinds(); ++kind) {
      const std::size_t row = (kind * pass.tokens + token) * half;
      for (std::size_t i = 0; i < half; ++i) {
        const double angle = double{position * rotary.frequencies[kind * half + i]};
        pass.scratch.cosines[row + i] = static_cast<float>(std::cos(angle)) * rotary.scales[kind];
        pass.scratch.sines[row + i] = static_cast<float>(std::sin(angle)) * rotary.scales[kind];
      }
    }
  });
}

void forward_layer(const BlockPass& pass, const LayerWeights& layer, std::size_t index) {
  attention_half(pass, layer, index);
  between_halves(pass, layer);
  feed_forward_half(pass, layer);
}

}  // namespace meadow
