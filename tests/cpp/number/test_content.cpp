#include "meadow/number/content.h"

#include "meadow/kernels/quantize/quantize.h"
#include "support.h"

using namespace meadow;

namespace {

FloatType narrowest_of_f32(std::uint32_t bits) {
  return narrowest_type(&bits, 1, FloatType::kF32, 1);
}

std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

}  // namespace

TEST_CASE("every BF16 value is recognised in F32, NaN payloads and denormals too") {
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    REQUIRE(narrowest_of_f32(pattern << 16) == FloatType::kBF16);
  }
}

TEST_CASE("every finite F16 value is recognised in F32, its neighbours are not") {
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    if ((pattern & 0x7C00) == 0x7C00) continue;
    const auto half = static_cast<std::uint16_t>(pattern);
    float value = 0.0F;
    kernels::quantize_scalar.widen_f16(&half, 1, &value);
    const std::uint32_t bits = bits_of(value);
    const FloatType expected = (bits & 0xFFFF) == 0 ? FloatType::kBF16 : FloatType::kF16;
    REQUIRE(narrowest_of_f32(bits) == expected);
    REQUIRE(narrowest_of_f32(bits | 1) == FloatType::kF32);
  }
}

TEST_CASE("F32 outside the range of F16 stays F32") {
  for (const float value :
       {65536.0F + 32.0F, 1e30F + 3e22F, 0x1.004p-25F, 0x1.002p-15F * 0x1p-9F}) {
    CAPTURE(value);
    CHECK(narrowest_of_f32(bits_of(value)) == FloatType::kF32);
  }
}

TEST_CASE("F16 made of BF16 values: the mantissa has at most 8 significant bits") {
  for (std::uint32_t pattern = 0; pattern < 0x10000; ++pattern) {
    if ((pattern & 0x7C00) == 0x7C00) continue;
    const auto half = static_cast<std::uint16_t>(pattern);
    float value = 0.0F;
    kernels::quantize_scalar.widen_f16(&half, 1, &value);
    const bool exact = (bits_of(value) & 0xFFFF) == 0;
    REQUIRE(narrowest_type(&half, 1, FloatType::kF16, 1) ==
            (exact ? FloatType::kBF16 : FloatType::kF16));
  }
}

TEST_CASE("one value among many decides, for any number of threads") {
  std::vector<std::uint32_t> values(300000, bits_of(1.5F));
  for (const unsigned threads : {1U, 2U, 5U}) {
    CHECK(narrowest_type(values.data(), values.size(), FloatType::kF32, threads) ==
          FloatType::kBF16);
    values[299999] = bits_of(1.0009765625F);  // 1 + 2^-10
    CHECK(narrowest_type(values.data(), values.size(), FloatType::kF32, threads) ==
          FloatType::kF16);
    values[150000] = bits_of(0.1F);
    CHECK(narrowest_type(values.data(), values.size(), FloatType::kF32, threads) ==
          FloatType::kF32);
    values[150000] = values[299999] = bits_of(1.5F);
  }
}

TEST_CASE("no values are no evidence") {
  CHECK(narrowest_type(nullptr, 0, FloatType::kF32, 1) == FloatType::kF32);
  CHECK(test::kind_of_failure([] { narrowest_type(nullptr, 0, FloatType::kF64, 1); }) ==
        ErrorKind::kWrongDtype);
}
