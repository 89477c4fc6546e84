// What must change no bit: order of attention, blocks of tokens, threads, ISA.
#include <algorithm>
#include <thread>

#include "engine/model.h"
#include "every_isa.h"

using namespace meadow;
using namespace meadow::test;

namespace {

Model wide_model() {
  ModelConfig config = small_config();
  config.positions = 1200;
  config.windows = {0, 37};
  config.attention_softcap = 3.0F;
  return ModelMaker(config).required().biases().head_norms().made();
}

RawVector<float> logits_in_pieces(const Transformer& transformer,
                                  const std::vector<std::int32_t>& tokens, std::size_t piece) {
  DecodingState state(transformer, tokens.size() + 5);
  RawVector<float> logits;
  for (std::size_t n = 0; n < block_count(tokens.size(), piece); ++n) {
    const Block block = nth_block(n, tokens.size(), piece);
    const auto more = transformer.forward({tokens.data() + block.begin, block.end - block.begin},
                                          state, LogitsOf::kAll, Dataflow::kTphs, 2);
    logits.insert(logits.end(), more.begin(), more.end());
  }
  return logits;
}

}  // namespace

TEST_CASE("engine: both orders of attention give the same bits") {
  const Model model = wide_model();
  const auto transformer = model.transformer();
  const auto tokens = some_tokens(150, model.config.vocab);
  EveryIsa().run([&] {
    const auto fused = all_logits(*transformer, tokens, Dataflow::kTphs, 3);
    CHECK(same_bits(fused, all_logits(*transformer, tokens, Dataflow::kGemm, 3)));
  });
}

TEST_CASE("engine: neither the pieces of a prompt nor the threads change a bit") {
  const Model model = wide_model();
  const auto transformer = model.transformer();
  const auto tokens = some_tokens(140, model.config.vocab);
  const auto whole = all_logits(*transformer, tokens);
  for (const std::size_t piece : {1, 7, 64, 139}) {
    CAPTURE(piece);
    CHECK(same_bits(whole, logits_in_pieces(*transformer, tokens, piece)));
  }
  for (const unsigned threads : {0U, 2U, 5U, 8U}) {
    CAPTURE(threads);
    CHECK(same_bits(whole, all_logits(*transformer, tokens, Dataflow::kTphs, threads)));
  }
}

TEST_CASE("engine: a prompt longer than a block of tokens") {
  const Model model = wide_model();
  const auto transformer = model.transformer();
  const auto tokens = some_tokens(1100, model.config.vocab);
  const auto whole = all_logits(*transformer, tokens, Dataflow::kTphs, 2);
  CHECK(same_bits(whole, logits_in_pieces(*transformer, tokens, 300)));
}

TEST_CASE("engine: ISAs give the same bits") {
  const Model model = wide_model();
  const auto tokens = some_tokens(50, model.config.vocab);
  RawVector<float> first;
  EveryIsa().run([&] {
    const auto logits = all_logits(*model.transformer(), tokens);
    if (first.empty()) first = logits;
    CHECK(same_bits(first, logits));
  });
}

TEST_CASE("engine: logits of the last token are the last of all") {
  const Model model = small_model();
  const auto transformer = model.transformer();
  const auto tokens = some_tokens(11, model.config.vocab);
  const auto all = all_logits(*transformer, tokens);
  DecodingState state(*transformer, 20);
  const auto last = transformer->forward(tokens, state, LogitsOf::kLast, Dataflow::kTphs, 1);
  REQUIRE(last.size() == model.config.vocab);
  CHECK(std::equal(last.begin(), last.end(), all.end() - static_cast<std::ptrdiff_t>(last.size())));
  CHECK(
      transformer->forward({tokens.data(), 3}, state, LogitsOf::kNone, Dataflow::kTphs, 1).empty());
}

TEST_CASE("engine: what is truncated leaves no trace") {
  const Model model = small_model();
  const auto transformer = model.transformer();
  const auto tokens = some_tokens(20, model.config.vocab);
  const auto expected = all_logits(*transformer, tokens);
  DecodingState state(*transformer, 30);
  const auto others = std::vector<std::int32_t>(25, 1);
  const std::vector<std::int32_t> head(tokens.begin(), tokens.begin() + 5);
  transformer->forward(head, state, LogitsOf::kNone, Dataflow::kTphs, 1);
  transformer->forward(others, state, LogitsOf::kNone, Dataflow::kTphs, 1);
  state.truncate(5);
  CHECK(state.length() == 5);
  const std::vector<std::int32_t> rest(tokens.begin() + 5, tokens.end());
  const auto logits = transformer->forward(rest, state, LogitsOf::kAll, Dataflow::kTphs, 1);
  CHECK(std::equal(logits.begin(), logits.end(),
                   expected.begin() + static_cast<std::ptrdiff_t>(5 * model.config.vocab)));
}

TEST_CASE("engine: threads with states of their own share a transformer") {
  const Model model = small_model();
  const auto transformer = model.transformer();
  const auto tokens = some_tokens(40, model.config.vocab);
  const auto expected = all_logits(*transformer, tokens);
  std::vector<RawVector<float>> found(4);
  {
    std::vector<std::jthread> threads;
    for (auto& logits : found) {
      threads.emplace_back([&] { logits = all_logits(*transformer, tokens, Dataflow::kTphs, 2); });
    }
  }
  for (const auto& logits : found) CHECK(same_bits(logits, expected));
}
