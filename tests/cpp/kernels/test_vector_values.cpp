// Kernels on vectors: their values against references in F64, on every ISA.
#include "kernels/vector_material.h"
#include "meadow/kernels/vector/functions.h"
#include "meadow/kernels/vector/one.h"

using namespace meadow;
using kernels::Nonlinearity;
using kernels::One;
using kernels::VectorKernels;
using test::Floats;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kEpsilon = 0x1p-24;  // half a unit in the last place of 1

// The distance in units of the last place of the F32 nearest to `expected`.
double ulps(float found, double expected) {
  const double magnitude = std::fabs(static_cast<double>(static_cast<float>(expected)));
  if (std::isinf(magnitude)) return std::isinf(found) ? 0.0 : kInfinity;
  const int exponent = magnitude < 0x1p-126 ? -126 : std::ilogb(magnitude);
  return std::fabs(static_cast<double>(found) - expected) / std::ldexp(1.0, exponent - 23);
}

// The largest error over floats from `low` to `high`, every 401st of them.
template <typename Found, typename Expected>
double worst_ulps(float low, float high, const Found& found, const Expected& expected) {
  double worst = 0.0;
  for (std::uint64_t bits = 0; bits <= 0xFFFFFFFF; bits += 401) {
    const float x = kernels::float_of(static_cast<std::uint32_t>(bits));
    if (!(x >= low && x <= high)) continue;
    worst = std::max(worst, ulps(found(x), expected(static_cast<double>(x))));
  }
  return worst;
}

double true_gelu(double x) { return x * std::erfc(-x / std::sqrt(2.0)) / 2; }

double true_gelu_tanh(double x) {
  const double u = std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x);
  return x / (1 + std::exp(-2 * u));
}

double true_silu(double x) { return x / (1 + std::exp(-x)); }

float gelu_of(float x) { return kernels::gelu(One{x}).value; }
float gelu_tanh_of(float x) { return kernels::gelu_tanh(One{x}).value; }
float silu_of(float x) { return kernels::silu(One{x}).value; }

// `test` gets the kernels of every ISA.
template <typename Test>
void on_every_isa(const Test& test) {
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    test(kernels::vector_kernels(isa));
  }
}

Floats normal_floats(std::size_t count, unsigned seed) {
  auto random = test::generator(seed);
  return test::floats(test::Material::kNormal, count, random);
}

bool all_nan(const Floats& values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return std::isnan(x); });
}

}  // namespace

// Bounds from both sides: an error much below a bound would say that the bound tells nothing.
TEST_CASE("vector functions: exp and tanh are within about one unit of the last place") {
  const auto power = [](float x) { return kernels::exponential(One{x}).value; };
  const double worst_exp = worst_ulps(-110, 95, power, [](double x) { return std::exp(x); });
  CHECK(worst_exp > 0.7);
  CHECK(worst_exp < 0.9);
  const auto tangent = [](float x) { return kernels::hyperbolic_tangent(One{x}).value; };
  const double worst_tanh =
      worst_ulps(-1e30F, 1e30F, tangent, [](double x) { return std::tanh(x); });
  CHECK(worst_tanh > 1.0);
  CHECK(worst_tanh < 1.4);
}

TEST_CASE("vector functions: nonlinearities are within a few units of the last place") {
  const auto within = [](double bound, double worst) {
    CHECK(worst < bound);
    CHECK(worst > bound / 2);
  };
  within(1.9, worst_ulps(0, 1e30F, gelu_of, true_gelu));
  within(4.2, worst_ulps(-1, 0, gelu_of, true_gelu));
  within(6, worst_ulps(-13, -1, gelu_of, true_gelu));
  within(1.9, worst_ulps(0, 1e10F, gelu_tanh_of, true_gelu_tanh));
  within(3.1, worst_ulps(-1, 0, gelu_tanh_of, true_gelu_tanh));
  within(33, worst_ulps(-5, -1, gelu_tanh_of, true_gelu_tanh));
  within(1.6, worst_ulps(0, 1e30F, silu_of, true_silu));
  within(3.5, worst_ulps(-80, 0, silu_of, true_silu));
}

