// The family over a type V of 16 floats, for the files of the ISAs. Twice makes V from registers R
// of fewer floats. Everything is in an anonymous namespace, so that each file has its own copy.
#pragma once

#include <cstddef>

#include "meadow/kernels/vector/functions.h"
#include "meadow/kernels/vector/vector.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kLanes = 16;
constexpr float kInfinity = __builtin_inff();

template <typename V>
[[gnu::always_inline]] inline V load_up_to(const float* from, std::size_t left, V fill) noexcept {
  return left >= kLanes ? V::load(from) : V::load_first(from, left, fill);
}

template <typename V>
[[gnu::always_inline]] inline void store_up_to(V value, float* to, std::size_t left) noexcept {
  if (left >= kLanes) {
    value.store(to);
  } else {
    value.store_first(to, left);
  }
}

// out[i] = change(x[i], i), 16 at a time; `change` gets the index of the first and the number left.
template <typename V, typename Change>
void transform(const float* x, std::size_t count, float* out, const Change& change) noexcept {
  for (std::size_t i = 0; i < count; i += kLanes) {
    const V value = load_up_to(x + i, count - i, V::all(0.0F));
    store_up_to(change(value, i, count - i), out + i, count - i);
  }
}

// Padding is -0, which changes no lane when it is added: x + -0 is x, even for x = -0.
template <typename V>
float sum_of(const float* x, std::size_t count) noexcept {
  V lanes = V::all(0.0F);
  for (std::size_t i = 0; i < count; i += kLanes) {
    lanes = V::add(lanes, load_up_to(x + i, count - i, V::all(-0.0F)));
  }
  return lanes.sum();
}

// The sum of squares of the distances to `center`. Past the last one the distance is 0 and its
// square +0, which changes no lane, because lanes are never -0 here.
template <typename V>
float sum_of_squares(const float* x, std::size_t count, float center) noexcept {
  V lanes = V::all(0.0F);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const V value = load_up_to(x + i, count - i, V::all(center));
    const V distance = V::subtract(value, V::all(center));
    lanes = V::fma(distance, distance, lanes);
  }
  return lanes.sum();
}

template <typename V>
float maximum_of(const float* x, std::size_t count) noexcept {
  V lanes = V::all(-kInfinity);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const V value = load_up_to(x + i, count - i, V::all(-kInfinity));
    lanes = V::choose(V::less(lanes, value), value, lanes);
  }
  float values[kLanes];
  lanes.store(values);
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) {
      values[j] = values[j] < values[j + half] ? values[j + half] : values[j];
    }
  }
  return values[0];
}

// The dot products of V::kRows keys. Past the last column 0 * -0 = -0 is added, which changes no
// lane.
template <typename V>
void dots_of_rows(const float* query, const HeadRows& keys, std::size_t first,
                  float* sums) noexcept {
  const float* row = keys.values + first * keys.stride;
  V lanes[V::kRows];
  for (V& lane : lanes) lane = V::all(0.0F);
  std::size_t c = 0;
  for (; c + kLanes <= keys.width; c += kLanes) {
    const V x = V::load(query + c);
    for (std::size_t r = 0; r < V::kRows; ++r) {
      lanes[r] = V::fma(x, V::load(row + r * keys.stride + c), lanes[r]);
    }
  }
  if (c < keys.width) {
    const std::size_t left = keys.width - c;
    const V x = V::load_first(query + c, left, V::all(0.0F));
    for (std::size_t r = 0; r < V::kRows; ++r) {
      const V key = V::load_first(row + r * keys.stride + c, left, V::all(-0.0F));
      lanes[r] = V::fma(x, key, lanes[r]);
    }
  }
  V::sums(lanes, sums);
}

template <typename V>
float dot(const float* query, const float* key, std::size_t width) noexcept {
  V lanes = V::all(0.0F);
  for (std::size_t c = 0; c < width; c += kLanes) {
    const V x = load_up_to(query + c, width - c, V::all(0.0F));
    lanes = V::fma(x, load_up_to(key + c, width - c, V::all(-0.0F)), lanes);
  }
  return lanes.sum();
}

