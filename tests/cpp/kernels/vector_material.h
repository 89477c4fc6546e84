// Floats to try the kernels of vectors with, and how their results are compared.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "meadow/kernels/vector/vector.h"
#include "support.h"

namespace meadow::test {

using Floats = std::vector<float>;

// kWild: every finite exponent, so that sums overflow and cancel; kTiny: products below the
// smallest float, which become 0 of either sign; kSpecial: any bits, many of them NaN, infinite,
// zero or denormal.
enum class Material { kNormal, kWild, kTiny, kSpecial };

constexpr Material kMaterials[] = {Material::kNormal, Material::kWild, Material::kTiny,
                                   Material::kSpecial};

inline float special(std::mt19937& random) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kValues[] = {0.0F,       -0.0F,    kInfinity,    -kInfinity, 0x1p-149F,
                               -0x1p-149F, 0x1p127F, -0x1.8p-127F, 1.0F,       -88.0F};
  const auto bits = static_cast<std::uint32_t>(random());
  if (bits % 40 == 0) return std::numeric_limits<float>::quiet_NaN();
  if (bits % 3 == 0) return kValues[bits / 64 % std::size(kValues)];
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline Floats floats(Material material, std::size_t count, std::mt19937& random) {
  std::normal_distribution<float> normal(0.0F, 2.0F);
  std::uniform_int_distribution<int> exponent(-149, 127);
  std::uniform_int_distribution<int> low_exponent(-149, -70);
  Floats values(count);
  for (float& value : values) {
    value = normal(random);
    if (material == Material::kWild) value = std::ldexp(value / 16, exponent(random));
    if (material == Material::kTiny) value = std::ldexp(value / 16, low_exponent(random));
    if (material == Material::kSpecial) value = special(random);
  }
  return values;
}

// All NaN are one.
inline bool same_floats(const Floats& a, const Floats& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i]) && std::isnan(b[i])) continue;
    if (!same_bits(a[i], b[i])) return false;
  }
  return true;
}

inline std::vector<std::size_t> lengths() {
  std::vector<std::size_t> all;
  for (std::size_t length = 0; length <= 70; ++length) all.push_back(length);
  for (const std::size_t length : {96U, 127U, 128U, 129U, 256U, 300U, 1000U}) all.push_back(length);
  return all;
}

// Runs `call` on a vector with marks around `values`, which must stay, and returns the result.
template <typename Call>
Floats changed(const Floats& values, const Call& call) {
  constexpr std::size_t kMarks = 19;
  constexpr float kMark = 12345.0F;
  Floats around(values.size() + 2 * kMarks, kMark);
  std::copy(values.begin(), values.end(), around.begin() + kMarks);
  call(around.data() + kMarks);
  for (std::size_t i = 0; i < kMarks; ++i) {
    REQUIRE(around[i] == kMark);
    REQUIRE(around[around.size() - 1 - i] == kMark);
  }
  return {around.begin() + kMarks, around.end() - kMarks};
}

// `test(kernels, random, material)` gives floats; those of every ISA must equal those of scalar.
template <typename Test>
void require_every_isa_equal(const Test& test) {
  for (const Material material : kMaterials) {
    CAPTURE(static_cast<int>(material));
    auto random = generator(11);
    const Floats expected = test(kernels::vector_scalar, random, material);
    for (const Isa isa : available_isas()) {
      CAPTURE(std::string(isa_name(isa)));
      auto again = generator(11);
      REQUIRE(same_floats(test(kernels::vector_kernels(isa), again, material), expected));
    }
  }
}

}  // namespace meadow::test
