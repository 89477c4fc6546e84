// The operations of a transformer on vectors of F32 between its matrix products. The scalar file is
// the specification; the others equal it bit for bit, where a NaN equals any other NaN. This header
// is included by files of every ISA: it must define no code.
//
// Every operation below is rounded on its own, to nearest even; fma(a, b, c) is rounded once.
// Denormals are kept. A `count` or `width` may be any number, including 0, and nothing outside is
// touched.
//
// A sum has 16 lanes, as in product.h: element i is added to lane i mod 16 in the order of i; then
// lane j + 8 is added to lane j for j below 8, lane j + 4 for j below 4, lane j + 2 for j below 2,
// and lane 1 to lane 0. The lanes are +0 at first. A maximum is computed in the same order,
// starting from -infinity, by lane < x ? x : lane.
#pragma once

#include <cstddef>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

// exp, tanh and phi are those of functions.h, whose operations are part of this specification.
enum class Nonlinearity {
  kRelu,      // x < 0 ? 0 : x
  kGelu,      // x * phi(x), phi the distribution function of the normal distribution
  kGeluTanh,  // x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2
  kSilu,      // x / (1 + exp(-x))
};

// Rows of `width` floats, `stride` floats from one to the next: the keys or values of one head.
struct HeadRows {
  const float* values;
  std::size_t stride;
  std::size_t count;
  std::size_t width;
};

// Weighted sums of the same rows for several queries: weights [count, weight_stride], sums [count,
// out_stride].
struct WeightedSums {
  std::size_t count;
  const float* weights;
  std::size_t weight_stride;
  float* out;
  std::size_t out_stride;
};

struct VectorKernels {
  // scores[t] = (sum over c of fma(query[c], keys[t][c], lane)) * scale.
  void (*dots)(const float* query, const HeadRows& keys, float scale, float* scores) noexcept;

  // out[q][c] = fma(weights[q][t], values[t][c], out[q][c]) in the order of t.
  void (*add_weighted)(const WeightedSums& sums, const HeadRows& values) noexcept;

  // e = exp(score - maximum); scores become e / sum of e. A score of -infinity becomes 0 if there
  // is a finite one. If there is a NaN or +infinity, or only -infinity, all become NaN.
  void (*softmax)(float* scores, std::size_t count) noexcept;

  // cap * tanh(x / cap)
  void (*softcap)(float* x, std::size_t count, float cap) noexcept;

  // inverse = 1 / sqrt(sum of fma(x, x, lane) / count + eps); out = x * inverse, then times weight
  // unless that is null. `out` may be x.
  void (*rms_norm)(const float* x, const float* weight, std::size_t count, float eps,
                   float* out) noexcept;

  // mean = sum / count; d = x - mean; inverse = 1 / sqrt(sum of fma(d, d, lane) / count + eps);
  // y = d * inverse; out = fma(y, weight, bias), or y * weight, y + bias or y if one or both are
  // null. `out` may be x.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, std::size_t count,
                     float eps, float* out) noexcept;

  void (*activate)(Nonlinearity nonlinearity, float* x, std::size_t count) noexcept;

  // out = nonlinearity(gate) * up. `out` may be either.
  void (*activate_gated)(Nonlinearity nonlinearity, const float* gate, const float* up,
                         std::size_t count, float* out) noexcept;

  // Rotates pair i of the first `dim` floats (dim even) by an angle, given dim / 2 cosines and
  // sines: (a, b) becomes (a * cos - b * sin, b * cos + a * sin). Pair i is x[i] and x[i + dim /
  // 2], or, if interleaved, x[2 i] and x[2 i + 1].
  void (*rotate)(float* x, const float* cosines, const float* sines, std::size_t dim,
                 bool interleaved) noexcept;

  // x += y: a residual, a bias.
  void (*add)(float* x, const float* y, std::size_t count) noexcept;

  // x *= factor
  void (*scale)(float* x, std::size_t count, float factor) noexcept;
};

const VectorKernels& vector_kernels(Isa isa) noexcept;

extern const VectorKernels vector_scalar;
extern const VectorKernels vector_avx2;
extern const VectorKernels vector_avx512;
extern const VectorKernels vector_neon;

}  // namespace meadow::kernels
