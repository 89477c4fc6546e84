#include "meadow/engine/sampling.h"

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "meadow/engine/exponential.h"
#include "support.h"

using namespace meadow;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random_logits(std::size_t count, unsigned seed, float spread) {
  auto random = test::generator(seed);
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> logits(count);
  for (float& logit : logits) logit = normal(random);
  return logits;
}

// exp(logit / temperature) in F64, divided by their sum.
std::vector<double> softmax(const std::vector<float>& logits, double temperature) {
  const double largest = *std::ranges::max_element(logits);
  std::vector<double> shares(logits.size());
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    shares[i] = std::exp((static_cast<double>(logits[i]) - largest) / temperature);
    sum += shares[i];
  }
  for (double& share : shares) share /= sum;
  return shares;
}

// Tokens from the most probable on.
std::vector<std::size_t> ranking(const std::vector<float>& logits) {
  std::vector<std::size_t> order(logits.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
  return order;
}

std::vector<std::size_t> drawn(const std::vector<float>& logits, const SamplingOptions& options,
                               std::size_t times, std::uint64_t seed = 7) {
  Sampler sampler(options, seed);
  std::vector<std::size_t> counts(logits.size(), 0);
  for (std::size_t i = 0; i < times; ++i) ++counts[sampler.choose(logits)];
  return counts;
}

std::set<std::size_t> reachable(const std::vector<float>& logits, const SamplingOptions& options) {
  const auto counts = drawn(logits, options, 4000);
  std::set<std::size_t> seen;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] != 0) seen.insert(i);
  }
  return seen;
}

// Whether counts fit shares: chi-square below its mean plus six standard deviations.
void check_fit(const std::vector<std::size_t>& counts, const std::vector<double>& shares,
               std::size_t times) {
  double chi_square = 0;
  double freedom = -1;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = shares[i] * static_cast<double>(times);
    if (shares[i] == 0) CHECK(counts[i] == 0);
    if (expected < 5) continue;
    chi_square += std::pow(static_cast<double>(counts[i]) - expected, 2) / expected;
    ++freedom;
  }
  REQUIRE(freedom > 5);
  CHECK(chi_square < freedom + 6 * std::sqrt(2 * freedom));
  CHECK(chi_square > freedom - 6 * std::sqrt(2 * freedom));
}

}  // namespace

TEST_CASE("random numbers: the published sequence of xoshiro256** seeded by SplitMix64") {
  RandomNumbers random(0);
  CHECK(random.next() == 0x99ec5f36cb75f2b4U);
  CHECK(random.next() == 0xbf6e1f784956452aU);
  CHECK(random.next() == 0x1a5f849d4933e6e0U);
}

TEST_CASE("the exponential is within two units in the last place, and 1 at 0") {
  CHECK(exponential(0.0F) == 1.0F);
  CHECK(exponential(-kInfinity) == 0.0F);
  CHECK(exponential(-87.1F) == 0.0F);
  double worst = 0;
  for (int step = 0; step <= 174000; ++step) {
    const float x = -87.0F * static_cast<float>(step) / 174000.0F;
    const double exact = std::exp(static_cast<double>(x));
    const double unit = std::ldexp(1.0, std::ilogb(exact) - 23);
    worst = std::max(worst, std::abs(static_cast<double>(exponential(x)) - exact) / unit);
  }
  CHECK(worst < 2);
}

TEST_CASE("greedy: the first of the largest") {
  const std::vector<float> logits{1, 5, 2, 5, -kInfinity};
  CHECK(largest_logit(logits) == 1);
  Sampler sampler({.temperature = 0, .top_k = 2}, 1);
  CHECK(sampler.choose(logits) == 1);
}

TEST_CASE("draws follow the softmax at every temperature") {
  const std::vector<float> logits = random_logits(40, 3, 1.5F);
  for (const float temperature : {0.5F, 1.0F, 2.5F}) {
    const auto counts = drawn(logits, {.temperature = temperature}, 60000);
    check_fit(counts, softmax(logits, static_cast<double>(temperature)), 60000);
  }
}

