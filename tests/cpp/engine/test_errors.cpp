// What makes no model, and calls that a model refuses, by what is said of them.
#include <cmath>
#include <functional>
#include <limits>
#include <string>

#include "engine/model.h"

using namespace meadow;
using namespace meadow::test;

namespace {

// The message; empty where nothing was thrown.
std::string said_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::kInvalidArgument);
    return error.what();
  }
  return {};
}

void expect(const std::string& message, const std::function<void(Model&)>& damage) {
  Model model = small_model();
  damage(model);
  CHECK(said_by([&] { static_cast<void>(model.transformer()); }) == message);
}

void expect_config(const std::string& message, const std::function<void(ModelConfig&)>& damage) {
  expect("config " + message, [&](Model& model) { damage(model.config); });
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::string said_of(const Transformer& transformer, const std::vector<std::int32_t>& tokens,
                    DecodingState& state) {
  return said_by([&] { transformer.forward(tokens, state, LogitsOf::kAll, Dataflow::kTphs, 2); });
}

}  // namespace

TEST_CASE("engine: a config whose sizes make no model") {
  expect_config("layers: expected 1 to 65536, found 0", [](auto& c) { c.layers = 0; });
  expect_config("hidden: expected 1 to 2147483647, found 0", [](auto& c) { c.hidden = 0; });
  expect_config("kv_heads: expected 1 to 2147483647, found 0", [](auto& c) { c.kv_heads = 0; });
  expect_config("kv_heads: expected a divisor of 4 heads, found 3",
                [](auto& c) { c.kv_heads = 3; });
  expect_config("heads * head_dim: expected 1 to 2147483647, found 4294967296", [](auto& c) {
    c.heads = 1 << 16;
    c.head_dim = 1 << 16;
  });
  expect_config("vocab: expected 1 to 2147483647, found 4294967296",
                [](auto& c) { c.vocab = std::size_t{1} << 32; });
  expect_config("position_offset: expected at most 2147483647, found 18446744073709551615",
                [](auto& c) { c.position_offset = ~std::size_t{0}; });
  expect_config("windows: expected 2 values, found 1", [](auto& c) { c.windows = {0}; });
}

TEST_CASE("engine: a config whose numbers make no model") {
  expect_config("norm_eps: expected a finite number of at least 0, found nan",
                [](auto& c) { c.norm_eps = kNan; });
  expect_config("attention_scale: expected a finite number, found inf",
                [](auto& c) { c.attention_scale = std::numeric_limits<float>::infinity(); });
  expect_config("logit_softcap: expected a finite number of at least 0, found -1.000000",
                [](auto& c) { c.logit_softcap = -1; });
  expect_config(
      "norm_placement: expected 'pre' where attention and MLP are parallel, found another",
      [](auto& c) {
        c.parallel = true;
        c.norm_placement = NormPlacement::kSandwich;
      });
}

TEST_CASE("engine: rotary positions that make no model") {
  const std::string even = "rotary_dim: expected an even number from 2 to head_dim 6, found ";
  expect_config(even + "0", [](auto& c) { c.rotary.dim = 0; });
  expect_config(even + "5", [](auto& c) { c.rotary.dim = 5; });
  expect_config(even + "8", [](auto& c) { c.rotary.dim = 8; });
  expect_config("rotary_frequencies: expected 3 values, found 2",
                [](auto& c) { c.rotary.frequencies.pop_back(); });
  expect_config("rotary_frequencies: expected a finite number, found nan",
                [](auto& c) { c.rotary.frequencies[1] = kNan; });
  expect_config("rotary_scale: expected one value or more, found none",
                [](auto& c) { c.rotary.scales.clear(); });
  expect_config("rotary_of_layer: expected 2 values, found 3",
                [](auto& c) { c.rotary.of_layer = {0, 0, 0}; });
  for (const int kind : {1, -2}) {
    expect_config(
        "rotary_of_layer: expected -1 (none) or a kind below 1, found " + std::to_string(kind),
        [&](auto& c) { c.rotary.of_layer[1] = kind; });
  }
}

TEST_CASE("engine: weights that are missing or unknown") {
  expect("weights: expected a matrix 'layers.1.gate' of shape [40, 24], found none",
         [](Model& m) { m.tables.erase("layers.1.gate"); });
  expect("weights: expected a matrix 'embedding' of shape [29, 24], found none",
         [](Model& m) { m.tables.erase("embedding"); });
  expect("weights: expected no matrix 'layers.2.q' in a model of this config, found one",
         [](Model& m) { m.tables["layers.2.q"] = m.tables["layers.1.q"]; });
  expect("weights: expected no matrix 'layers.0.gate' in a model of this config, found one",
         [](Model& m) { m.config.gated = false; });
  expect("weights: expected no vector 'final_norm.bias' in a model of this config, found one",
         [](Model& m) { m.vectors["final_norm.bias"].resize(24); });
  Matrices matrices = small_model().matrices();
  matrices["head"] = nullptr;
  CHECK(said_by([&] { Transformer(small_config(), matrices, {}); }) ==
        "weights: expected a matrix 'head' of shape [29, 24], found none");
}

