// Small random transformers of every variant.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "meadow/engine/transformer.h"
#include "support.h"

namespace meadow::test {

struct Table {
  std::size_t rows;
  std::size_t columns;
  std::vector<float> values;  // [rows, columns]
};

// A config and weights by the names that the engine knows. Values live here.
struct Model {
  ModelConfig config;
  std::map<std::string, Table> tables;
  Vectors vectors;

  [[nodiscard]] Matrices matrices() const {
    Matrices made;
    for (const auto& [name, table] : tables) {
      made[name] = dense_matrix(DenseType::kF32, table.values.data(), table.rows, table.columns);
    }
    return made;
  }
  [[nodiscard]] std::unique_ptr<Transformer> transformer() const {
    return std::make_unique<Transformer>(config, matrices(), vectors);
  }
};

// A Llama: RMS norm, rotary positions, gated SiLU, two query heads for each key head.
inline ModelConfig small_config() {
  ModelConfig config;
  config.layers = 2;
  config.hidden = 24;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 6;
  config.intermediate = 40;
  config.vocab = 29;
  config.positions = 64;
  config.norm_eps = 1e-5F;
  config.gated = true;
  config.position = PositionKind::kRotary;
  config.rotary = {6, false, {1.0F, 0.3F, 0.05F}, {1.0F}, {0, 0}};
  config.attention_scale = 0.4F;
  config.windows = {0, 0};
  return config;
}

class ModelMaker {
 public:
  explicit ModelMaker(ModelConfig config, unsigned seed = 7) : random_(generator(seed)) {
    model_.config = std::move(config);
  }

  void table(const std::string& name, std::size_t rows, std::size_t columns) {
    model_.tables[name] = {rows, columns, values(rows * columns, 0.0F, 0.3F)};
  }
  void vector(const std::string& name, std::size_t size, float mean) {
    model_.vectors[name] = values(size, mean, 0.2F);
  }
  void norm(const std::string& name, std::size_t width) {
    vector(name + ".weight", width, 1.0F);
    if (model_.config.norm == NormKind::kLayer) vector(name + ".bias", width, 0.0F);
  }

  // Everything the config asks for, without biases, q_norm, k_norm and projections.
  ModelMaker& required() {
    const ModelConfig& config = model_.config;
    table("embedding", config.vocab, config.hidden);
    table("head", config.vocab, config.hidden);
    norm("final_norm", config.hidden);
    if (config.position == PositionKind::kLearned) {
      table("positions", config.positions + config.position_offset, config.hidden);
    }
    for (std::size_t i = 0; i < config.layers; ++i) layer("layers." + std::to_string(i) + ".");
    return *this;
  }

  ModelMaker& biases() {
    const std::map<std::string, Table> tables = model_.tables;
    for (const auto& [name, table] : tables) {
      if (name != "embedding" && name != "positions") vector(name + ".bias", table.rows, 0.0F);
    }
    return *this;
  }

  ModelMaker& head_norms() {
    for (std::size_t i = 0; i < model_.config.layers; ++i) {
      for (const char* name : {".q_norm.weight", ".k_norm.weight"}) {
        vector("layers." + std::to_string(i) + name, model_.config.head_dim, 1.0F);
      }
    }
    return *this;
  }

  // The embedding and the head narrower than the layers.
  ModelMaker& projections(std::size_t width) {
    const ModelConfig& config = model_.config;
    table("embedding", config.vocab, width);
    table("project_in", config.hidden, width);
    table("project_out", width, config.hidden);
    table("head", config.vocab, width);
    return *this;
  }

  Model made() { return std::move(model_); }

 private:
  std::vector<float> values(std::size_t count, float mean, float deviation) {
    std::normal_distribution<float> normal(mean, deviation);
    std::vector<float> made(count);
    for (float& value : made) value = normal(random_);
    return made;
  }

  void layer(const std::string& prefix) {
    const ModelConfig& config = model_.config;
    norm(prefix + "attention_norm", config.hidden);
    norm(prefix + "mlp_norm", config.hidden);
    if (config.norm_placement == NormPlacement::kSandwich) {
      norm(prefix + "attention_post_norm", config.hidden);
      norm(prefix + "mlp_post_norm", config.hidden);
    }
    table(prefix + "q", config.query_width(), config.hidden);
    table(prefix + "k", config.key_width(), config.hidden);
    table(prefix + "v", config.key_width(), config.hidden);
    table(prefix + "o", config.hidden, config.query_width());
    if (config.gated) table(prefix + "gate", config.intermediate, config.hidden);
    table(prefix + "up", config.intermediate, config.hidden);
    table(prefix + "down", config.hidden, config.intermediate);
  }

  std::mt19937 random_;
  Model model_;
};

inline Model small_model() { return ModelMaker(small_config()).required().made(); }

inline std::vector<std::int32_t> some_tokens(std::size_t count, std::size_t vocab) {
  auto random = generator(3);
  std::uniform_int_distribution<std::int32_t> uniform(0, static_cast<std::int32_t>(vocab) - 1);
  std::vector<std::int32_t> tokens(count);
  for (std::int32_t& token : tokens) token = uniform(random);
  return tokens;
}

// Logits of all tokens, handed over at once, in a fresh state.
inline RawVector<float> all_logits(const Transformer& transformer,
                                   const std::vector<std::int32_t>& tokens,
                                   Dataflow dataflow = Dataflow::kTphs, unsigned threads = 1) {
  DecodingState state(transformer, tokens.size());
  return transformer.forward(tokens, state, LogitsOf::kAll, dataflow, threads);
}

}  // namespace meadow::test
