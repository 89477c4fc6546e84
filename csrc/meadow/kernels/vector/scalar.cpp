#include <cmath>
#include <cstddef>
#include <limits>

#include "meadow/kernels/vector/functions.h"
#include "meadow/kernels/vector/one.h"
#include "meadow/kernels/vector/plain.h"
#include "meadow/kernels/vector/vector.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kLanes = 16;

struct Lanes {
  float values[kLanes] = {};

  float sum() noexcept {
    for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
      for (std::size_t j = 0; j < half; ++j) values[j] += values[j + half];
    }
    return values[0];
  }
};

template <typename Term>  // takes an index and the value of the lane
float sum_of(std::size_t count, const Term& term) noexcept {
  Lanes lanes;
  for (std::size_t i = 0; i < count; ++i) {
    lanes.values[i % kLanes] = term(i, lanes.values[i % kLanes]);
  }
  return lanes.sum();
}

float exponential_of(float x) noexcept { return exponential(One{x}).value; }

void dots(const float* query, const HeadRows& keys, float scale, float* scores) noexcept {
  for (std::size_t t = 0; t < keys.count; ++t) {
    const float* key = keys.values + t * keys.stride;
    const auto term = [&](std::size_t c, float lane) { return std::fma(query[c], key[c], lane); };
    scores[t] = sum_of(keys.width, term) * scale;
  }
}

void add_weighted(const WeightedSums& sums, const HeadRows& values) noexcept {
  for (std::size_t q = 0; q < sums.count; ++q) {
    const float* weights = sums.weights + q * sums.weight_stride;
    float* out = sums.out + q * sums.out_stride;
    for (std::size_t t = 0; t < values.count; ++t) {
      const float* row = values.values + t * values.stride;
      for (std::size_t c = 0; c < values.width; ++c) out[c] = std::fma(weights[t], row[c], out[c]);
    }
  }
}

float maximum(const float* x, std::size_t count) noexcept {
  float lanes[kLanes];
  for (float& lane : lanes) lane = -std::numeric_limits<float>::infinity();
  const auto take = [](float& lane, float other) noexcept { lane = lane < other ? other : lane; };
  for (std::size_t i = 0; i < count; ++i) take(lanes[i % kLanes], x[i]);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) take(lanes[j], lanes[j + half]);
  }
  return lanes[0];
}

void softmax(float* scores, std::size_t count) noexcept {
  const float highest = maximum(scores, count);
  for (std::size_t i = 0; i < count; ++i) scores[i] = exponential_of(scores[i] - highest);
  const float sum = sum_of(count, [&](std::size_t i, float lane) { return lane + scores[i]; });
  for (std::size_t i = 0; i < count; ++i) scores[i] /= sum;
}

void softcap(float* x, std::size_t count, float cap) noexcept {
  for (std::size_t i = 0; i < count; ++i) x[i] = cap * hyperbolic_tangent(One{x[i] / cap}).value;
}

float inverse_root(float sum_of_squares, std::size_t count, float eps) noexcept {
  return 1.0F / std::sqrt(sum_of_squares / static_cast<float>(count) + eps);
}

void rms_norm(const float* x, const float* weight, std::size_t count, float eps,
              float* out) noexcept {
  const auto square = [&](std::size_t i, float lane) { return std::fma(x[i], x[i], lane); };
  const float inverse = inverse_root(sum_of(count, square), count, eps);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = weight == nullptr ? x[i] * inverse : x[i] * inverse * weight[i];
  }
}

float affine(float y, const float* weight, const float* bias, std::size_t i) noexcept {
  if (weight != nullptr && bias != nullptr) return std::fma(y, weight[i], bias[i]);
  if (weight != nullptr) return y * weight[i];
  return bias != nullptr ? y + bias[i] : y;
}

void layer_norm(const float* x, const float* weight, const float* bias, std::size_t count,
                float eps, float* out) noexcept {
  const float sum = sum_of(count, [&](std::size_t i, float lane) { return lane + x[i]; });
  const float mean = sum / static_cast<float>(count);
  const auto square = [&](std::size_t i, float lane) {
    return std::fma(x[i] - mean, x[i] - mean, lane);
  };
  const float inverse = inverse_root(sum_of(count, square), count, eps);
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = affine((x[i] - mean) * inverse, weight, bias, i);
  }
}

float activated(Nonlinearity nonlinearity, float x) noexcept {
  switch (nonlinearity) {
    case Nonlinearity::kGelu:
      return gelu(One{x}).value;
    case Nonlinearity::kGeluTanh:
      return gelu_tanh(One{x}).value;
    case Nonlinearity::kSilu:
      return silu(One{x}).value;
    default:
      return relu(One{x}).value;
  }
}

void activate(Nonlinearity nonlinearity, float* x, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) x[i] = activated(nonlinearity, x[i]);
}

void activate_gated(Nonlinearity nonlinearity, const float* gate, const float* up,
                    std::size_t count, float* out) noexcept {
  for (std::size_t i = 0; i < count; ++i) out[i] = activated(nonlinearity, gate[i]) * up[i];
}

}  // namespace

const VectorKernels vector_scalar = {dots,     add_weighted, softmax,  softcap,
                                     rms_norm, layer_norm,   activate, activate_gated,
                                     rotate,   add,          scale};

}  // namespace meadow::kernels
