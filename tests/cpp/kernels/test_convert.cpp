// Conversions between float types: every pattern of 16 bits that both types hold, and every ISA
// against the scalar specification.
#include "meadow/kernels/convert/convert.h"

#include <bit>
#include <cmath>

#include "meadow/number/content.h"
#include "support.h"

using namespace meadow;

namespace {

constexpr std::uint32_t kPatterns = 1 << 16;

// The value of a pattern from its fields alone; the sign is left out, and NaN are told by payload.
double magnitude(std::uint32_t bits, int exponent_bits, int mantissa_bits) {
  const int exponent = static_cast<int>(bits >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const auto mantissa = static_cast<double>(bits & ((1U << mantissa_bits) - 1));
  const int bias = (1 << (exponent_bits - 1)) - 1;
  if (exponent == 0) return std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return std::ldexp(mantissa + std::ldexp(1.0, mantissa_bits), exponent - bias - mantissa_bits);
}

bool f16_is_finite(std::uint32_t bits) { return (bits & 0x7C00) != 0x7C00; }

template <typename From, typename To>
To converted(void (*convert)(const From*, std::size_t, To*) noexcept, From value) {
  To out = 0;
  convert(&value, 1, &out);
  return out;
}

const kernels::ConvertKernels& scalar = kernels::convert_scalar;

std::uint16_t to_bf16(std::uint16_t half) { return converted(scalar.bf16_of_f16, half); }
std::uint16_t bf16_to_f16(std::uint16_t value) { return converted(scalar.f16_of_bf16, value); }
std::uint32_t to_f32(std::uint16_t half) { return converted(scalar.f32_of_f16, half); }
std::uint16_t f32_to_f16(std::uint32_t value) { return converted(scalar.f16_of_f32, value); }

}  // namespace

TEST_CASE("every F16 pattern becomes the F32 of its value, and comes back") {
  for (std::uint32_t bits = 0; bits < kPatterns; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const std::uint32_t wide = to_f32(half);
    REQUIRE(f32_to_f16(wide) == half);
    REQUIRE((wide >> 31) == (bits >> 15));
    if (f16_is_finite(bits)) {
      REQUIRE(magnitude(wide, 8, 23) == magnitude(bits, 5, 10));
    } else {
      REQUIRE((wide & 0x7FFFFFFF) == 0x7F800000 + ((bits & 0x3FF) << 13));
    }
  }
}

TEST_CASE("every F16 pattern that content takes for a BF16 comes back from one") {
  unsigned taken = 0;
  for (std::uint32_t bits = 0; bits < kPatterns; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const bool holds = narrowest_type(&half, 1, FloatType::kF16, 1) == FloatType::kBF16;
    // The same question, asked of the exact F32: are its lower 16 bits zero?
    REQUIRE(holds == ((to_f32(half) & 0xFFFF) == 0));
    if (!holds) continue;
    ++taken;
    REQUIRE(bf16_to_f16(to_bf16(half)) == half);
    REQUIRE((std::uint32_t{to_bf16(half)} << 16) == to_f32(half));
  }
  CHECK(taken > 2 * 31 * 128);
  CHECK(taken < kPatterns / 2);
}

TEST_CASE("every BF16 pattern that an F16 holds comes back from one") {
  unsigned taken = 0;
  for (std::uint32_t bits = 0; bits < kPatterns; ++bits) {
    const auto value = static_cast<std::uint16_t>(bits);
    const std::uint16_t half = bf16_to_f16(value);
    if (to_f32(half) != bits << 16) continue;  // out of F16's range, or rounded
    ++taken;
    REQUIRE(to_bf16(half) == value);
  }
  // 30 exponents of 128 mantissas, infinity and NaN, zero, and denormals of up to 8 bits.
  CHECK(taken >= 2 * (31 * 128 + 1 + 255));
}

TEST_CASE("F32 around every F16 pattern is told apart") {
  for (std::uint32_t bits = 0; bits < kPatterns; ++bits) {
    const std::uint32_t exact = to_f32(static_cast<std::uint16_t>(bits));
    REQUIRE(narrowest_type(&exact, 1, FloatType::kF32, 1) ==
            ((exact & 0xFFFF) == 0 ? FloatType::kBF16 : FloatType::kF16));
    for (const std::uint32_t flip : {1U, 0x1000U}) {
      const std::uint32_t other = exact ^ flip;
      const FloatType type = narrowest_type(&other, 1, FloatType::kF32, 1);
      if (type == FloatType::kF16) REQUIRE(to_f32(f32_to_f16(other)) == other);
      if (type == FloatType::kF32) REQUIRE(to_f32(f32_to_f16(other)) != other);
      if ((other & 0xFFFF) != 0) REQUIRE(type != FloatType::kBF16);
    }
  }
}

TEST_CASE("random F32 that content takes for F16 come back from one") {
  auto random = test::generator(5);
  for (int round = 0; round < 200000; ++round) {
    const auto shift = random() % 24;
    const auto value = static_cast<std::uint32_t>(random() >> shift << shift);
    const FloatType type = narrowest_type(&value, 1, FloatType::kF32, 1);
    const bool comes_back = to_f32(f32_to_f16(value)) == value;
    REQUIRE((type == FloatType::kF16) == (comes_back && (value & 0xFFFF) != 0));
  }
}

TEST_CASE("every ISA converts all patterns as scalar does") {
  std::vector<std::uint16_t> halves(kPatterns);
  for (std::uint32_t bits = 0; bits < kPatterns; ++bits) {
    halves[bits] = static_cast<std::uint16_t>(bits);
  }
  std::vector<std::uint32_t> words(kPatterns);
  auto random = test::generator(7);
  for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(random());
  // `count` values from number `first` on; what stands around them stays.
  const auto range = []<typename From, typename To>(
                         void (*convert)(const From*, std::size_t, To*) noexcept,
                         const std::vector<From>& from, std::size_t first, std::size_t count) {
    std::vector<To> to(from.size(), To{0x5A5A});
    convert(from.data() + first, count, to.data() + first);
    return to;
  };
  const auto check = [&](const kernels::ConvertKernels& kernel, std::size_t first,
                         std::size_t count) {
    REQUIRE(range(kernel.bf16_of_f16, halves, first, count) ==
            range(scalar.bf16_of_f16, halves, first, count));
    REQUIRE(range(kernel.f16_of_bf16, halves, first, count) ==
            range(scalar.f16_of_bf16, halves, first, count));
    REQUIRE(range(kernel.f32_of_f16, halves, first, count) ==
            range(scalar.f32_of_f16, halves, first, count));
    REQUIRE(range(kernel.f16_of_f32, words, first, count) ==
            range(scalar.f16_of_f32, words, first, count));
    REQUIRE(kernel.f16_is_bf16(halves.data() + first, count) ==
            scalar.f16_is_bf16(halves.data() + first, count));
  };
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    const kernels::ConvertKernels& kernel = kernels::convert_kernels(isa);
    check(kernel, 0, kPatterns);
    for (std::size_t count = 0; count < 140; count += 3) check(kernel, count, count);
    for (std::size_t i = 0; i < kPatterns; ++i) {
      REQUIRE(kernel.f16_is_bf16(&halves[i], 1) == scalar.f16_is_bf16(&halves[i], 1));
    }
  }
}
