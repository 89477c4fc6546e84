#include "meadow/number/quantize.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include <cfenv>
#include <cmath>
#include <limits>

#include "support.h"

using namespace meadow;

namespace {

struct Result {
  std::vector<std::uint8_t> codes;
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  kernels::SquareSums sums;
};

Result run(const Weight& weight, const QuantizeSpec& spec, unsigned threads = 1) {
  Result result;
  result.codes.resize(weight.rows * weight.columns);
  result.scales.resize(scale_count(weight, spec));
  if (!spec.symmetric) result.zero_points.resize(result.scales.size());
  const Quantized out{result.codes.data(), result.scales.data(),
                      spec.symmetric ? nullptr : result.zero_points.data()};
  result.sums = quantize(weight, spec, out, threads);
  return result;
}

std::vector<float> normal_weights(std::size_t count, unsigned seed) {
  auto random = test::generator(seed);
  std::normal_distribution<float> normal(0.01F, 0.05F);
  std::vector<float> weights(count);
  for (float& weight : weights) weight = normal(random);
  return weights;
}

std::vector<float> restore(const Result& result, std::size_t rows, std::size_t columns,
                           const QuantizeSpec& spec) {
  std::vector<float> weights(rows * columns);
  Result copy = result;
  dequantize(
      {copy.codes.data(), copy.scales.data(), spec.symmetric ? nullptr : copy.zero_points.data()},
      rows, columns, spec.per_scale, weights.data(), 2);
  return weights;
}

}  // namespace

