// Every ISA against the scalar specification, bit for bit.
#include "meadow/kernels/quantize/quantize.h"

#include <cmath>
#include <limits>
#include <string>

#include "support.h"

using namespace meadow;
using kernels::QuantizeKernels;

namespace {

// Around every lane width, at every offset from an aligned address.
constexpr std::size_t kLongest = 97;
constexpr std::size_t kOffsets = 16;

template <typename Test>
void for_each_isa(const Test& test) {
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    test(kernels::quantize_kernels(isa));
  }
}

std::vector<float> any_floats(std::size_t count, unsigned seed, bool finite) {
  auto random = test::generator(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    do {
      const auto bits = static_cast<std::uint32_t>(random());
      std::memcpy(&value, &bits, sizeof value);
    } while (finite && !std::isfinite(value));
  }
  return values;
}

void check_range(const QuantizeKernels& kernel, const float* weights, std::size_t count) {
  const kernels::Range expected = kernels::quantize_scalar.range(weights, count);
  const kernels::Range found = kernel.range(weights, count);
  REQUIRE(found.finite == expected.finite);
  if (!expected.finite) return;
  REQUIRE(test::same_bits(found.low, expected.low));
  REQUIRE(test::same_bits(found.high, expected.high));
}

void check_quantize(const QuantizeKernels& kernel, const float* weights, std::size_t count,
                    const kernels::Quantizer& quantizer) {
  std::vector<std::uint8_t> expected(count + 1, 0x5A);
  std::vector<std::uint8_t> found(count + 1, 0x5A);
  const auto a = kernels::quantize_scalar.quantize(weights, count, quantizer, expected.data());
  const auto b = kernel.quantize(weights, count, quantizer, found.data());
  REQUIRE(found == expected);
  REQUIRE(test::same_bits(a.weights, b.weights));
  REQUIRE(test::same_bits(a.errors, b.errors));
}

}  // namespace

TEST_CASE("range equals scalar for all sizes and alignments") {
  for_each_isa([](const QuantizeKernels& kernel) {
    const std::vector<float> finite = any_floats(kLongest + kOffsets, 1, true);
    const std::vector<float> any = any_floats(kLongest + kOffsets, 2, false);
    for (std::size_t offset = 0; offset < kOffsets; ++offset) {
      for (std::size_t count = 0; count <= kLongest; ++count) {
        check_range(kernel, finite.data() + offset, count);
        check_range(kernel, any.data() + offset, count);
      }
    }
  });
}

TEST_CASE("one value that is not finite is seen wherever it stands") {
  for_each_isa([](const QuantizeKernels& kernel) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::infinity()}) {
      for (std::size_t at = 0; at < 40; ++at) {
        std::vector<float> weights(40, 1.0F);
        weights[at] = bad;
        REQUIRE_FALSE(kernel.range(weights.data(), weights.size()).finite);
      }
    }
  });
}

TEST_CASE("quantize equals scalar for all sizes and alignments") {
  auto random = test::generator(3);
  std::normal_distribution<float> normal(0.0F, 1.0F);
  std::vector<float> weights(kLongest + kOffsets);
  for (float& weight : weights) weight = normal(random);
  for_each_isa([&](const QuantizeKernels& kernel) {
    for (const kernels::Quantizer& quantizer :
         {kernels::Quantizer{0.03F, 0, -127, 127}, kernels::Quantizer{0.5F, 0, -7, 7},
          kernels::Quantizer{0.02F, 131, 0, 255}, kernels::Quantizer{0.3F, 0, 0, 15},
          kernels::Quantizer{0.3F, 15, 0, 15}, kernels::Quantizer{1e-45F, 0, -127, 127}}) {
      for (std::size_t offset = 0; offset < kOffsets; ++offset) {
        for (std::size_t count = 0; count <= kLongest; ++count) {
          check_quantize(kernel, weights.data() + offset, count, quantizer);
        }
      }
    }
  });
}