TEST_CASE("engine: weights whose shapes disagree with the config") {
  expect("weights: 'layers.0.q': expected shape [24, 24], found [24, 20]",
         [](Model& m) { m.tables["layers.0.q"].columns = 20; });
  expect("weights: 'layers.0.k': expected shape [24, 24], found [12, 24]",
         [](Model& m) { m.config.kv_heads = 4; });
  expect("weights: 'embedding': expected shape [28, 24], found [29, 24]",
         [](Model& m) { m.config.vocab = 28; });
  expect("weights: 'embedding': expected shape [30, 24], found [29, 24]",
         [](Model& m) { m.config.vocab = 30; });
  expect("weights: 'layers.1.mlp_norm.weight': expected 24 values, found 23",
         [](Model& m) { m.vectors["layers.1.mlp_norm.weight"].pop_back(); });
  expect("weights: 'positions': expected at least 66 rows of 24, found shape [65, 24]",
         [](Model& m) {
           m.config.position = PositionKind::kLearned;
           m.config.position_offset = 2;
           m.tables["positions"] = {65, 24, std::vector<float>(65 * 24)};
         });
}

TEST_CASE("engine: calls that a model refuses leave the state as it was") {
  const Model model = small_model();
  const auto transformer = model.transformer();
  DecodingState state(*transformer, 5);
  CHECK(said_of(*transformer, {1, 2, 3}, state).empty());
  CHECK(said_of(*transformer, {}, state) == "tokens: expected one or more, found none");
  CHECK(said_of(*transformer, {4, 29}, state) ==
        "tokens: expected ids of 0 to 28, found 29 at index 1");
  CHECK(said_of(*transformer, {-1}, state) ==
        "tokens: expected ids of 0 to 28, found -1 at index 0");
  CHECK(said_of(*transformer, {1, 2, 3}, state) ==
        "context: expected at most 5 tokens, the capacity of the cache (the model has 64 "
        "positions), found 3 and 3 more");
  CHECK(said_by([&] { state.truncate(4); }) ==
        "cache truncate: expected a length of at most 3, found 4");
  CHECK(state.length() == 3);
  CHECK(said_of(*transformer, {1, 2}, state).empty());
  CHECK(state.length() == 5);
}

TEST_CASE("engine: caches that fit no model") {
  const Model model = small_model();
  const auto transformer = model.transformer();
  for (const std::size_t capacity : {std::size_t{0}, std::size_t{65}, ~std::size_t{0}}) {
    CHECK(said_by([&] { DecodingState(*transformer, capacity); }) ==
          "cache capacity: expected 1 to 64 tokens, the positions of the model, found " +
              std::to_string(capacity));
  }
  const auto twin = model.transformer();
  DecodingState state(*twin, 5);
  CHECK(said_of(*transformer, {1}, state) ==
        "cache: expected one that was made for this engine, found one that was made for another");
}

TEST_CASE("engine: logits that hold NaN name the position, and are forgotten") {
  Model model = small_model();
  for (std::size_t i = 0; i < 24; ++i) model.tables["embedding"].values[5 * 24 + i] = kNan;
  const auto transformer = model.transformer();
  DecodingState state(*transformer, 9);
  CHECK(said_of(*transformer, {1, 2}, state).empty());
  const std::string said = said_of(*transformer, {3, 5, 3}, state);
  CHECK(said.find("logits: expected numbers, found NaN at position 3: ") == 0);
  CHECK(state.length() == 2);
  CHECK(said_of(*transformer, {3, 4, 3}, state).empty());
}

TEST_CASE("engine: a state in use is refused, and a cancelled call forgotten") {
  const Model model = small_model();
  const auto transformer = model.transformer();
  DecodingState state(*transformer, 60);
  const std::vector<std::int32_t> tokens(20, 3);
  int polls = 0;
  const auto poll = [&] {
    if (++polls == 1) {
      CHECK(said_of(*transformer, {1}, state) ==
            "cache: expected a free one, found one that another call is using");
    }
    if (polls == 3) throw Cancelled();
  };
  {
    const CancellationScope scope(poll, CancellationScope::Clock::duration::zero());
    CHECK_THROWS_AS(transformer->forward(tokens, state, LogitsOf::kAll, Dataflow::kTphs, 2),
                    Cancelled);
  }
  CHECK(state.length() == 0);
  CHECK(said_of(*transformer, tokens, state).empty());
}
