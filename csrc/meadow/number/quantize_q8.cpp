#include "meadow/number/quantize_q8.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

constexpr int kCandidates = 16;
constexpr int kHighestScale = 255;
constexpr float kReach =
    127.5F;  // steps that codes of at most 127 reach without more than rounding
constexpr float kMost = 127.0F;
constexpr std::size_t kLanes = 8;

using Group = std::array<float, kQ8Group>;

// Adding 1.5 * 2^23 leaves no bits below one: values below 2^22 are rounded half to even.
float rounded(float steps) noexcept {
  constexpr float kMagic = 12582912.0F;
  return (std::clamp(steps, -kMost, kMost) + kMagic) - kMagic;
}

float greatest_magnitude(const float* weights, std::size_t count) noexcept {
  float top = 0.0F;
  for (std::size_t i = 0; i < count; ++i) top = std::max(top, std::fabs(weights[i]));
  return top;
}

float squared_error(const Group& group, float scale) noexcept {
  std::array<float, kLanes> lanes{};
  for (std::size_t i = 0; i < kQ8Group; i += kLanes) {
    for (std::size_t j = 0; j < kLanes; ++j) {
      const float error = group[i + j] - rounded(group[i + j] / scale) * scale;
      lanes[j] += error * error;
    }
  }
  return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
         ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

// Chosen so that the candidates of the row's largest group are the highest scales there are. Never
// denormal, which would be too coarse to be multiplied.
float row_scale(float top) noexcept {
  if (top == 0.0F) return 1.0F;
  constexpr auto kRoom = static_cast<float>(kHighestScale - kCandidates + 1);
  return std::max(top / (kReach * kRoom), std::numeric_limits<float>::min());
}

int best_scale(const Group& group, float scale_of_row) noexcept {
  const float top = greatest_magnitude(group.data(), kQ8Group);
  const float least = std::ceil(top / (kReach * scale_of_row));
  const int first = std::clamp(static_cast<int>(least), 1, kHighestScale);
  int best = first;
  float best_error = std::numeric_limits<float>::infinity();
  for (int coded = first; coded < first + kCandidates && coded <= kHighestScale; ++coded) {
    const float error = squared_error(group, static_cast<float>(coded) * scale_of_row);
    if (error >= best_error) continue;
    best_error = error;
    best = coded;
  }
  return best;
}

void add_squares(const float* weights, const std::int8_t* codes, std::size_t count, float scale,
                 kernels::SquareSums& sums) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const double weight = weights[i];
    const double error = weight - static_cast<double>(static_cast<float>(codes[i]) * scale);
    sums.weights += weight * weight;
    sums.errors += error * error;
  }
}

kernels::SquareSums quantize_row(const float* weights, std::size_t columns, std::int8_t* codes,
                                 float& scale_of_row, std::uint8_t* coded) noexcept {
  kernels::SquareSums sums{};
  scale_of_row = row_scale(greatest_magnitude(weights, columns));
  for (std::size_t first = 0; first < columns; first += kQ8Group, ++coded) {
    const std::size_t count = std::min(kQ8Group, columns - first);
    Group group{};
    std::copy_n(weights + first, count, group.begin());
    *coded = static_cast<std::uint8_t>(best_scale(group, scale_of_row));
    const float scale = static_cast<float>(*coded) * scale_of_row;
    for (std::size_t i = 0; i < count; ++i) {
      codes[first + i] = static_cast<std::int8_t>(rounded(group[i] / scale));
    }
    add_squares(weights + first, codes + first, count, scale, sums);
  }
  return sums;
}

void check_finite(const float* weights, std::size_t rows, std::size_t columns,
                  const std::string& name) {
  for_each_block({0, rows * columns}, [&](Block block) {
    for (std::size_t i = block.begin; i < block.end; ++i) {
      if (std::isfinite(weights[i])) continue;
      invalid(name + ": expected finite values, found " + std::to_string(weights[i]) + " at [" +
              std::to_string(i / columns) + ", " + std::to_string(i % columns) + "]");
    }
  });
}

}  // namespace

kernels::SquareSums quantize_q8(const float* weights, std::size_t rows, std::size_t columns,
                                const std::string& name, const Q8& out, unsigned threads) {
  check_finite(weights, rows, columns, name);
  const std::size_t groups = block_count(columns, kQ8Group);
  std::vector<kernels::SquareSums> of_rows(rows);
  parallel_for(rows, threads, [&](std::size_t r) {
    of_rows[r] = quantize_row(weights + r * columns, columns, out.codes + r * columns,
                              out.row_scales[r], out.coded_scales + r * groups);
  });
  kernels::SquareSums sums{};
  for (const kernels::SquareSums& row : of_rows) {
    sums.weights += row.weights;
    sums.errors += row.errors;
  }
  return sums;
}

}  // namespace meadow
