#include "meadow/codec/rans_frequencies.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <vector>

namespace meadow {
namespace {

using Counts = std::span<const std::uint64_t>;

// log2((f + 1) / f) = 2 / ln 2 * artanh(1 / (2 f + 1)), whose series gains at least a factor of 9
// with each term.
constexpr double log2_step(unsigned f) {
  constexpr double kTwoByLn2 = 2.8853900817779268;
  const double z = 1.0 / (2.0 * f + 1.0);
  double power = z;
  double sum = 0.0;
  for (int odd = 1; odd < 35; odd += 2) {
    sum += power / odd;
    power *= z * z;
  }
  return kTwoByLn2 * sum;
}

struct Logarithms {
  std::array<double, kRansTotal + 1> step{};  // [f]: bits that a symbol saves from f to f + 1
  std::array<double, kRansTotal + 1> bits{};  // [f]: log2(4096 / f)
};

const Logarithms& logarithms() {
  static const Logarithms tables = [] {
    Logarithms made;
    for (unsigned f = kRansTotal - 1; f > 0; --f) {
      made.step[f] = log2_step(f);
      made.bits[f] = made.bits[f + 1] + made.step[f];
    }
    return made;
  }();
  return tables;
}

// Frequencies for counts above zero, at most 4096 of them. The cost is a sum of convex functions
// of one frequency each, so a solution that no move of one slot improves is optimal.
class Optimizer {
 public:
  explicit Optimizer(std::vector<std::uint64_t> counts)
      : counts_(std::move(counts)), frequencies_(counts_.size()) {
    round_down();
    while (sum() < kRansTotal) raise(cheapest_gain());
    while (sum() > kRansTotal) lower(cheapest_loss());
    if (counts_.size() > 1) exchange();
  }

  [[nodiscard]] const std::vector<unsigned>& frequencies() const { return frequencies_; }

 private:
  void round_down() {
    const double all =
        static_cast<double>(std::accumulate(counts_.begin(), counts_.end(), std::uint64_t{0}));
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const double share = static_cast<double>(counts_[i]) / all * kRansTotal;
      frequencies_[i] = std::clamp(static_cast<unsigned>(share), 1U, kRansTotal);
      sum_ += frequencies_[i];
    }
  }

  [[nodiscard]] unsigned sum() const { return sum_; }
  void raise(std::size_t i) { ++frequencies_[i], ++sum_; }
  void lower(std::size_t i) { --frequencies_[i], --sum_; }

  [[nodiscard]] double gain(std::size_t i) const {
    return static_cast<double>(counts_[i]) * logs_.step[frequencies_[i]];
  }

  [[nodiscard]] double loss(std::size_t i) const {
    if (frequencies_[i] == 1) return std::numeric_limits<double>::infinity();
    return static_cast<double>(counts_[i]) * logs_.step[frequencies_[i] - 1];
  }

  [[nodiscard]] std::size_t cheapest_gain() const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < counts_.size(); ++i) {
      if (gain(i) > gain(best)) best = i;
    }
    return best;
  }

  [[nodiscard]] std::size_t cheapest_loss() const {
    std::size_t best = 0;
    for (std::size_t i = 1; i < counts_.size(); ++i) {
      if (loss(i) < loss(best)) best = i;
    }
    return best;
  }

  void exchange() {
    for (;;) {
      const std::size_t winner = cheapest_gain();
      const std::size_t loser = cheapest_loss();
      if (winner == loser || gain(winner) <= loss(loser)) return;
      raise(winner);
      lower(loser);
    }
  }

  const Logarithms& logs_ = logarithms();
  std::vector<std::uint64_t> counts_;
  std::vector<unsigned> frequencies_;
  unsigned sum_ = 0;
};

RansFrequencies optimum(Counts counts, const std::vector<unsigned>& by_count, std::size_t rare) {
  std::uint64_t escaped = 0;
  std::vector<std::uint64_t> kept;
  for (std::size_t i = 0; i < by_count.size(); ++i) {
    if (i < rare) {
      escaped += counts[by_count[i]];
    } else {
      kept.push_back(counts[by_count[i]]);
    }
  }
  if (rare > 0) kept.push_back(escaped);
  const Optimizer optimizer(std::move(kept));
  RansFrequencies made;
  std::size_t next = 0;
  for (std::size_t i = rare; i < by_count.size(); ++i) {
    made.of[by_count[i]] = static_cast<std::uint16_t>(optimizer.frequencies()[next++]);
  }
  if (rare > 0) made.escape = static_cast<std::uint16_t>(optimizer.frequencies()[next]);
  return made;
}

// Used symbols, the rarest first; among equals the smaller one.
std::vector<unsigned> used_by_count(Counts counts) {
  std::vector<unsigned> used;
  for (unsigned symbol = 0; symbol < counts.size(); ++symbol) {
    if (counts[symbol] > 0) used.push_back(symbol);
  }
  std::stable_sort(used.begin(), used.end(),
                   [&](unsigned a, unsigned b) { return counts[a] < counts[b]; });
  return used;
}

}  // namespace

double rans_symbol_bits(unsigned frequency) { return logarithms().bits[frequency]; }

RansFrequencies best_rans_frequencies(Counts counts) {
  const std::vector<unsigned> by_count = used_by_count(counts);
  const double total =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  RansFrequencies best = optimum(counts, by_count, 0);
  double best_bits = rans_cost_bits(best, counts);
  std::size_t tried = 1;  // an escape for one symbol only is worse than slots of its own
  for (const double slots : {0.125, 0.25, 0.5, 1.0, 2.0}) {
    const double threshold = total * slots / kRansTotal;
    const auto first_kept = std::find_if(by_count.begin(), by_count.end(), [&](unsigned symbol) {
      return static_cast<double>(counts[symbol]) >= threshold;
    });
    const auto rare = static_cast<std::size_t>(first_kept - by_count.begin());
    if (rare <= tried) continue;
    tried = rare;
    const RansFrequencies candidate = optimum(counts, by_count, rare);
    const double bits = rans_cost_bits(candidate, counts);
    if (bits < best_bits) best = candidate, best_bits = bits;
  }
  return best;
}

double rans_cost_bits(const RansFrequencies& frequencies, Counts counts) {
  constexpr double kEscapedByte = 8.0;
  double bits = 0.0;
  for (std::size_t symbol = 0; symbol < counts.size(); ++symbol) {
    if (counts[symbol] == 0) continue;
    const auto count = static_cast<double>(counts[symbol]);
    if (frequencies.of[symbol] > 0) {
      bits += count * rans_symbol_bits(frequencies.of[symbol]);
    } else if (frequencies.escape > 0) {
      bits += count * (rans_symbol_bits(frequencies.escape) + kEscapedByte);
    } else {
      return std::numeric_limits<double>::infinity();
    }
  }
  return bits;
}

}  // namespace meadow