TEST_CASE("vector functions: special values") {
  const auto power = [](float x) { return kernels::exponential(One{x}).value; };
  CHECK(power(0.0F) == 1.0F);
  CHECK(power(-0.0F) == 1.0F);
  CHECK(power(kInfinity) == kInfinity);
  CHECK(power(-kInfinity) == 0.0F);
  CHECK(std::isnan(power(kNan)));
  CHECK(power(-103.5F) > 0.0F);
  CHECK(power(88.72F) < kInfinity);
  for (const float x : {0.0F, -0.0F, 0x1p-149F, -0x1p-130F}) {
    CHECK(test::same_bits(kernels::hyperbolic_tangent(One{x}).value, x));
    CHECK(std::signbit(gelu_of(x)) == std::signbit(x));
  }
  CHECK(kernels::hyperbolic_tangent(One{-kInfinity}).value == -1.0F);
  for (const auto nonlinearity : {gelu_of, gelu_tanh_of, silu_of}) {
    CHECK(nonlinearity(kInfinity) == kInfinity);
    CHECK(nonlinearity(-1e30F) == 0.0F);
    CHECK(std::isnan(nonlinearity(-kInfinity)));  // -infinity * 0, as in PyTorch
    CHECK(std::isnan(nonlinearity(kNan)));
  }
}

TEST_CASE("vector: softmax against F64, masked scores, and what has no answer") {
  on_every_isa([](const VectorKernels& kernel) {
    for (const std::size_t count : {1U, 15U, 17U, 100U, 5000U}) {
      Floats scores = normal_floats(count, 3);
      if (count > 2) scores[count / 2] = -kInfinity;
      const float highest = *std::max_element(scores.begin(), scores.end());
      double sum = 0.0;
      for (const float x : scores) sum += std::exp(static_cast<double>(x) - highest);
      Floats found = scores;
      kernel.softmax(found.data(), count);
      for (std::size_t i = 0; i < count; ++i) {
        const double expected = std::exp(static_cast<double>(scores[i]) - highest) / sum;
        // The difference of a score and the highest is rounded, which exp multiplies by it.
        REQUIRE(std::fabs(found[i] - expected) <= expected * 50 * kEpsilon);
        if (std::isinf(scores[i])) REQUIRE(test::same_bits(found[i], 0.0F));
      }
    }
    for (const float bad : {kNan, kInfinity}) {
      Floats scores = normal_floats(40, 4);
      scores[37] = bad;
      kernel.softmax(scores.data(), scores.size());
      REQUIRE(all_nan(scores));
    }
    Floats masked(20, -kInfinity);
    kernel.softmax(masked.data(), masked.size());
    REQUIRE(all_nan(masked));
    Floats far = {-1e30F, 1e30F, 1e30F};
    kernel.softmax(far.data(), far.size());
    REQUIRE(far == Floats{0.0F, 0.5F, 0.5F});
  });
}

TEST_CASE("vector: norms against F64") {
  on_every_isa([](const VectorKernels& kernel) {
    for (const std::size_t count : {1U, 16U, 50U, 2048U}) {
      Floats x = normal_floats(count, 5);
      for (float& value : x) value += 1.5F;
      const Floats weight = normal_floats(count, 6);
      const Floats bias = normal_floats(count, 7);
      double sum = 0.0;
      double squares = 0.0;
      for (const float value : x) sum += value;
      const double mean = sum / static_cast<double>(count);
      for (const float value : x) squares += std::pow(value - mean, 2);
      const double deviation = std::sqrt(squares / static_cast<double>(count) + 1e-5);
      const double root = std::sqrt(squares / static_cast<double>(count) + mean * mean + 1e-5);
      Floats layer(count);
      Floats rms(count);
      kernel.layer_norm(x.data(), weight.data(), bias.data(), count, 1e-5F, layer.data());
      kernel.rms_norm(x.data(), weight.data(), count, 1e-5F, rms.data());
      for (std::size_t i = 0; i < count; ++i) {
        const double scaled = (x[i] - mean) / deviation * weight[i];
        REQUIRE(layer[i] == doctest::Approx(scaled + bias[i]).epsilon(1e-5).scale(1));
        REQUIRE(rms[i] == doctest::Approx(x[i] / root * weight[i]).epsilon(1e-6).scale(0.01));
      }
    }
  });
}

