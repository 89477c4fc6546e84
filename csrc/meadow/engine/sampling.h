// From logits to a token.
//
// The same logits, options and seed choose the same tokens on every platform and ISA: exponentials
// are a polynomial of this room's own, sums have one order, and random numbers are integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/engine/random.h"

namespace meadow {

// Applied in this order, each as the logits processor of the same name in transformers does.
struct SamplingOptions {
  float repetition_penalty = 1;  // logits of earlier tokens: divided by it where positive, else
                                 // multiplied
  float temperature = 1;         // logits are divided by it; 0: the first of the largest
  std::size_t top_k = 0;         // what is less than the k-th largest is left out; 0: nothing is
  float top_p = 1;               // the fewest most probable tokens that together reach it are kept;
                                 // of equals those of smaller number
  float min_p = 0;               // less probable than this times the largest is left out
};

class Sampler {
 public:
  // Throws kInvalidArgument for options that mean nothing.
  Sampler(const SamplingOptions& options, std::uint64_t seed);

  // `logits` [vocabulary]; `previous`: the tokens so far, for the repetition penalty alone.
  // Throws kInvalidArgument for NaN, positive infinity, nothing but negative infinity, and tokens
  // out of range. A greedy choice draws no random number.
  std::size_t choose(std::span<const float> logits, std::span<const std::int32_t> previous = {});

 private:
  struct Candidate {
    float weight;  // exp((logit - largest) / temperature)
    std::uint32_t token;
  };

  // The least weight that is kept, and the mass of what is more.
  struct Reached {
    float threshold;
    double above;
  };

  void penalise(std::span<const std::int32_t> previous);
  void weigh(float largest);
  void keep_top_k();
  void keep_top_p();
  [[nodiscard]] Reached weight_that_reaches(double needed) const;
  [[nodiscard]] std::size_t draw();

  SamplingOptions options_;
  RandomNumbers random_;
  std::vector<float> scores_;          // [vocabulary]
  std::vector<Candidate> candidates_;  // in the order of tokens
  std::vector<float> scratch_;         // of single steps
};

// The first of the largest. Throws as `Sampler::choose` does.
std::size_t largest_logit(std::span<const float> logits);

// ln softmax(logits)[target] of every row: `logits` [targets.size(), vocabulary]. Exponentials in
// F32, sums in F64. Throws as `Sampler::choose` does.
std::vector<double> log_probabilities(std::span<const float> logits, std::size_t vocabulary,
                                      std::span<const std::int32_t> targets, unsigned threads);

}  // namespace meadow
