#include "meadow/engine/sampling.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "meadow/base/error.h"
#include "meadow/base/float_environment.h"
#include "meadow/base/thread_pool.h"
#include "meadow/engine/exponential.h"

namespace meadow {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Only to name the invalid logit; not on the path of every token.
[[noreturn]] void refuse(std::span<const float> logits) {
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]))
      invalid("logits: expected finite numbers or minus infinity, found NaN at token " +
              std::to_string(i));
    if (logits[i] == kInfinity)
      invalid("logits: expected finite numbers or minus infinity, found infinity at token " +
              std::to_string(i));
  }
  invalid("logits: expected at least one finite number, found " + std::to_string(logits.size()) +
          " that are all minus infinity");
}

// Throws if no token can be chosen.
float largest_of(std::span<const float> logits) {
  float largest = -kInfinity;
  bool numbers = true;
  for (const float logit : logits) {
    largest = logit > largest ? logit : largest;
    numbers = numbers && logit < kInfinity;  // false for NaN too
  }
  if (!numbers || largest == -kInfinity) refuse(logits);
  return largest;
}

std::size_t first_equal(std::span<const float> logits, float value) noexcept {
  return static_cast<std::size_t>(std::ranges::find(logits, value) - logits.begin());
}

void require_token(std::int32_t token, std::size_t vocabulary, const char* what) {
  if (token < 0 || static_cast<std::size_t>(token) >= vocabulary) {
    invalid(std::string(what) + ": expected tokens from 0 to " + std::to_string(vocabulary - 1) +
            ", found " + std::to_string(token));
  }
}

void require(bool holds, const char* name, const char* expected, float found) {
  if (!holds)
    invalid(std::string(name) + ": expected " + expected + ", found " + std::to_string(found));
}

// The k-th largest score, or minus infinity if there are fewer finite ones. Visits every score once
// and keeps little more than 2 k of them.
float kth_largest(std::span<const float> scores, std::size_t k, std::vector<float>& kept) {
  const std::size_t room = 2 * k + 1024;
  const auto kth = static_cast<std::ptrdiff_t>(k) - 1;
  float threshold = -kInfinity;
  kept.clear();
  for (const float score : scores) {
    if (!(score > threshold)) continue;
    kept.push_back(score);
    if (kept.size() < room) continue;
    std::nth_element(kept.begin(), kept.begin() + kth, kept.end(), std::greater<>());
    kept.resize(k);
    threshold = kept[k - 1];
  }
  if (kept.size() < k) return -kInfinity;
  std::nth_element(kept.begin(), kept.begin() + kth, kept.end(), std::greater<>());
  return kept[k - 1];
}

constexpr unsigned kBinBits = 10;

// Weights that share their leading bits.
struct Bin {
  double mass = 0;
  bool used = false;

  void add(float weight) noexcept {
    mass += static_cast<double>(weight);
    used = true;
  }
};

// The highest bin that, together with those above it, has the needed mass (the lowest bin if
// rounding leaves too little), and the mass above it.
std::pair<std::uint32_t, double> bin_that_reaches(std::span<const Bin> bins,
                                                  double needed) noexcept {
  double above = 0;
  std::uint32_t lowest = 0;
  double above_lowest = 0;
  for (auto bin = static_cast<std::uint32_t>(bins.size()); bin-- > 0;) {
    if (!bins[bin].used) continue;
    lowest = bin;
    above_lowest = above;
    above += bins[bin].mass;
    if (above >= needed) break;
  }
  return {lowest, above_lowest};
}

// ln of the sum of exp(logit - largest) over a row. Eight sums, so that the loop need not wait for
// its own additions.
double log_sum(std::span<const float> logits, float largest) noexcept {
  std::array<double, 8> sums{};
  const std::size_t whole = logits.size() - logits.size() % sums.size();
  for (std::size_t i = 0; i < whole; i += sums.size()) {
    for (std::size_t lane = 0; lane < sums.size(); ++lane) {
      sums[lane] += static_cast<double>(exponential(logits[i + lane] - largest));
    }
  }
  for (std::size_t i = whole; i < logits.size(); ++i) {
    sums[i - whole] += static_cast<double>(exponential(logits[i] - largest));
  }
  return std::log(((sums[0] + sums[1]) + (sums[2] + sums[3])) +
                  ((sums[4] + sums[5]) + (sums[6] + sums[7])));
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options, std::uint64_t seed)
    : options_(options), random_(seed) {
  const auto share = [](float value) { return value >= 0 && value <= 1; };
  const auto finite = [](float value) { return value < kInfinity; };
  require(options.repetition_penalty > 0 && finite(options.repetition_penalty),
          "repetition_penalty", "a positive number", options.repetition_penalty);
  require(options.temperature >= 0 && finite(options.temperature), "temperature",
          "a number of at least 0", options.temperature);
  require(share(options.top_p), "top_p", "a number from 0 to 1", options.top_p);
  require(share(options.min_p), "min_p", "a number from 0 to 1", options.min_p);
}