TEST_CASE("top-k keeps the k largest, and all that equal the last of them") {
  const std::vector<float> logits{0.1F, 0.3F, 0.2F, 0.3F, 0.2F, 0.0F};
  CHECK(reachable(logits, {.top_k = 1}) == std::set<std::size_t>{1, 3});
  CHECK(reachable(logits, {.top_k = 2}) == std::set<std::size_t>{1, 3});
  CHECK(reachable(logits, {.top_k = 3}) == std::set<std::size_t>{1, 2, 3, 4});
  CHECK(reachable(logits, {.top_k = 6}).size() == 6);
  CHECK(reachable(logits, {.top_k = 99}).size() == 6);
}

TEST_CASE("top-k of large vocabularies is that of a full sort") {
  const std::size_t size = 8000;
  std::vector<float> logits = random_logits(size, 5, 4);
  for (const bool ascending : {false, true}) {
    if (ascending) std::ranges::sort(logits);
    const auto order = ranking(logits);
    for (const std::size_t k : {1U, 50U, 700U}) {
      std::vector<double> shares(size, 0);
      double sum = 0;
      const auto all = softmax(logits, 1);
      for (std::size_t i = 0; i < k; ++i) sum += all[order[i]];
      for (std::size_t i = 0; i < k; ++i) shares[order[i]] = all[order[i]] / sum;
      const std::size_t times = k == 50 ? 3000 : 500;
      const auto counts = drawn(logits, {.top_k = k}, times);
      for (std::size_t i = 0; i < size; ++i) {
        if (shares[i] == 0) REQUIRE(counts[i] == 0);
      }
      if (k == 50) check_fit(counts, shares, times);
    }
  }
}

TEST_CASE("top-p keeps the fewest that reach it") {
  const std::vector<float> logits{std::log(0.1F), std::log(0.5F), std::log(0.15F), std::log(0.25F)};
  CHECK(reachable(logits, {.top_p = 0.0F}) == std::set<std::size_t>{1});
  CHECK(reachable(logits, {.top_p = 0.45F}) == std::set<std::size_t>{1});
  CHECK(reachable(logits, {.top_p = 0.55F}) == std::set<std::size_t>{1, 3});
  CHECK(reachable(logits, {.top_p = 0.8F}) == std::set<std::size_t>{1, 2, 3});
  CHECK(reachable(logits, {.top_p = 0.95F}).size() == 4);
  CHECK(reachable(logits, {.top_p = 1.0F}).size() == 4);
}

TEST_CASE("top-p of equals keeps those of smaller number") {
  const std::vector<float> logits(10, 0.7F);
  CHECK(reachable(logits, {.top_p = 0.0F}) == std::set<std::size_t>{0});
  CHECK(reachable(logits, {.top_p = 0.35F}) == std::set<std::size_t>{0, 1, 2, 3});
}

TEST_CASE("top-p of any distribution is that of a full sort") {
  for (unsigned seed = 0; seed < 20; ++seed) {
    const std::vector<float> logits = random_logits(200, seed, 0.2F * static_cast<float>(seed + 1));
    const auto shares = softmax(logits, 1);
    for (const float top_p : {0.1F, 0.5F, 0.9F}) {
      std::set<std::size_t> expected;
      double mass = 0;
      for (const std::size_t token : ranking(logits)) {
        if (!expected.empty() && mass >= static_cast<double>(top_p)) break;
        expected.insert(token);
        mass += shares[token];
      }
      const auto counts = drawn(logits, {.top_p = top_p}, 4000, seed + 1);
      for (std::size_t token = 0; token < counts.size(); ++token) {
        if (counts[token] > 0) CHECK(expected.contains(token));
        // Of tokens that are kept, only those with a fair share are sure to be drawn.
        if (expected.contains(token) && shares[token] > 0.005) CHECK(counts[token] > 0);
      }
    }
  }
}

TEST_CASE("min-p leaves out what is less than a share of the most probable") {
  const std::vector<float> logits{std::log(0.4F), std::log(0.3F), std::log(0.19F), std::log(0.11F)};
  CHECK(reachable(logits, {.min_p = 0.5F}) == std::set<std::size_t>{0, 1});
  CHECK(reachable(logits, {.min_p = 0.4F}) == std::set<std::size_t>{0, 1, 2});
  CHECK(reachable(logits, {.min_p = 1.0F}) == std::set<std::size_t>{0});
}

