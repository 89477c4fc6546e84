#include "meadow/engine/weights.h"

#include <set>
#include <utility>

#include "meadow/base/error.h"

namespace meadow {
namespace {

std::string shape_of(std::size_t rows, std::size_t columns) {
  std::string shape(1, '[');
  return shape.append(std::to_string(rows) + ", " + std::to_string(columns) + "]");
}

// Hands weights out by name, checked, and counts what it hands out.
class Taker {
 public:
  Taker(Matrices matrices, Vectors vectors)
      : matrices_(std::move(matrices)), vectors_(std::move(vectors)) {}

  [[nodiscard]] const Matrix* find(const std::string& name) const {
    const auto found = matrices_.find(name);
    return found == matrices_.end() ? nullptr : found->second.get();
  }

  std::shared_ptr<const Matrix> matrix(const std::string& name, std::size_t rows,
                                       std::size_t columns) {
    auto taken = take_matrix(name, shape_of(rows, columns));
    if (taken->rows() != rows || taken->columns() != columns) {
      invalid("weights: '" + name + "': expected shape " + shape_of(rows, columns) + ", found " +
              shape_of(taken->rows(), taken->columns()));
    }
    count(*taken, taken->bytes());
    return taken;
  }

  // One of which a token reads one row.
  std::shared_ptr<const Matrix> table(const std::string& name, std::size_t least_rows,
                                      std::size_t columns) {
    auto taken = take_matrix(name, shape_of(least_rows, columns));
    if (taken->rows() < least_rows || taken->columns() != columns) {
      invalid("weights: '" + name + "': expected at least " + std::to_string(least_rows) +
              " rows of " + std::to_string(columns) + ", found shape " +
              shape_of(taken->rows(), taken->columns()));
    }
    count(*taken, taken->bytes() / taken->rows());
    return taken;
  }

  std::vector<float> vector(const std::string& name, std::size_t size) {
    const auto found = vectors_.find(name);
    if (found == vectors_.end()) return {};
    std::vector<float> taken = std::move(found->second);
    vectors_.erase(found);
    if (taken.size() != size) {
      invalid("weights: '" + name + "': expected " + std::to_string(size) + " values, found " +
              std::to_string(taken.size()));
    }
    parameters_ += size;
    bytes_ += size * sizeof(float);
    return taken;
  }

  Linear linear(const std::string& name, std::size_t rows, std::size_t columns) {
    Linear taken;
    taken.matrix = matrix(name, rows, columns);
    taken.bias = vector(name + ".bias", rows);
    return taken;
  }

  Norm norm(const std::string& name, std::size_t width, NormKind kind) {
    Norm taken;
    taken.weight = vector(name + ".weight", width);
    if (kind == NormKind::kLayer) taken.bias = vector(name + ".bias", width);
    return taken;
  }

  // Everything must have found its place.
  void finish(ModelWeights& weights) const {
    if (!matrices_.empty()) refuse_unknown("matrix", matrices_.begin()->first);
    if (!vectors_.empty()) refuse_unknown("vector", vectors_.begin()->first);
    weights.parameters = parameters_;
    weights.bytes_per_token = bytes_;
  }

 private:
  [[noreturn]] static void refuse_unknown(const std::string& kind, const std::string& name) {
    invalid("weights: expected no " + kind + " '" + name +
            "' in a model of this config, found one");
  }

  std::shared_ptr<const Matrix> take_matrix(const std::string& name, const std::string& shape) {
    const auto found = matrices_.find(name);
    if (found == matrices_.end() || found->second == nullptr) {
      invalid("weights: expected a matrix '" + name + "' of shape " + shape + ", found none");
    }
    auto taken = std::move(found->second);
    matrices_.erase(found);
    return taken;
  }

  void count(const Matrix& matrix, std::size_t bytes) {
    bytes_ += bytes;
    if (counted_.insert(&matrix).second) parameters_ += matrix.rows() * matrix.columns();
  }

  Matrices matrices_;
  Vectors vectors_;
  std::set<const Matrix*> counted_;
  std::size_t parameters_ = 0;
  std::size_t bytes_ = 0;
};

LayerWeights take_layer(const ModelConfig& config, std::size_t index, Taker& taker) {
  const std::string prefix = "layers." + std::to_string(index) + ".";
  const auto norm = [&](const char* name) {
    return taker.norm(prefix + name, config.hidden, config.norm);
  };
  const auto linear = [&](const char* name, std::size_t rows, std::size_t columns) {
    return taker.linear(prefix + name, rows, columns);
  };
  LayerWeights layer;
  layer.attention_norm = norm("attention_norm");
  layer.q = linear("q", config.query_width(), config.hidden);
  layer.k = linear("k", config.key_width(), config.hidden);
  layer.v = linear("v", config.key_width(), config.hidden);
  layer.q_norm = taker.norm(prefix + "q_norm", config.head_dim, NormKind::kRms);
  layer.k_norm = taker.norm(prefix + "k_norm", config.head_dim, NormKind::kRms);
  layer.o = linear("o", config.hidden, config.query_width());
  layer.mlp_norm = norm("mlp_norm");
  if (config.gated) layer.gate = linear("gate", config.intermediate, config.hidden);
  layer.up = linear("up", config.intermediate, config.hidden);
  layer.down = linear("down", config.hidden, config.intermediate);
  if (config.norm_placement == NormPlacement::kSandwich) {
    layer.attention_post_norm = norm("attention_post_norm");
    layer.mlp_post_norm = norm("mlp_post_norm");
  }
  return layer;
}

// The embedding may be narrower than the layers, with a projection behind it.
void take_entrance(const ModelConfig& config, Taker& taker, ModelWeights& weights) {
  std::size_t width = config.hidden;
  if (const Matrix* project_in = taker.find("project_in")) {
    width = project_in->columns();
    weights.project_in = taker.linear("project_in", config.hidden, width);
  }
  const Matrix* embedding = taker.find("embedding");
  if (embedding != nullptr && embedding->rows() != config.vocab) {
    invalid("weights: 'embedding': expected shape " + shape_of(config.vocab, width) + ", found " +
            shape_of(embedding->rows(), embedding->columns()));
  }
  weights.embedding = taker.table("embedding", config.vocab, width);
  if (config.position == PositionKind::kLearned) {
    weights.positions =
        taker.table("positions", config.positions + config.position_offset, config.hidden);
  }
}

void take_exit(const ModelConfig& config, Taker& taker, ModelWeights& weights) {
  weights.final_norm = taker.norm("final_norm", config.hidden, config.norm);
  std::size_t width = config.hidden;
  if (const Matrix* project_out = taker.find("project_out")) {
    width = project_out->rows();
    weights.project_out = taker.linear("project_out", width, config.hidden);
  }
  weights.head = taker.linear("head", config.vocab, width);
}

}  // namespace

ModelWeights take_weights(const ModelConfig& config, Matrices matrices, Vectors vectors) {
  Taker taker(std::move(matrices), std::move(vectors));
  ModelWeights weights;
  take_entrance(config, taker, weights);
  weights.layers.reserve(config.layers);
  for (std::size_t i = 0; i < config.layers; ++i) {
    weights.layers.push_back(take_layer(config, i, taker));
  }
  take_exit(config, taker, weights);
  taker.finish(weights);
  return weights;
}

}  // namespace meadow
