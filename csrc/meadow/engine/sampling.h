// From logits to a token.
//
// The same logits, options and seed choose the same tokens on every platform and ISA: exponentials
// are computed by a polynomial here, sums have one order, and random numbers are integers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/engine/random.h"

namespace meadow {

// Applied in this order, each like the logits processor of the same name in transformers.
struct SamplingOptions {
  float repetition_penalty = 1;  // logits of earlier tokens are divided by it if positive, else
                                 // multiplied
  float temperature = 1;         // logits are divided by it; 0: choose the first of the largest
  std::size_t top_k = 0;         // keep logits not below the k-th largest; 0: keep all
  float top_p = 1;               // keep the fewest most probable tokens that together reach it; in
                                 // a tie those of smaller number
  float min_p = 0;               // drop tokens less probable than this times the most probable
};

class Sampler {
 public:
  // Throws kInvalidArgument for invalid options.
  Sampler(const SamplingOptions& options, std::uint64_t seed);

  // `logits` is [vocabulary]; `previous` holds the tokens so far and is used only for the
  // repetition penalty. Throws kInvalidArgument for NaN, positive infinity, only negative
  // infinities, and tokens out of range. A greedy choice draws no random number.
  std::size_t choose(std::span<const float> logits, std::span<const std::int32_t> previous = {});

 private:
  struct Candidate {
    float weight;  // exp((logit - largest) / temperature)
    std::uint32_t token;
  };

  // The least weight that is kept, and the total of the greater weights.
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
  std::vector<float> scratch_;         // used within single steps
};

// The first of the largest logits. Throws as `Sampler::choose` does.
std::size_t largest_logit(std::span<const float> logits);

// ln softmax(logits)[target] for every row of `logits` [targets.size(), vocabulary]. Exponentials
// are in F32, sums in F64. Throws as `Sampler::choose` does.
std::vector<double> log_probabilities(std::span<const float> logits, std::size_t vocabulary,
                                      std::span<const std::int32_t> targets, unsigned threads);

}  // namespace meadow