TEST_CASE("errors are at most half a step, and their sum of squares is what is reported") {
  const std::size_t rows = 33;
  const std::size_t columns = 130;
  const std::vector<float> weights = normal_weights(rows * columns, 1);
  const Weight weight{weights.data(), FloatType::kF32, rows, columns, "w"};
  for (const unsigned bits : {2U, 4U, 8U}) {
    for (const bool symmetric : {true, false}) {
      for (const std::size_t per_scale :
           {std::size_t{0}, columns, std::size_t{128}, std::size_t{7}}) {
        const QuantizeSpec spec{bits, symmetric, per_scale};
        const Result result = run(weight, spec);
        const std::vector<float> again = restore(result, rows, columns, spec);
        double squares = 0.0;
        for (std::size_t i = 0; i < weights.size(); ++i) {
          const std::size_t scale =
              per_scale == 0 ? 0
                             : i / columns * scales_per_row(weight, spec) + i % columns / per_scale;
          const double error = static_cast<double>(weights[i]) - static_cast<double>(again[i]);
          // An asymmetric zero point is rounded too, which may cut the ends by half a step more.
          const double steps = symmetric ? 0.5001 : 1.0001;
          REQUIRE(std::fabs(error) <= steps * static_cast<double>(result.scales[scale]));
          squares += error * error;
        }
        REQUIRE(result.sums.errors == doctest::Approx(squares).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("all ISAs and numbers of threads give the same bits") {
  const std::vector<float> weights = normal_weights(2000 * 77, 2);
  const Weight weight{weights.data(), FloatType::kF32, 2000, 77, "w"};
  const std::string before(isa_name(active_isa()));
  for (const std::size_t per_scale : {0UL, 77UL, 32UL}) {
    const QuantizeSpec spec{8, true, per_scale};
    select_isa("scalar");
    const Result expected = run(weight, spec, 1);
    for (const Isa isa : available_isas()) {
      select_isa(isa_name(isa));
      for (const unsigned threads : {1U, 2U, 3U}) {
        const Result found = run(weight, spec, threads);
        REQUIRE(found.codes == expected.codes);
        REQUIRE(test::same_bits(found.scales, expected.scales));
        REQUIRE(test::same_bits(found.sums.errors, expected.sums.errors));
        REQUIRE(test::same_bits(found.sums.weights, expected.sums.weights));
      }
    }
  }
  select_isa(before);
}

TEST_CASE("zeros have scale one and no error") {
  const std::vector<float> weights(40, 0.0F);
  for (const bool symmetric : {true, false}) {
    const Result result = run({weights.data(), FloatType::kF32, 4, 10, "w"}, {8, symmetric, 4});
    CHECK(result.scales == std::vector<float>(12, 1.0F));
    CHECK(result.codes == std::vector<std::uint8_t>(40, 0));
    CHECK(result.sums.errors == 0.0);
  }
}

TEST_CASE("the extremes of F32 neither divide by zero nor overflow") {
  const float least = std::numeric_limits<float>::denorm_min();
  const float most = std::numeric_limits<float>::max();
  const std::vector<float> weights = {least, -least, 0.0F, most, -most, most / 3};
  for (const bool symmetric : {true, false}) {
    for (const std::size_t per_scale : {0UL, 3UL, 1UL}) {
      const QuantizeSpec spec{8, symmetric, per_scale};
      const Result result = run({weights.data(), FloatType::kF32, 2, 3, "w"}, spec);
      for (const float scale : result.scales) {
        CHECK(scale > 0.0F);
        CHECK(std::isfinite(scale));
      }
      CHECK(std::isfinite(result.sums.errors));
      for (const float again : restore(result, 2, 3, spec)) CHECK(std::isfinite(again));
    }
  }
}

TEST_CASE("the first NaN or infinity is named, whichever thread meets one first") {
  std::vector<float> weights(3000 * 50, 1.0F);
  weights[2900 * 50 + 3] = std::numeric_limits<float>::infinity();
  weights[1234 * 50 + 7] = std::numeric_limits<float>::quiet_NaN();
  for (const std::size_t per_scale : {0UL, 50UL, 16UL}) {
    for (const unsigned threads : {1U, 4U}) {
      try {
        run({weights.data(), FloatType::kF32, 3000, 50, "h.0.attn"}, {8, true, per_scale}, threads);
        FAIL("expected an error");
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::kInvalidArgument);
        CHECK(std::string(error.what()) ==
              "h.0.attn: expected finite weights, found NaN at [1234, 7]");
      }
    }
  }
}

TEST_CASE("an F64 that is infinite as F32 is refused, others are rounded to F32") {
  const std::vector<double> fine = {0.1, -0.2, 1e-300};
  const Result result = run({fine.data(), FloatType::kF64, 1, 3, "w"}, {8, true, 0});
  CHECK(result.scales[0] == 0.2F / 127.0F);
  const std::vector<double> large = {0.1, 1e300};
  CHECK(test::kind_of_failure([&] {
          run({large.data(), FloatType::kF64, 1, 2, "w"}, {8, true, 0});
        }) == ErrorKind::kInvalidArgument);
}

TEST_CASE("F16 and BF16 quantise as their F32 values do") {
  auto random = test::generator(6);
  std::vector<std::uint16_t> bits(50 * 31);
  for (std::uint16_t& pattern : bits) pattern = static_cast<std::uint16_t>(random() & 0xBFFF);
  for (const FloatType type : {FloatType::kF16, FloatType::kBF16}) {
    std::vector<float> widened(bits.size());
    const auto widen = type == FloatType::kF16 ? kernels::quantize_scalar.widen_f16
                                               : kernels::quantize_scalar.widen_bf16;
    widen(bits.data(), bits.size(), widened.data());
    const QuantizeSpec spec{4, false, 10};
    const Result expected = run({widened.data(), FloatType::kF32, 50, 31, "w"}, spec);
    const Result found = run({bits.data(), type, 50, 31, "w"}, spec);
    CHECK(found.codes == expected.codes);
    CHECK(test::same_bits(found.scales, expected.scales));
    CHECK(found.zero_points == expected.zero_points);
  }
}

TEST_CASE("a caller's flushed denormals and rounding mode change nothing") {
  std::vector<float> weights(3000 * 40);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 1e-40F * static_cast<float>(i % 97);
  const Weight weight{weights.data(), FloatType::kF32, 3000, 40, "w"};
  for (const std::size_t per_scale : {0UL, 16UL}) {
    const QuantizeSpec spec{8, false, per_scale};
    const Result expected = run(weight, spec, 1);
    const int before = std::fegetround();
    std::fesetround(FE_UPWARD);
#if defined(__x86_64__)
    const unsigned control = _mm_getcsr();
    _mm_setcsr(control | 0x8040);  // flush to zero, denormals are zero
#endif
    const Result alone = run(weight, spec, 1);
    const Result shared = run(weight, spec, 3);
#if defined(__x86_64__)
    _mm_setcsr(control);
#endif
    std::fesetround(before);
    for (const Result& found : {alone, shared}) {
      CHECK(found.codes == expected.codes);
      CHECK(test::same_bits(found.scales, expected.scales));
      CHECK(test::same_bits(found.sums, expected.sums));
    }
  }
}

TEST_CASE("a long empty side costs nothing") {
  for (const std::size_t per_scale : {0UL, 1UL}) {
    const QuantizeSpec spec{8, true, per_scale};
    CHECK(run({nullptr, FloatType::kF32, std::size_t{1} << 44, 0, "w"}, spec).codes.empty());
  }
}

TEST_CASE("empty weights and wrong widths") {
  CHECK(run({nullptr, FloatType::kF32, 0, 5, "w"}, {8, true, 0}).codes.empty());
  CHECK(run({nullptr, FloatType::kF32, 5, 0, "w"}, {8, false, 4}).codes.empty());
  for (const unsigned bits : {0U, 1U, 9U}) {
    CHECK(test::kind_of_failure([&] {
            run({nullptr, FloatType::kF32, 0, 0, "w"}, {bits, true, 0});
          }) == ErrorKind::kInvalidArgument);
  }
}