std::size_t Sampler::choose(std::span<const float> logits, std::span<const std::int32_t> previous) {
  if (logits.size() >= std::numeric_limits<std::uint32_t>::max()) {
    invalid("logits: expected fewer than 2^32 - 1, found " + std::to_string(logits.size()));
  }
  const DefaultFloatEnvironment environment;
  float largest = largest_of(logits);
  if (options_.temperature == 0 && options_.repetition_penalty == 1) {
    return first_equal(logits, largest);
  }
  scores_.assign(logits.begin(), logits.end());
  if (options_.repetition_penalty != 1) {
    penalise(previous);
    largest = largest_of(scores_);
    if (options_.temperature == 0) return first_equal(scores_, largest);
  }
  if (options_.top_k != 0 && options_.top_k < scores_.size()) keep_top_k();
  weigh(largest);
  if (options_.top_p < 1) keep_top_p();
  return draw();
}

void Sampler::penalise(std::span<const std::int32_t> previous) {
  scratch_.assign(scores_.begin(), scores_.end());
  for (const std::int32_t token : previous) {
    require_token(token, scores_.size(), "previous");
    const auto i = static_cast<std::size_t>(token);
    const float score = scratch_[i];  // penalised once, however often the token occurred
    scores_[i] =
        score < 0 ? score * options_.repetition_penalty : score / options_.repetition_penalty;
  }
}

void Sampler::keep_top_k() {
  const float threshold = kth_largest(scores_, options_.top_k, scratch_);
  for (float& score : scores_) score = score < threshold ? -kInfinity : score;
}

// Logits 87 temperatures or more below the largest, with less than 2^-125 of its probability, are
// left out too.
void Sampler::weigh(float largest) {
  for (float& score : scores_) {
    score = exponential((score - largest) / options_.temperature);
  }
  candidates_.clear();
  for (std::size_t i = 0; i < scores_.size(); ++i) {
    if (scores_[i] > 0) candidates_.push_back({scores_[i], static_cast<std::uint32_t>(i)});
  }
}

void Sampler::keep_top_p() {
  double needed = 0;
  for (const Candidate& candidate : candidates_) needed += static_cast<double>(candidate.weight);
  needed *= static_cast<double>(options_.top_p);
  const auto [threshold, above] = weight_that_reaches(needed);
  bool any = std::ranges::any_of(
      candidates_, [least = threshold](const Candidate& c) { return c.weight > least; });
  std::erase_if(candidates_, [&, least = threshold, reached = above](const Candidate& c) mutable {
    if (c.weight != least) return c.weight < least;
    if (any && reached >= needed) return true;
    any = true;
    reached += static_cast<double>(c.weight);
    return false;
  });
}

// Finds the weight by its bits, from the highest to the lowest, with a table of masses for each
// part: nothing is sorted, and equal weights keep the order of tokens.
Sampler::Reached Sampler::weight_that_reaches(double needed) const {
  std::uint32_t high = 0;  // bits that are known, right-aligned
  double above = 0;
  for (const unsigned shift : {2 * kBinBits, kBinBits, 0U}) {  // weights are at most 1: 30 bits
    std::array<Bin, 1U << kBinBits> bins{};
    for (const Candidate& candidate : candidates_) {
      const std::uint32_t bits = std::bit_cast<std::uint32_t>(candidate.weight) >> shift;
      if (bits >> kBinBits != high) continue;
      bins[bits % bins.size()].add(candidate.weight);
    }
    const auto [bin, mass] = bin_that_reaches(bins, needed - above);
    high = high << kBinBits | bin;
    above += mass;
  }
  return {std::bit_cast<float>(high), above};
}

std::size_t Sampler::draw() {
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    if (candidate.weight >= options_.min_p) total += static_cast<double>(candidate.weight);
  }
  const double aim = random_.next_unit() * total;
  double reached = 0;
  std::size_t chosen = 0;
  for (const Candidate& candidate : candidates_) {
    if (!(candidate.weight >= options_.min_p)) continue;
    chosen = candidate.token;
    reached += static_cast<double>(candidate.weight);
    if (reached > aim) break;
  }
  return chosen;
}

std::size_t largest_logit(std::span<const float> logits) {
  return first_equal(logits, largest_of(logits));
}

std::vector<double> log_probabilities(std::span<const float> logits, std::size_t vocabulary,
                                      std::span<const std::int32_t> targets, unsigned threads) {
  if (vocabulary == 0 || logits.size() / vocabulary != targets.size() ||
      logits.size() % vocabulary != 0) {
    invalid("logits: expected a row of " + std::to_string(vocabulary) + " for each of " +
            std::to_string(targets.size()) + " targets, found " + std::to_string(logits.size()));
  }
  for (const std::int32_t target : targets) require_token(target, vocabulary, "targets");
  std::vector<double> made(targets.size());
  parallel_for(targets.size(), threads, [&](std::size_t row) {
    const auto values = logits.subspan(row * vocabulary, vocabulary);
    const float largest = largest_of(values);
    const auto target = static_cast<std::size_t>(targets[row]);
    made[row] = static_cast<double>(values[target]) - static_cast<double>(largest) -
                log_sum(values, largest);
  });
  return made;
}

}  // namespace meadow