TEST_CASE("the repetition penalty counts a token once, and works for either sign") {
  const std::vector<float> logits{2.0F, 1.5F, -1.0F};
  const std::vector<std::int32_t> previous{0, 0, 0};
  CHECK(Sampler({.repetition_penalty = 1.3F, .temperature = 0}, 1).choose(logits, previous) == 0);
  CHECK(Sampler({.repetition_penalty = 1.4F, .temperature = 0}, 1).choose(logits, previous) == 1);
  const std::vector<float> negative{-1.0F, -1.5F};
  const std::vector<std::int32_t> first{0};
  CHECK(Sampler({.repetition_penalty = 1.4F, .temperature = 0}, 1).choose(negative, first) == 0);
  CHECK(Sampler({.repetition_penalty = 1.6F, .temperature = 0}, 1).choose(negative, first) == 1);
}

TEST_CASE("a seed gives the same tokens, another one others") {
  const std::vector<float> logits = random_logits(50257, 11, 3);
  const SamplingOptions options{.temperature = 0.9F, .top_k = 200, .top_p = 0.95F, .min_p = 0.001F};
  const auto sequence = [&](std::uint64_t seed) {
    Sampler sampler(options, seed);
    std::vector<std::size_t> made(50);
    for (std::size_t& token : made) token = sampler.choose(logits);
    return made;
  };
  CHECK(sequence(42) == sequence(42));
  CHECK(sequence(42) != sequence(43));
}

TEST_CASE("one token that is not masked is chosen by every option") {
  std::vector<float> logits(1000, -kInfinity);
  logits[321] = -4000;
  for (const SamplingOptions& options : {SamplingOptions{},
                                         {.temperature = 0},
                                         {.top_k = 5},
                                         {.top_p = 0},
                                         {.min_p = 1},
                                         {.temperature = 1e-38F},
                                         {.temperature = 3e38F}}) {
    CHECK(Sampler(options, 3).choose(logits) == 321);
  }
}

TEST_CASE("log probabilities are those of F64") {
  const std::size_t vocabulary = 1003;
  const std::vector<float> logits = random_logits(3 * vocabulary, 13, 5);
  const std::vector<std::int32_t> targets{0, 1002, 500};
  const auto found = log_probabilities(logits, vocabulary, targets, 2);
  for (std::size_t row = 0; row < 3; ++row) {
    const auto begin = logits.begin() + static_cast<std::ptrdiff_t>(row * vocabulary);
    const std::vector<float> values(begin, begin + static_cast<std::ptrdiff_t>(vocabulary));
    const double exact = std::log(softmax(values, 1)[static_cast<std::size_t>(targets[row])]);
    CHECK(found[row] == doctest::Approx(exact).epsilon(1e-7));
  }
  CHECK(found == log_probabilities(logits, vocabulary, targets, 1));
}

TEST_CASE("what cannot be chosen from is refused") {
  const auto refused = [](const std::vector<float>& logits) {
    return test::kind_of_failure([&] { Sampler({}, 1).choose(logits); }) ==
           ErrorKind::kInvalidArgument;
  };
  CHECK(refused({}));
  CHECK(refused({-kInfinity, -kInfinity}));
  CHECK(refused({1, std::numeric_limits<float>::quiet_NaN(), 2}));
  CHECK(refused({1, kInfinity}));
  const std::vector<float> logits{1, 2};
  const std::vector<std::int32_t> outside{2};
  CHECK(test::kind_of_failure([&] {
          Sampler({.repetition_penalty = 2}, 1).choose(logits, outside);
        }) == ErrorKind::kInvalidArgument);
  CHECK(test::kind_of_failure([&] { log_probabilities(logits, 2, outside, 1); }) ==
        ErrorKind::kInvalidArgument);
  CHECK(test::kind_of_failure([&] { log_probabilities(logits, 0, {}, 1); }) ==
        ErrorKind::kInvalidArgument);
}

TEST_CASE("options that mean nothing are refused") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const SamplingOptions& options : {SamplingOptions{.repetition_penalty = 0},
                                         {.temperature = -1},
                                         {.temperature = nan},
                                         {.temperature = kInfinity},
                                         {.top_p = 1.5F},
                                         {.top_p = -0.1F},
                                         {.top_p = nan},
                                         {.min_p = 2},
                                         {.repetition_penalty = nan}}) {
    CHECK(test::kind_of_failure([&] { const Sampler made(options, 1); }) ==
          ErrorKind::kInvalidArgument);
  }
}
