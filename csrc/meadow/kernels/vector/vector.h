// What a transformer computes on vectors of F32 between its matrix products. The scalar file is the
// specification; the others equal it bit for bit, where a NaN equals any other NaN. This header is
// read by files of every ISA: it must define no code.
//
// Every operation below is rounded on its own, to nearest even; fma(a, b, c) is rounded once.
// Denormals count. A `count` or `width` may be anything, 0 too, and nothing outside is touched.
//
// A sum has 16 lanes, as in product.h: element i goes into lane i mod 16 in the order of i, then
// lane j takes lane j + 8, for j below 8, then j + 4 below 4, j + 2 below 2, j + 1 below 1. The
// lanes are +0 at first. A maximum goes the same way from -infinity on, by lane < x ? x : lane.
#pragma once

#include <cstddef>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

// exp, tanh and phi are those of functions.h, whose operations are part of this specification.
enum class Activation {
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

// Sums of the same rows, of several queries: weights [count, weight_stride], sums [count,
// out_stride].
struct WeightedSums {
  std::size_t count;
  const float* weights;
  std::size_t weight_stride;
  float* out;
  std::size_t out_stride;
};

struct VectorKernels {
  // scores[t] = sum over c of fma(query[c], keys[t][c], lane), times scale.
  void (*dots)(const float* query, const HeadRows& keys, float scale, float* scores) noexcept;

  // out[q][c] = fma(weights[q][t], values[t][c], out[q][c]) in the order of t.
  void (*add_weighted)(const WeightedSums& sums, const HeadRows& values) noexcept;

  // e = exp(score - maximum); scores become e / sum of e. A score of -infinity becomes 0, if there
  // is a finite one; where there is a NaN or +infinity, or -infinity alone, all become NaN.
  void (*softmax)(float* scores, std::size_t count) noexcept;

  // cap * tanh(x / cap)
  void (*softcap)(float* x, std::size_t count, float cap) noexcept;

  // inverse = 1 / sqrt(sum of fma(x, x, lane) / count + eps); out = x * inverse, and then times
  // weight, if that is not null. `out` may be x.
  void (*rms_norm)(const float* x, const float* weight, std::size_t count, float eps,
                   float* out) noexcept;

  // mean = sum / count; d = x - mean; inverse = 1 / sqrt(sum of fma(d, d, lane) / count + eps);
  // y = d * inverse; out = fma(y, weight, bias), y * weight, y + bias or y, as either is null.
  // `out` may be x.
  void (*layer_norm)(const float* x, const float* weight, const float* bias, std::size_t count,
                     float eps, float* out) noexcept;

  void (*activate)(Activation activation, float* x, std::size_t count) noexcept;

  // out = activation(gate) * up. `out` may be either.
  void (*activate_gated)(Activation activation, const float* gate, const float* up,
                         std::size_t count, float* out) noexcept;

  // Turns pair i of the first `dim` floats (dim even) by an angle, with dim / 2 cosines and sines:
  // (a, b) becomes (a * cos - b * sin, b * cos + a * sin). Pair i is x[i] and x[i + dim / 2], or,
  // interleaved, x[2 i] and x[2 i + 1].
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