template <typename V>
void dots(const float* query, const HeadRows& keys, float scale, float* scores) noexcept {
  std::size_t t = 0;
  for (; t + V::kRows <= keys.count; t += V::kRows) {
    dots_of_rows<V>(query, keys, t, scores + t);
    for (std::size_t r = 0; r < V::kRows; ++r) scores[t + r] *= scale;
  }
  for (; t < keys.count; ++t) {
    scores[t] = dot<V>(query, keys.values + t * keys.stride, keys.width) * scale;
  }
}

// `Size` neighbouring V of `Queries` sums stay in registers: rows are loaded once for all of them.
template <typename V, std::size_t Size, std::size_t Queries>
void add_weighted_block(const WeightedSums& sums, std::size_t query, const HeadRows& values,
                        std::size_t column) noexcept {
  const float* weights = sums.weights + query * sums.weight_stride;
  float* out = sums.out + query * sums.out_stride + column;
  V block[Queries][Size];
  for (std::size_t q = 0; q < Queries; ++q) {
    for (std::size_t i = 0; i < Size; ++i) {
      block[q][i] = V::load(out + q * sums.out_stride + i * kLanes);
    }
  }
  const float* row = values.values + column;
  for (std::size_t t = 0; t < values.count; ++t, row += values.stride) {
    V loaded[Size];
    for (std::size_t i = 0; i < Size; ++i) loaded[i] = V::load(row + i * kLanes);
    for (std::size_t q = 0; q < Queries; ++q) {
      const V weight = V::all(weights[q * sums.weight_stride + t]);
      for (std::size_t i = 0; i < Size; ++i) {
        block[q][i] = V::fma(weight, loaded[i], block[q][i]);
      }
    }
  }
  for (std::size_t q = 0; q < Queries; ++q) {
    for (std::size_t i = 0; i < Size; ++i) {
      block[q][i].store(out + q * sums.out_stride + i * kLanes);
    }
  }
}

// The columns left after whole V.
template <typename V>
void add_weighted_last(const WeightedSums& sums, std::size_t query, const HeadRows& values,
                       std::size_t column) noexcept {
  const float* weights = sums.weights + query * sums.weight_stride;
  float* out = sums.out + query * sums.out_stride + column;
  const std::size_t count = values.width - column;
  V sum = V::load_first(out, count, V::all(0.0F));
  for (std::size_t t = 0; t < values.count; ++t) {
    const float* from = values.values + t * values.stride + column;
    sum = V::fma(V::all(weights[t]), V::load_first(from, count, V::all(0.0F)), sum);
  }
  sum.store_first(out, count);
}

template <typename V, std::size_t Queries>
void add_weighted_queries(const WeightedSums& sums, std::size_t query,
                          const HeadRows& values) noexcept {
  // The same number of sums in registers for any number of queries.
  constexpr std::size_t kSize = V::kColumns / kLanes / Queries;
  std::size_t c = 0;
  for (; c + kSize * kLanes <= values.width; c += kSize * kLanes) {
    add_weighted_block<V, kSize, Queries>(sums, query, values, c);
  }
  for (; c + kLanes <= values.width; c += kLanes) {
    add_weighted_block<V, 1, Queries>(sums, query, values, c);
  }
  for (std::size_t q = 0; c < values.width && q < Queries; ++q) {
    add_weighted_last<V>(sums, query + q, values, c);
  }
}

template <typename V>
void add_weighted(const WeightedSums& sums, const HeadRows& values) noexcept {
  constexpr std::size_t kQueries = V::kColumns / kLanes < 4 ? V::kColumns / kLanes : 4;
  std::size_t q = 0;
  for (; q + kQueries <= sums.count; q += kQueries) {
    add_weighted_queries<V, kQueries>(sums, q, values);
  }
  for (; q < sums.count; ++q) add_weighted_queries<V, 1>(sums, q, values);
}

