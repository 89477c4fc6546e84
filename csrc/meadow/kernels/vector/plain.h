// The functions that need no fused operation, as plain loops: the scalar file compiles them one
// element at a time, and the files of the ISAs let the compiler vectorise them. Everything is in an
// anonymous namespace, so that each file has its own copy.
#pragma once

#include <cstddef>

namespace meadow::kernels {
namespace {

void rotate_pair(float* a, float* b, float cosine, float sine) noexcept {
  const float first = *a * cosine - *b * sine;
  *b = *b * cosine + *a * sine;
  *a = first;
}

void rotate(float* x, const float* cosines, const float* sines, std::size_t dim,
            bool interleaved) noexcept {
  const std::size_t half = dim / 2;
  if (interleaved) {
    for (std::size_t i = 0; i < half; ++i) {
      rotate_pair(x + 2 * i, x + 2 * i + 1, cosines[i], sines[i]);
    }
  } else {
    for (std::size_t i = 0; i < half; ++i) rotate_pair(x + i, x + half + i, cosines[i], sines[i]);
  }
}

void add(float* x, const float* y, std::size_t count) noexcept {
  for (std::size_t i = 0; i < count; ++i) x[i] += y[i];
}

void scale(float* x, std::size_t count, float factor) noexcept {
  for (std::size_t i = 0; i < count; ++i) x[i] *= factor;
}

}  // namespace
}  // namespace meadow::kernels
