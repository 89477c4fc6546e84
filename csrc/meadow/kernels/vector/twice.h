// Two registers R as one with twice the floats. In an anonymous namespace, like all code that files
// of several ISAs compile.
#pragma once

#include <cstddef>

namespace meadow::kernels {
namespace {

template <typename R>
struct Twice {
  struct Mask {
    typename R::Mask low;
    typename R::Mask high;
  };

  static constexpr std::size_t kWidth = 2 * R::kWidth;
  static constexpr std::size_t kRows = R::kRows;
  static constexpr std::size_t kColumns = R::kColumns;

  R low;
  R high;

  [[gnu::always_inline]] static Twice all(float x) noexcept { return {R::all(x), R::all(x)}; }
  [[gnu::always_inline]] static Twice add(Twice a, Twice b) noexcept {
    return {R::add(a.low, b.low), R::add(a.high, b.high)};
  }
  [[gnu::always_inline]] static Twice subtract(Twice a, Twice b) noexcept {
    return {R::subtract(a.low, b.low), R::subtract(a.high, b.high)};
  }
  [[gnu::always_inline]] static Twice multiply(Twice a, Twice b) noexcept {
    return {R::multiply(a.low, b.low), R::multiply(a.high, b.high)};
  }
  [[gnu::always_inline]] static Twice divide(Twice a, Twice b) noexcept {
    return {R::divide(a.low, b.low), R::divide(a.high, b.high)};
  }
  [[gnu::always_inline]] static Twice fma(Twice a, Twice b, Twice c) noexcept {
    return {R::fma(a.low, b.low, c.low), R::fma(a.high, b.high, c.high)};
  }
  [[gnu::always_inline]] static Mask less(Twice a, Twice b) noexcept {
    return {R::less(a.low, b.low), R::less(a.high, b.high)};
  }
  [[gnu::always_inline]] static Twice choose(Mask first, Twice a, Twice b) noexcept {
    return {R::choose(first.low, a.low, b.low), R::choose(first.high, a.high, b.high)};
  }
  [[gnu::always_inline]] static Twice negative(Twice x) noexcept {
    return {R::negative(x.low), R::negative(x.high)};
  }
  [[gnu::always_inline]] static Twice magnitude(Twice x) noexcept {
    return {R::magnitude(x.low), R::magnitude(x.high)};
  }
  [[gnu::always_inline]] static Twice with_sign(Twice x, Twice sign) noexcept {
    return {R::with_sign(x.low, sign.low), R::with_sign(x.high, sign.high)};
  }
  [[gnu::always_inline]] static Twice times_power(Twice x, Twice shifted) noexcept {
    return {R::times_power(x.low, shifted.low), R::times_power(x.high, shifted.high)};
  }
  [[gnu::always_inline]] static Twice load(const float* from) noexcept {
    return {R::load(from), R::load(from + R::kWidth)};
  }
  [[gnu::always_inline]] void store(float* to) const noexcept {
    low.store(to);
    high.store(to + R::kWidth);
  }

  // The first `count` floats, 1 to kWidth - 1, followed by `fill`; and the inverse.
  static Twice load_first(const float* from, std::size_t count, Twice fill) noexcept {
    if (count < R::kWidth) return {R::load_first(from, count, fill.low), fill.high};
    if (count == R::kWidth) return {R::load(from), fill.high};
    return {R::load(from), R::load_first(from + R::kWidth, count - R::kWidth, fill.high)};
  }
  void store_first(float* to, std::size_t count) const noexcept {
    if (count < R::kWidth) return low.store_first(to, count);
    low.store(to);
    if (count > R::kWidth) high.store_first(to + R::kWidth, count - R::kWidth);
  }

  static float root(float x) noexcept { return R::root(x); }

  // Adds lane j + kWidth / 2 to lane j, and so on down to one lane.
  [[nodiscard, gnu::always_inline]] float sum() const noexcept { return R::add(low, high).sum(); }
  [[gnu::always_inline]] static void sums(const Twice (&lanes)[kRows], float* out) noexcept {
    R halves[kRows];
    for (std::size_t r = 0; r < kRows; ++r) halves[r] = R::add(lanes[r].low, lanes[r].high);
    R::sums(halves, out);
  }
};

}  // namespace
}  // namespace meadow::kernels
