#include "meadow/engine/layer.h"

#include <array>
#include <cmath>
#include <cstring>

namespace meadow {
namespace {

void add_bias(const BlockPass& pass, const std::vector<float>& bias, float* values) noexcept {
  if (!bias.empty()) pass.kernels.add(values, bias.data(), bias.size());
}

Product product_of(const Linear& linear, const float* x, RawVector<float>& y) noexcept {
  return {linear.matrix.get(), x, y.data()};
}

// What a half of the layer reads: the residual stream, or its norm in scratch.normed.
const float* half_input(const BlockPass& pass) noexcept {
  const bool post = pass.config.norm_placement == NormPlacement::kPost;
  return post ? pass.scratch.x.data() : pass.scratch.normed.data();
}

void normalise_stream(const BlockPass& pass, const Norm& norm, std::size_t token) noexcept {
  const std::size_t at = token * pass.config.hidden;
  apply_norm(pass, norm, pass.scratch.x.data() + at, pass.scratch.normed.data() + at);
}

// Bias, norm and rotation of one head of a query or a key.
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

// A token's heads, [kv_heads, head_dim], to the rows of their heads, [kv_heads, capacity,
// head_dim].
void store_heads(const BlockPass& pass, const float* heads, std::size_t token,
                 float* cache) noexcept {
  const std::size_t width = pass.config.head_dim;
  for (std::size_t head = 0; head < pass.config.kv_heads; ++head) {
    const std::size_t row = head * pass.cache.capacity() + pass.start + token;
    std::memcpy(cache + row * width, heads + head * width, width * sizeof(float));
  }
}

void finish_queries_and_keys(const BlockPass& pass, const LayerWeights& layer, std::size_t index) {
  const ModelConfig& config = pass.config;
  Scratch& scratch = pass.scratch;
  const HeadFinish finish_query(pass, layer.q_norm, index);
  const HeadFinish finish_key(pass, layer.k_norm, index);
  for_each_token(pass, config.query_width() + 2 * config.key_width(), [&](std::size_t token) {
    float* query = scratch.queries.data() + token * config.query_width();
    float* key = scratch.keys.data() + token * config.key_width();
    float* value = scratch.values.data() + token * config.key_width();
    add_bias(pass, layer.q.bias, query);
    add_bias(pass, layer.k.bias, key);
    add_bias(pass, layer.v.bias, value);
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

// x + half(x), with the norms that stand behind a half.
void add_half(const BlockPass& pass, const Linear& last, const Norm& inside_norm,
              const Norm& outside_norm, std::size_t token) noexcept {
  const ModelConfig& config = pass.config;
  float* x = pass.scratch.x.data() + token * config.hidden;
  float* half = pass.scratch.projected.data() + token * config.hidden;
  add_bias(pass, last.bias, half);
  if (config.norm_placement == NormPlacement::kSandwich) apply_norm(pass, inside_norm, half, half);
  pass.kernels.add(x, half, config.hidden);
  if (config.norm_placement == NormPlacement::kPost) apply_norm(pass, outside_norm, x, x);
}

void attention_half(const BlockPass& pass, const LayerWeights& layer, std::size_t index) {
  const ModelConfig& config = pass.config;
  Scratch& scratch = pass.scratch;
  if (config.norm_placement != NormPlacement::kPost) {
    for_each_token(pass, config.hidden,
                   [&](std::size_t token) { normalise_stream(pass, layer.attention_norm, token); });
  }
  const float* input = half_input(pass);
  const std::array<Product, 3> products = {product_of(layer.q, input, scratch.queries),
                                           product_of(layer.k, input, scratch.keys),
                                           product_of(layer.v, input, scratch.values)};
  multiply_all(pass, products, pass.tokens);
  finish_queries_and_keys(pass, layer, index);
  attend_to_cache(pass, index);
  const Product output = product_of(layer.o, scratch.attended.data(), scratch.projected);
  multiply_all(pass, {&output, 1}, pass.tokens);
}

// Ends the attention half and prepares what the MLP reads: in a parallel layer the stream before
// attention is added.
void between_halves(const BlockPass& pass, const LayerWeights& layer) {
  const ModelConfig& config = pass.config;
  for_each_token(pass, 3 * config.hidden, [&](std::size_t token) {
    if (config.parallel) normalise_stream(pass, layer.mlp_norm, token);
    add_half(pass, layer.o, layer.attention_post_norm, layer.attention_norm, token);
    if (!config.parallel && config.norm_placement != NormPlacement::kPost) {
      normalise_stream(pass, layer.mlp_norm, token);
    }
  });
}

void activate(const BlockPass& pass, const LayerWeights& layer) {
  const ModelConfig& config = pass.config;
  for_each_token(pass, 4 * config.intermediate, [&](std::size_t token) {
    const std::size_t at = token * config.intermediate;
    float* up = pass.scratch.up.data() + at;
    add_bias(pass, layer.up.bias, up);
    if (!config.gated) return pass.kernels.activate(config.activation, up, config.intermediate);
    float* gate = pass.scratch.gate.data() + at;
    add_bias(pass, layer.gate.bias, gate);
    pass.kernels.activate_gated(config.activation, gate, up, config.intermediate, up);
  });
}

void mlp_half(const BlockPass& pass, const LayerWeights& layer) {
  Scratch& scratch = pass.scratch;
  const float* input = half_input(pass);
  std::array<Product, 2> products = {product_of(layer.up, input, scratch.up),
                                     product_of(layer.gate, input, scratch.gate)};
  multiply_all(pass, {products.data(), pass.config.gated ? std::size_t{2} : std::size_t{1}},
               pass.tokens);
  activate(pass, layer);
  const Product output = product_of(layer.down, scratch.up.data(), scratch.projected);
  multiply_all(pass, {&output, 1}, pass.tokens);
  for_each_token(pass, 2 * pass.config.hidden, [&](std::size_t token) {
    add_half(pass, layer.down, layer.mlp_post_norm, layer.mlp_norm, token);
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

// The angle is rounded to F32, as position * frequency is by those who train models; its cosine
// and sine are computed in F64 and rounded once.
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
  mlp_half(pass, layer);
}

}  // namespace meadow