TEST_CASE("vector: attention of one head against F64") {
  on_every_isa([](const VectorKernels& kernel) {
    constexpr std::size_t kCount = 37;
    constexpr std::size_t kWidth = 80;
    constexpr std::size_t kStride = 3 * kWidth;
    const Floats query = normal_floats(kWidth, 8);
    const Floats rows = normal_floats(kCount * kStride, 9);
    const kernels::HeadRows head = {rows.data(), kStride, kCount, kWidth};
    Floats scores(kCount);
    kernel.dots(query.data(), head, 0.25F, scores.data());
    Floats out(kWidth, 0.0F);
    kernel.add_weighted({1, scores.data(), 0, out.data(), 0}, head);
    for (std::size_t t = 0; t < kCount; ++t) {
      double expected = 0.0;
      for (std::size_t c = 0; c < kWidth; ++c) {
        expected += static_cast<double>(query[c]) * rows[t * kStride + c] * 0.25;
      }
      REQUIRE(scores[t] == doctest::Approx(expected).epsilon(1e-6).scale(10));
    }
    for (std::size_t c = 0; c < kWidth; ++c) {
      double expected = 0.0;
      for (std::size_t t = 0; t < kCount; ++t) {
        expected += static_cast<double>(scores[t]) * rows[t * kStride + c];
      }
      REQUIRE(out[c] == doctest::Approx(expected).epsilon(1e-6).scale(100));
    }
  });
}

TEST_CASE("vector: rotary embedding of halves and of neighbours turns pairs") {
  on_every_isa([](const VectorKernels& kernel) {
    constexpr std::size_t kDim = 24;
    const Floats x = normal_floats(kDim + 5, 10);
    Floats cosines;
    Floats sines;
    for (std::size_t i = 0; i < kDim / 2; ++i) {
      cosines.push_back(std::cos(0.3F * static_cast<float>(i)));
      sines.push_back(std::sin(0.3F * static_cast<float>(i)));
    }
    for (const bool interleaved : {false, true}) {
      Floats turned = x;
      kernel.rotate(turned.data(), cosines.data(), sines.data(), kDim, interleaved);
      for (std::size_t i = 0; i < kDim / 2; ++i) {
        const std::size_t a = interleaved ? 2 * i : i;
        const std::size_t b = interleaved ? 2 * i + 1 : i + kDim / 2;
        const double angle = 0.3 * static_cast<double>(i);
        REQUIRE(turned[a] == doctest::Approx(x[a] * std::cos(angle) - x[b] * std::sin(angle)));
        REQUIRE(turned[b] == doctest::Approx(x[b] * std::cos(angle) + x[a] * std::sin(angle)));
      }
      for (std::size_t i = kDim; i < x.size(); ++i) REQUIRE(turned[i] == x[i]);
    }
  });
}

TEST_CASE("vector: softcap, gates, sums and scaling") {
  on_every_isa([](const VectorKernels& kernel) {
    const Floats x = normal_floats(67, 11);
    const Floats y = normal_floats(67, 12);
    Floats capped = x;
    kernel.softcap(capped.data(), capped.size(), 3.0F);
    Floats sum = x;
    kernel.add(sum.data(), y.data(), sum.size());
    Floats scaled = x;
    kernel.scale(scaled.data(), scaled.size(), -2.5F);
    Floats gated(x.size());
    kernel.activate_gated(Nonlinearity::kSilu, x.data(), y.data(), x.size(), gated.data());
    Floats positive = x;
    positive[0] = kNan;
    kernel.activate(Nonlinearity::kRelu, positive.data(), positive.size());
    REQUIRE(std::isnan(positive[0]));
    for (std::size_t i = 0; i < x.size(); ++i) {
      REQUIRE(ulps(capped[i], 3 * std::tanh(static_cast<double>(x[i]) / 3)) < 4);
      REQUIRE(sum[i] == x[i] + y[i]);
      REQUIRE(scaled[i] == x[i] * -2.5F);
      REQUIRE(ulps(gated[i], true_silu(x[i]) * y[i]) < 4);
      if (i > 0) REQUIRE(positive[i] == std::max(x[i], 0.0F));
    }
  });
}
