// Strips of integers and what they are multiplied with, for the tests of the family.
#pragma once

#include <cmath>
#include <vector>

#include "meadow/codec/integer_planes.h"
#include "meadow/kernels/integer/integer.h"
#include "support.h"

namespace meadow::test {

// Near-Gaussian codes around `centre`, with some far away.
inline std::vector<std::int8_t> integer_codes(std::size_t count, double spread, double centre,
                                              unsigned seed) {
  auto random = generator(seed);
  std::normal_distribution<double> normal(centre, spread);
  std::vector<std::int8_t> codes(count);
  for (std::int8_t& code : codes) {
    const double value = normal(random) * (random() % 97 == 0 ? 8 : 1);
    code = static_cast<std::int8_t>(std::max(-128.0, std::min(127.0, std::round(value))));
  }
  return codes;
}

inline std::vector<float> normal_floats(std::size_t count, unsigned seed) {
  auto random = generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

// Tokens and their integers, by one ISA's kernel.
struct QuantizedTokens {
  QuantizedTokens(const kernels::IntegerKernels& kernels, const std::vector<float>& x,
                  std::size_t columns)
      : tokens(x.size() / columns),
        stride((columns + 63) / 64 * 64),
        codes(tokens * stride, 99),
        block_sums(tokens * stride / 32, 99),
        scales(tokens) {
    for (std::size_t t = 0; t < tokens; ++t) {
      scales[t] = kernels.quantize(x.data() + t * columns, columns, stride,
                                   codes.data() + t * stride, block_sums.data() + t * stride / 32);
    }
  }

  std::size_t tokens;
  std::size_t stride;
  std::vector<std::int8_t> codes;
  std::vector<std::int32_t> block_sums;
  std::vector<float> scales;
};

// Scales for every strip of a weight, of each kind.
struct TestScales {
  TestScales(std::size_t strips, std::size_t blocks, std::uint32_t per, bool is_coded,
             unsigned seed)
      : per_scale(per),
        groups(per == 0 ? 0 : (blocks + per - 1) / per),
        coded(is_coded),
        outer(strips * 16),
        values(strips * 16 * groups),
        codes(strips * 16 * groups) {
    auto random = generator(seed);
    for (float& value : outer) value = 1e-3F * static_cast<float>(1 + random() % 1000);
    for (float& value : values) value = 1e-3F * static_cast<float>(1 + random() % 1000);
    for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(random());
  }

  [[nodiscard]] kernels::StripScales strip(std::size_t n) const {
    const std::size_t at = n * 16 * groups;
    return {outer.data() + 16 * n, per_scale != 0 && !coded ? values.data() + at : nullptr,
            per_scale != 0 && coded ? codes.data() + at : nullptr, per_scale};
  }

  std::uint32_t per_scale;
  std::size_t groups;
  bool coded;
  std::vector<float> outer;
  std::vector<float> values;
  std::vector<std::uint8_t> codes;
};

}  // namespace meadow::test
