// Every variant of a transformer against the textbook in double precision.
#include <algorithm>
#include <cmath>
#include <string>

#include "engine/reference.h"
#include "every_isa.h"

using namespace meadow;
using namespace meadow::test;

namespace {

// The largest difference, in units of the largest logit.
double error_of(const RawVector<float>& found, const Rows& expected) {
  double largest = 0;
  double difference = 0;
  std::size_t at = 0;
  for (const Values& row : expected) {
    for (const double value : row) {
      largest = std::max(largest, std::abs(value));
      difference = std::max(difference, std::abs(value - double{found[at++]}));
    }
  }
  REQUIRE(at == found.size());
  return difference / largest;
}

void check_model(const Model& model) {
  constexpr double kRounding = 3e-6;  // some 50 units in the last place of F32
  const auto tokens = some_tokens(21, model.config.vocab);
  const Rows expected = Reference(model).logits(tokens);
  EveryIsa().run(
      [&] { CHECK(error_of(all_logits(*model.transformer(), tokens), expected) < kRounding); });
}

// That a part is not left out on both sides.
void check_differs(const Model& a, const Model& b) {
  const auto tokens = some_tokens(21, a.config.vocab);
  CHECK(error_of(all_logits(*a.transformer(), tokens), Reference(b).logits(tokens)) > 1e-3);
}

Model made(const ModelConfig& config) { return ModelMaker(config).required().made(); }

ModelConfig opt_config() {
  ModelConfig config = small_config();
  config.norm = NormKind::kLayer;
  config.position = PositionKind::kLearned;
  config.position_offset = 2;
  config.nonlinearity = kernels::Nonlinearity::kRelu;
  config.gated = false;
  config.kv_heads = config.heads;
  return config;
}

}  // namespace

TEST_CASE("engine: a Llama") { check_model(small_model()); }

TEST_CASE("engine: heads on key heads, any number of them") {
  for (const std::size_t kv_heads : {1, 2, 4}) {
    CAPTURE(kv_heads);
    ModelConfig config = small_config();
    config.kv_heads = kv_heads;
    check_model(made(config));
  }
}

TEST_CASE("engine: an OPT with biases") {
  const Model model = ModelMaker(opt_config()).required().biases().made();
  check_model(model);
  Model other = model;
  other.config.position_offset = 1;
  check_differs(model, other);
}

TEST_CASE("engine: an OPT-350m, norms behind the residual and a narrow embedding") {
  ModelConfig config = opt_config();
  config.norm_placement = NormPlacement::kPost;
  Model model = ModelMaker(config).required().projections(10).biases().made();
  model.vectors.erase("final_norm.weight");
  model.vectors.erase("final_norm.bias");
  check_model(model);
}

TEST_CASE("engine: every nonlinearity, gated and plain") {
  using kernels::Nonlinearity;
  for (const Nonlinearity nonlinearity :
       {Nonlinearity::kRelu, Nonlinearity::kGelu, Nonlinearity::kGeluTanh, Nonlinearity::kSilu}) {
    for (const bool gated : {false, true}) {
      CAPTURE(static_cast<int>(nonlinearity));
      CAPTURE(gated);
      ModelConfig config = small_config();
      config.nonlinearity = nonlinearity;
      config.gated = gated;
      check_model(made(config));
    }
  }
}

TEST_CASE("engine: norms without weights") {
  for (const NormKind kind : {NormKind::kLayer, NormKind::kRms}) {
    ModelConfig config = small_config();
    config.norm = kind;
    Model model = made(config);
    std::erase_if(model.vectors,
                  [](const auto& entry) { return entry.first.find("_norm") != std::string::npos; });
    check_model(model);
  }
}

TEST_CASE("engine: rotary positions, a part of a head, interleaved, several kinds") {
  ModelConfig config = small_config();
  config.rotary.interleaved = true;
  check_model(made(config));
  check_differs(made(config), small_model());
  config.rotary = {4, false, {1.0F, 0.1F, 0.7F, 0.01F}, {1.0F, 1.25F}, {1, 0}};
  check_model(made(config));
  config.rotary.of_layer = {RotaryConfig::kNoKind, 1};
  check_model(made(config));
}

TEST_CASE("engine: no positions at all") {
  ModelConfig config = small_config();
  config.position = PositionKind::kNone;
  config.rotary = {};
  check_model(made(config));
}

TEST_CASE("engine: windows, one for each layer") {
  ModelConfig config = small_config();
  config.windows = {3, 0};
  check_model(made(config));
  check_differs(made(config), small_model());
  config.windows = {1, 50};
  check_model(made(config));
}

TEST_CASE("engine: a Gemma 2, sandwiched norms, softcaps, a scaled embedding") {
  ModelConfig config = small_config();
  config.norm_placement = NormPlacement::kSandwich;
  config.nonlinearity = kernels::Nonlinearity::kGeluTanh;
  config.attention_softcap = 0.5F;
  config.logit_softcap = 2.0F;
  config.embedding_scale = 4.9F;
  config.windows = {4, 0};
  check_model(made(config));
  ModelConfig other = config;
  other.attention_softcap = 0;
  check_differs(made(config), made(other));
}

TEST_CASE("engine: a Qwen 3, every head normalised") {
  const Model model = ModelMaker(small_config()).required().head_norms().made();
  check_model(model);
  check_differs(model, small_model());
}

TEST_CASE("engine: a GPT-NeoX, attention and MLP side by side") {
  ModelConfig config = small_config();
  config.norm = NormKind::kLayer;
  config.nonlinearity = kernels::Nonlinearity::kGelu;
  config.gated = false;
  config.parallel = true;
  config.rotary = {2, false, {1.0F}, {1.0F}, {0, 0}};
  const Model model = ModelMaker(config).required().biases().made();
  check_model(model);
  Model other = model;
  other.config.parallel = false;
  check_differs(model, other);
}
