// exp, tanh, the normal distribution and the nonlinearities made of them, written once over a type
// V of one or many floats, which the files of the ISAs choose. Everything is in an anonymous
// namespace, so that each file has its own copy. The operations and their order are part of the
// specification.
//
// The coefficients minimise the largest relative error; they come from the exchange algorithm in 50
// digits and were rounded to F32 one by one from the constant term on, the rest fitted again each
// time.
//
// The largest errors over all floats of a range, in units in the last place (ulp):
//   exponential         0.87
//   hyperbolic_tangent  1.38
//   gelu                1.82 from 0 on, 4.1 from -1, 5.9 from -13
//   gelu_tanh           1.86 from 0 on, 3.1 from -1, 33 from -5
//   silu                1.50 from 0 on, 3.4 from -80
// Below 0 exp magnifies the error of its argument, but no nonlinearity is off by more than 6e-8
// there.
#pragma once

#include <cstddef>

#include "meadow/kernels/vector/vector.h"

namespace meadow::kernels {
namespace {

// Horner's scheme, the coefficient of the highest power first.
template <typename V, std::size_t count>
[[gnu::always_inline]] inline V polynomial(V x, const float (&coefficients)[count]) noexcept {
  V value = V::all(coefficients[0]);
  for (std::size_t i = 1; i < count; ++i) value = V::fma(value, x, V::all(coefficients[i]));
  return value;
}

// x = n * ln(2) + r with |r| below 0.3466, exp(x) = 2^n * (1 + r + r^2 * p(r)); the error before
// rounding is 2^-31.1. Adding 1.5 * 2^23 rounds to a whole n and leaves it in the low bits. In
// ln(2) = high + low, high has 15 bits, so that n * high and x - n * high are exact. 2^n is applied
// as two factors, because n may be 128, or -150, where exp(x) is a denormal or 0. NaN stays NaN:
// comparisons with it are false.
template <typename V>
[[gnu::always_inline]] inline V exponential(V x) noexcept {
  constexpr float kLowest = -104.0F;  // below the logarithm of 2^-150, half the smallest denormal
  constexpr float kHighest = 89.0F;   // above the logarithm of 2^128
  constexpr float kInverse = 0x1.715476p0F;
  constexpr float kRound = 0x1.8p23F;
  constexpr float kHigh = 0x1.62e4p-1F;
  constexpr float kLow = 0x1.7f7d1cp-20F;
  constexpr float kPowers[] = {0x1.6b8874p-13F,
                               0x1.6d4064p-10F,
                               0x1.11371ep-7F,
                               0x1.5554f2p-5F,
                               0x1.55553cp-3F,
                               0.5F,
                               1.0F,
                               1.0F};
  x = V::choose(V::less(x, V::all(kLowest)), V::all(kLowest), x);
  x = V::choose(V::less(V::all(kHighest), x), V::all(kHighest), x);
  const V shifted = V::fma(x, V::all(kInverse), V::all(kRound));
  const V n = V::subtract(shifted, V::all(kRound));
  const V r = V::fma(n, V::all(-kLow), V::fma(n, V::all(-kHigh), x));
  return V::times_power(polynomial(r, kPowers), shifted);
}

// With x = |x|: below 0.625, x + x^3 * p(x^2), with an error of 2^-32.4 before rounding; otherwise
// 1 - 2 / (exp(2 x) + 1).
template <typename V>
[[gnu::always_inline]] inline V hyperbolic_tangent(V x) noexcept {
  constexpr float kPowers[] = {0x1.1a2814p-9F,  -0x1.0c5ed0p-7F, 0x1.63a550p-6F,
                               -0x1.b9f188p-5F, 0x1.11107ap-3F,  -0x1.555554p-2F};
  const V magnitude = V::magnitude(x);
  const V square = V::multiply(magnitude, magnitude);
  const V cube = V::multiply(magnitude, square);
  const V small = V::fma(cube, polynomial(square, kPowers), magnitude);
  const V power = exponential(V::add(magnitude, magnitude));
  const V quotient = V::divide(V::all(2.0F), V::add(power, V::all(1.0F)));
  const V large = V::subtract(V::all(1.0F), quotient);
  return V::with_sign(V::choose(V::less(magnitude, V::all(0.625F)), small, large), x);
}

// The share of a normal distribution above a: exp(-a^2 / 2) * t * p(t) with t = 1 / (a + 2.5). The
// error before rounding is 2^-28.1 for a from 0.74 to 15, where the share is half the smallest
// float. With the rounded square s, exp(-s / 2) lacks a factor of exp(-(a^2 - s) / 2).
template <typename V>
[[gnu::always_inline]] inline V normal_tail(V a) noexcept {
  constexpr float kPowers[] = {0x1.34238cp+8F, -0x1.5960c8p+9F, 0x1.2f2eb2p+9F, -0x1.e4f964p+7F,
                               0x1.10295cp+5F, -0x1.ceac88p+1F, 0x1.d89838p+1F, 0x1.091876p+1F,
                               0x1.feffa6p-1F, 0x1.988208p-2F};
  a = V::choose(V::less(V::all(15.0F), a), V::all(15.0F), a);
  const V t = V::divide(V::all(1.0F), V::add(a, V::all(2.5F)));
  const V square = V::multiply(a, a);
  const V missing = V::fma(a, a, V::negative(square));
  const V power = exponential(V::multiply(square, V::all(-0.5F)));
  const V exact = V::fma(V::multiply(missing, V::all(-0.5F)), power, power);
  return V::multiply(V::multiply(t, polynomial(t, kPowers)), exact);
}

// x times the share below x. For |x| below 0.75 the share is 1/2 + x * p(x^2), with an error of
// 2^-28.1 before rounding.
template <typename V>
[[gnu::always_inline]] inline V gelu(V x) noexcept {
  constexpr float kPowers[] = {0x1.9c75c8p-14F, -0x1.34219ep-10F, 0x1.46b132p-7F, -0x1.1057b6p-4F,
                               0x1.988452p-2F};
  const V magnitude = V::magnitude(x);
  const V center = V::fma(x, polynomial(V::multiply(x, x), kPowers), V::all(0.5F));
  const V tail = normal_tail(magnitude);
  const V outer = V::choose(V::less(x, V::all(0.0F)), tail, V::subtract(V::all(1.0F), tail));
  return V::multiply(x, V::choose(V::less(magnitude, V::all(0.75F)), center, outer));
}

// x / (1 + exp(-z)), computed only with powers of negative exponents.
template <typename V>
[[gnu::always_inline]] inline V times_logistic(V x, V z) noexcept {
  const V power = exponential(V::negative(V::magnitude(z)));
  const V scaled = V::choose(V::less(z, V::all(0.0F)), V::multiply(x, power), x);
  return V::divide(scaled, V::add(power, V::all(1.0F)));
}

// (1 + tanh(u)) / 2 = 1 / (1 + exp(-2 u)); 2 u = x * (k + 0.044715 k x^2), k = 2 sqrt(2 / pi).
template <typename V>
[[gnu::always_inline]] inline V gelu_tanh(V x) noexcept {
  constexpr float kLinear = 1.5957691216057308F;
  constexpr float kCubic = 0.07135481627159825F;
  const V square = V::multiply(x, x);
  const V twice = V::multiply(x, V::fma(square, V::all(kCubic), V::all(kLinear)));
  return times_logistic(x, twice);
}

template <typename V>
[[gnu::always_inline]] inline V silu(V x) noexcept {
  return times_logistic(x, x);
}

template <typename V>
[[gnu::always_inline]] inline V relu(V x) noexcept {
  return V::choose(V::less(x, V::all(0.0F)), V::all(0.0F), x);
}

}  // namespace
}  // namespace meadow::kernels