// The last score is followed by -infinity, whose power is 0, or NaN if all powers are.
template <typename V>
void softmax(float* scores, std::size_t count) noexcept {
  const V highest = V::all(maximum_of<V>(scores, count));
  V lanes = V::all(0.0F);
  for (std::size_t i = 0; i < count; i += kLanes) {
    const V score = load_up_to(scores + i, count - i, V::all(-kInfinity));
    const V power = exponential(V::subtract(score, highest));
    store_up_to(power, scores + i, count - i);
    lanes = V::add(lanes, power);
  }
  const V sum = V::all(lanes.sum());
  transform<V>(scores, count, scores,
               [sum](V x, std::size_t, std::size_t) noexcept { return V::divide(x, sum); });
}

template <typename V>
void softcap(float* x, std::size_t count, float cap) noexcept {
  const V cap_lanes = V::all(cap);
  transform<V>(x, count, x, [cap_lanes](V value, std::size_t, std::size_t) noexcept {
    return V::multiply(cap_lanes, hyperbolic_tangent(V::divide(value, cap_lanes)));
  });
}

template <typename V>
V inverse_root(float sum_of_squares, std::size_t count, float eps) noexcept {
  return V::all(1.0F / V::root(sum_of_squares / static_cast<float>(count) + eps));
}

template <typename V>
[[gnu::always_inline]] inline V affine(V y, const float* weight, const float* bias, std::size_t i,
                                       std::size_t left) noexcept {
  const V zero = V::all(0.0F);
  if (weight != nullptr && bias != nullptr) {
    return V::fma(y, load_up_to(weight + i, left, zero), load_up_to(bias + i, left, zero));
  }
  if (weight != nullptr) return V::multiply(y, load_up_to(weight + i, left, zero));
  return bias != nullptr ? V::add(y, load_up_to(bias + i, left, zero)) : y;
}

template <typename V>
void rms_norm(const float* x, const float* weight, std::size_t count, float eps,
              float* out) noexcept {
  const V inverse = inverse_root<V>(sum_of_squares<V>(x, count, 0.0F), count, eps);
  transform<V>(x, count, out, [=](V value, std::size_t i, std::size_t left) noexcept {
    return affine(V::multiply(value, inverse), weight, nullptr, i, left);
  });
}

template <typename V>
void layer_norm(const float* x, const float* weight, const float* bias, std::size_t count,
                float eps, float* out) noexcept {
  const float mean = sum_of<V>(x, count) / static_cast<float>(count);
  const V center = V::all(mean);
  const V inverse = inverse_root<V>(sum_of_squares<V>(x, count, mean), count, eps);
  transform<V>(x, count, out, [=](V value, std::size_t i, std::size_t left) noexcept {
    return affine(V::multiply(V::subtract(value, center), inverse), weight, bias, i, left);
  });
}

// Calls `run` with a function that computes the nonlinearity of a V.
template <typename V, typename Run>
void with_nonlinearity(Nonlinearity nonlinearity, const Run& run) noexcept {
  switch (nonlinearity) {
    case Nonlinearity::kGelu:
      return run([](V x) noexcept { return gelu(x); });
    case Nonlinearity::kGeluTanh:
      return run([](V x) noexcept { return gelu_tanh(x); });
    case Nonlinearity::kSilu:
      return run([](V x) noexcept { return silu(x); });
    default:
      return run([](V x) noexcept { return relu(x); });
  }
}

template <typename V>
void activate(Nonlinearity nonlinearity, float* x, std::size_t count) noexcept {
  with_nonlinearity<V>(nonlinearity, [=](const auto& activated) noexcept {
    transform<V>(x, count, x,
                 [&](V value, std::size_t, std::size_t) noexcept { return activated(value); });
  });
}

template <typename V>
void activate_gated(Nonlinearity nonlinearity, const float* gate, const float* up,
                    std::size_t count, float* out) noexcept {
  with_nonlinearity<V>(nonlinearity, [=](const auto& activated) noexcept {
    transform<V>(gate, count, out, [&](V value, std::size_t i, std::size_t left) noexcept {
      return V::multiply(activated(value), load_up_to(up + i, left, V::all(0.0F)));
    });
  });
}

}  // namespace
}  // namespace meadow::kernels