TEST_CASE("quantize equals scalar on any finite bits") {
  const std::vector<float> weights = any_floats(20000, 4, true);
  for_each_isa([&](const QuantizeKernels& kernel) {
    for (const float scale : {1e-45F, 1e-38F, 1e-3F, 1.0F, 1e30F}) {
      check_quantize(kernel, weights.data(), weights.size(), {scale, 0, -127, 127});
      check_quantize(kernel, weights.data(), weights.size(), {scale, 77, 0, 255});
    }
  });
}

TEST_CASE("halves go to the even code, on both sides of zero") {
  const std::vector<float> weights = {0.5F,  1.5F,   2.5F,   3.5F,    -0.5F,   -1.5F, -2.5F,
                                      -3.5F, 126.5F, 127.5F, -126.5F, -128.0F, 0.0F,  -0.0F};
  const std::vector<int> expected = {0, 2, 2, 4, 0, -2, -2, -4, 126, 127, -126, -127, 0, 0};
  for_each_isa([&](const QuantizeKernels& kernel) {
    std::vector<std::uint8_t> codes(weights.size());
    kernel.quantize(weights.data(), weights.size(), {1.0F, 0, -127, 127}, codes.data());
    for (std::size_t i = 0; i < codes.size(); ++i) {
      CAPTURE(weights[i]);
      CHECK(static_cast<std::int8_t>(codes[i]) == expected[i]);
    }
  });
}

TEST_CASE("all 2^16 patterns of F16 and BF16 widen as in the specification") {
  std::vector<std::uint16_t> patterns(1 << 16);
  for (std::size_t i = 0; i < patterns.size(); ++i) patterns[i] = static_cast<std::uint16_t>(i);
  std::vector<float> expected(patterns.size());
  std::vector<float> found(patterns.size());
  for_each_isa([&](const QuantizeKernels& kernel) {
    kernels::quantize_scalar.widen_bf16(patterns.data(), patterns.size(), expected.data());
    kernel.widen_bf16(patterns.data(), patterns.size(), found.data());
    CHECK(test::same_bits(expected, found));
    kernels::quantize_scalar.widen_f16(patterns.data(), patterns.size(), expected.data());
    kernel.widen_f16(patterns.data(), patterns.size(), found.data());
    CHECK(test::same_bits(expected, found));
  });
}

TEST_CASE("F16 values by the definition of IEEE 754") {
  for (unsigned pattern = 0; pattern < 0x10000; ++pattern) {
    const auto half = static_cast<std::uint16_t>(pattern);
    float found = 0.0F;
    kernels::quantize_scalar.widen_f16(&half, 1, &found);
    const unsigned exponent = (pattern >> 10) & 0x1F;
    const auto mantissa = static_cast<double>(pattern & 0x3FF);
    if (exponent == 0x1F) {
      REQUIRE((mantissa == 0 ? std::isinf(found) : std::isnan(found)));
      continue;
    }
    const double magnitude = exponent == 0
                                 ? std::ldexp(mantissa, -24)
                                 : std::ldexp(1024 + mantissa, static_cast<int>(exponent) - 25);
    REQUIRE(static_cast<double>(std::fabs(found)) == magnitude);
    REQUIRE(std::signbit(found) == ((pattern & 0x8000) != 0));
  }
}

TEST_CASE("widening stays inside its buffer for all sizes and alignments") {
  for_each_isa([](const QuantizeKernels& kernel) {
    std::vector<std::uint16_t> patterns(kLongest + kOffsets);
    auto random = test::generator(5);
    for (std::uint16_t& pattern : patterns) pattern = static_cast<std::uint16_t>(random());
    for (const auto widen : {kernel.widen_bf16, kernel.widen_f16}) {
      const auto specification = widen == kernel.widen_bf16 ? kernels::quantize_scalar.widen_bf16
                                                            : kernels::quantize_scalar.widen_f16;
      for (std::size_t offset = 0; offset < kOffsets; ++offset) {
        for (std::size_t count = 0; count <= kLongest; ++count) {
          std::vector<float> expected(count + 1, 42.0F);
          std::vector<float> found(count + 1, 42.0F);
          specification(patterns.data() + offset, count, expected.data());
          widen(patterns.data() + offset, count, found.data());
          REQUIRE(test::same_bits(expected, found));
        }
      }
    }
  });
}
