// Bytes and parameters, counted once more.
#include "engine/model.h"

using namespace meadow;
using namespace meadow::test;

namespace {

std::size_t vector_values(const Model& model) {
  std::size_t count = 0;
  for (const auto& [name, values] : model.vectors) count += values.size();
  return count;
}

}  // namespace

TEST_CASE("engine: parameters, and bytes of weights that a token reads") {
  ModelConfig config = small_config();
  config.position = PositionKind::kLearned;
  const Model model = ModelMaker(config).required().biases().made();
  std::size_t values = vector_values(model);
  for (const auto& [name, table] : model.tables) values += table.values.size();
  const auto transformer = model.transformer();
  CHECK(transformer->weights().parameters == values);
  const std::size_t rows = values - (29 - 1) * 24 - (64 - 1) * 24;  // one of either table
  CHECK(transformer->weights().bytes_per_token == rows * sizeof(float));
}

TEST_CASE("engine: norms of every place, and projections, are counted") {
  ModelConfig config = small_config();
  config.norm = NormKind::kLayer;
  config.norm_placement = NormPlacement::kSandwich;
  const Model model = ModelMaker(config).required().projections(16).biases().head_norms().made();
  std::size_t values = vector_values(model);
  for (const auto& [name, table] : model.tables) values += table.values.size();
  const auto transformer = model.transformer();
  CHECK(transformer->weights().parameters == values);
  CHECK(transformer->weights().bytes_per_token == (values - (29 - 1) * 16) * sizeof(float));
}

TEST_CASE("engine: a tied head is one matrix that is read twice") {
  const Model model = small_model();
  Matrices matrices = model.matrices();
  matrices["head"] = matrices["embedding"];
  const Transformer tied(model.config, matrices, model.vectors);
  const auto untied = model.transformer();
  CHECK(untied->weights().parameters - tied.weights().parameters == 29 * 24);
  CHECK(untied->weights().bytes_per_token == tied.weights().bytes_per_token);
}

TEST_CASE("engine: a cache holds keys and values of every layer in F32") {
  const Model model = small_model();
  const auto transformer = model.transformer();
  CHECK(DecodingState(*transformer, 10).bytes() == 2 * 10 * 2 * 2 * 6 * sizeof(float));
}

TEST_CASE("engine: traffic of one token, by hand") {
  // 4 heads of 6 floats on 2 key heads, behind 9 tokens; windows of 3 in one layer of two.
  ModelConfig config = small_config();
  config.windows = {0, 3};
  const Model model = ModelMaker(config).required().made();
  const auto transformer = model.transformer();
  const AttentionTraffic fused = transformer->traffic(1, 9, Dataflow::kTphs);
  CHECK(fused.queries == 2 * 4 * 6 * 4);
  CHECK(fused.outputs == fused.queries);
  CHECK(fused.keys == 4 * (10 + 3) * 6 * 4);
  CHECK(fused.values == fused.keys);
  CHECK(fused.scores_written == 0);
  CHECK(fused.scores_read == 0);
  const AttentionTraffic unfused = transformer->traffic(1, 9, Dataflow::kGemm);
  CHECK(unfused.keys == fused.keys);
  CHECK(unfused.scores_written == 2 * 4 * (10 + 3) * 4);
  CHECK(unfused.scores_read == unfused.scores_written);
  CHECK(unfused.working_set == 4 * 10 * 4);
}

TEST_CASE("engine: traffic of a prompt") {
  const Model model = small_model();
  const auto transformer = model.transformer();
  const AttentionTraffic unfused = transformer->traffic(50, 0, Dataflow::kGemm);
  CHECK(unfused.scores_written == 2 * 2 * 4 * (50 * 51 / 2) * 4);  // a token sees those before it
  CHECK(unfused.working_set == 4 * 50 * 50 * 4);
  const AttentionTraffic fused = transformer->traffic(50, 0, Dataflow::kTphs);
  CHECK(fused.scores_written == 0);
  CHECK(fused.working_set <= 16 << 10);
  CHECK(fused.queries == 2 * 4 * 50 * 6 * 4);
  CHECK(kind_of_failure([&] { static_cast<void>(transformer->traffic(0, 5, Dataflow::kTphs)); }) ==
        ErrorKind::kInvalidArgument);
  CHECK(kind_of_failure([&] {
          static_cast<void>(transformer->traffic(50, 15, Dataflow::kTphs));
        }) == ErrorKind::kInvalidArgument);
}
