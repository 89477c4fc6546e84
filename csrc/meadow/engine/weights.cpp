#include "meadow/engine/weights.h"

#include <set>
#include <utility>

#include "meadow/base/error.h"

namespace meadow {
namespace {

Norm take_norm(WeightTaker& taker, const std::string& name, std::size_t width, NormKind kind) {
  Norm taken;
  taken.weight = taker.vector(name + ".weight", width);
  if (kind == NormKind::kLayer) taken.bias = taker.vector(name + ".bias", width);
  return taken;
}

LayerWeights take_layer(const ModelConfig& config, std::size_t index, WeightTaker& taker,
                        const MakeFeedForward& make_feed_forward) {
  const std::string prefix = "layers." + std::to_string(index) + ".";
  const auto norm = [&](const char* name) {
    return take_norm(taker, prefix + name, config.hidden, config.norm);
  };
  const auto linear = [&](const char* name, std::size_t rows, std::size_t columns) {
    return taker.linear(prefix + name, rows, columns);
  };
  LayerWeights layer;
  layer.attention_norm = norm("attention_norm");
  layer.q = linear("q", config.query_width(), config.hidden);
  layer.k = linear("k", config.key_width(), config.hidden);
  layer.v = linear("v", config.key_width(), config.hidden);
  layer.q_norm = take_norm(taker, prefix + "q_norm", config.head_dim, NormKind::kRms);
  layer.k_norm = take_norm(taker, prefix + "k_norm", config.head_dim, NormKind::kRms);
  layer.o = linear("o", config.hidden, config.query_width());
  layer.mlp_norm = norm("mlp_norm");
  layer.feed_forward = make_feed_forward(config, prefix, taker);
  if (config.norm_placement == NormPlacement::kSandwich) {
    layer.attention_post_norm = norm("attention_post_norm");
    layer.mlp_post_norm = norm("mlp_post_norm");
  }
  return layer;
}

// The embedding may be narrower than the layers, with a projection after it.
void take_entrance(const ModelConfig& config, WeightTaker& taker, ModelWeights& weights) {
  std::size_t width = config.hidden;
  if (const Matrix* project_in = taker.find("project_in")) {
    width = project_in->columns();
    weights.project_in = taker.linear("project_in", config.hidden, width);
  }
  const Matrix* embedding = taker.find("embedding");
  if (embedding != nullptr && embedding->rows() != config.vocab) {
    invalid("weights: 'embedding': expected shape " + shape_text(config.vocab, width) + ", found " +
            shape_text(embedding->rows(), embedding->columns()));
  }
  weights.embedding = taker.table("embedding", config.vocab, width);
  if (config.position == PositionKind::kLearned) {
    weights.positions =
        taker.table("positions", config.positions + config.position_offset, config.hidden);
  }
}

void take_exit(const ModelConfig& config, WeightTaker& taker, ModelWeights& weights) {
  weights.final_norm = take_norm(taker, "final_norm", config.hidden, config.norm);
  std::size_t width = config.hidden;
  if (const Matrix* project_out = taker.find("project_out")) {
    width = project_out->rows();
    weights.project_out = taker.linear("project_out", width, config.hidden);
  }
  weights.head = taker.linear("head", config.vocab, width);
}

// Adds up the values that weights store and the bytes that a token reads.
class Account {
 public:
  explicit Account(ModelWeights& weights) : weights_(weights) {}

  void add_table(const Matrix& matrix) {
    add_parameters(matrix);
    weights_.bytes_per_token += matrix.bytes() / matrix.rows();
  }
  void add(const Linear& linear) {
    if (!linear) return;
    add_parameters(linear);
    weights_.bytes_per_token += linear.bytes();
  }
  void add(const Norm& norm) {
    const std::size_t values = norm.weight.size() + norm.bias.size();
    weights_.parameters += values;
    weights_.bytes_per_token += values * sizeof(float);
  }
  void add(const FeedForward& feed_forward) {
    for (const Linear* linear : feed_forward.linears()) add_parameters(*linear);
    weights_.bytes_per_token += feed_forward.bytes_per_token();
  }
  void add(const LayerWeights& layer) {
    for (const Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.o}) add(*linear);
    for (const Norm* norm : {&layer.attention_norm, &layer.q_norm, &layer.k_norm,
                             &layer.attention_post_norm, &layer.mlp_norm, &layer.mlp_post_norm}) {
      add(*norm);
    }
    add(*layer.feed_forward);
  }

 private:
  void add_parameters(const Linear& linear) {
    add_parameters(linear.matrix());
    weights_.parameters += linear.bias().size();
  }
  void add_parameters(const Matrix& matrix) {
    if (counted_.insert(&matrix).second) weights_.parameters += matrix.rows() * matrix.columns();
  }

  ModelWeights& weights_;
  std::set<const Matrix*> counted_;
};

void count(ModelWeights& weights) {
  Account account(weights);
  account.add_table(*weights.embedding);
  if (weights.positions) account.add_table(*weights.positions);
  for (const Linear* linear : {&weights.project_in, &weights.project_out, &weights.head}) {
    account.add(*linear);
  }
  account.add(weights.final_norm);
  for (const LayerWeights& layer : weights.layers) account.add(layer);
}

}  // namespace

ModelWeights take_weights(const ModelConfig& config, Matrices matrices, Vectors vectors,
                          const MakeFeedForward& make_feed_forward) {
  WeightTaker taker(std::move(matrices), std::move(vectors));
  ModelWeights weights;
  take_entrance(config, taker, weights);
  weights.layers.reserve(config.layers);
  for (std::size_t i = 0; i < config.layers; ++i) {
    weights.layers.push_back(take_layer(config, i, taker, make_feed_forward));
  }
  take_exit(config, taker, weights);
  taker.finish();
  count(weights);
  return weights;
}

}  // namespace meadow
