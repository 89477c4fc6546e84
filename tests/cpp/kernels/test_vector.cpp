// Kernels on vectors: every ISA against the scalar specification, for all lengths around the lanes.
#include "meadow/kernels/vector/vector.h"

#include "kernels/vector_material.h"
#include "meadow/kernels/product/product.h"

using namespace meadow;
using kernels::Nonlinearity;
using kernels::VectorKernels;
using test::Floats;
using test::Material;

namespace {

constexpr Nonlinearity kNonlinearities[] = {Nonlinearity::kRelu, Nonlinearity::kGelu,
                                            Nonlinearity::kGeluTanh, Nonlinearity::kSilu};

// `count` rows that end where their vector ends, so that a read behind them is found by ASan.
struct Head {
  Head(Material material, std::size_t count, std::size_t width, std::size_t gap,
       std::mt19937& random)
      : stride(width + gap),
        values(test::floats(material, count == 0 ? 0 : (count - 1) * stride + width, random)),
        rows{values.data(), stride, count, width} {}

  std::size_t stride;
  Floats values;
  kernels::HeadRows rows;
};

void append(Floats& all, const Floats& some) { all.insert(all.end(), some.begin(), some.end()); }

Floats dots_of(const VectorKernels& kernel, const Floats& query, const Head& keys, float scale) {
  return test::changed(Floats(keys.rows.count, -7.0F),
                       [&](float* scores) { kernel.dots(query.data(), keys.rows, scale, scores); });
}

// Runs over all lengths `run(values, length)`, which changes `values` in place.
template <typename Run>
void require_in_place_equal(const Run& run) {
  for (const std::size_t length : test::lengths()) {
    CAPTURE(length);
    test::require_every_isa_equal(
        [&](const VectorKernels& kernel, std::mt19937& random, Material material) {
          const Floats values = test::floats(material, length, random);
          const Floats first = test::floats(material, length, random);
          const Floats second = test::floats(material, length, random);
          return test::changed(
              values, [&](float* x) { run(kernel, x, length, first.data(), second.data()); });
        });
  }
}

}  // namespace

TEST_CASE("vector: dots are the products of a matrix, and the same on every ISA") {
  for (const std::size_t width : test::lengths()) {
    CAPTURE(width);
    for (const std::size_t count : {0U, 1U, 3U, 4U, 5U, 8U, 9U, 23U}) {
      CAPTURE(count);
      test::require_every_isa_equal(
          [&](const VectorKernels& kernel, std::mt19937& random, Material material) {
            const Floats query = test::floats(material, width, random);
            const Head keys(material, count, width, count % 3, random);
            Floats products(count, -7.0F);
            kernels::product_scalar.f32({keys.values.data(), keys.stride, count, width},
                                        {1, query.data(), width, products.data(), count});
            REQUIRE(test::same_floats(dots_of(kernel, query, keys, 1.0F), products));
            return dots_of(kernel, query, keys, 0.125F);
          });
    }
  }
}

TEST_CASE("vector: weighted sums of values are the same on every ISA, of any number of queries") {
  for (const std::size_t width : test::lengths()) {
    CAPTURE(width);
    for (const std::size_t count : {0U, 1U, 2U, 7U, 33U}) {
      CAPTURE(count);
      for (const std::size_t queries : {1U, 2U, 4U, 7U}) {
        CAPTURE(queries);
        test::require_every_isa_equal([&](const VectorKernels& kernel, std::mt19937& random,
                                          Material material) {
          const Floats weights = test::floats(material, queries * (count + 1), random);
          const Head values(material, count, width, count % 3, random);
          return test::changed(Floats(queries * (width + 2), -7.0F), [&](float* out) {
            kernel.add_weighted({queries, weights.data(), count + 1, out, width + 2}, values.rows);
          });
        });
      }
    }
  }
}

TEST_CASE("vector: softmax is the same on every ISA") {
  require_in_place_equal([](const VectorKernels& kernel, float* x, std::size_t count, const float*,
                            const float*) { kernel.softmax(x, count); });
}

TEST_CASE("vector: softcap is the same on every ISA") {
  require_in_place_equal([](const VectorKernels& kernel, float* x, std::size_t count, const float*,
                            const float*) { kernel.softcap(x, count, 30.0F); });
}

TEST_CASE("vector: RMS norm is the same on every ISA, with and without a weight") {
  for (const bool weighted : {false, true}) {
    require_in_place_equal(
        [&](const VectorKernels& kernel, float* x, std::size_t count, const float* weight,
            const float*) { kernel.rms_norm(x, weighted ? weight : nullptr, count, 1e-6F, x); });
  }
}

TEST_CASE("vector: layer norm is the same on every ISA, with and without weight and bias") {
  for (const int given : {0, 1, 2, 3}) {
    require_in_place_equal([&](const VectorKernels& kernel, float* x, std::size_t count,
                               const float* weight, const float* bias) {
      kernel.layer_norm(x, (given & 1) != 0 ? weight : nullptr, (given & 2) != 0 ? bias : nullptr,
                        count, 1e-5F, x);
    });
  }
}

TEST_CASE("vector: nonlinearities are the same on every ISA, gated ones too") {
  for (const Nonlinearity nonlinearity : kNonlinearities) {
    CAPTURE(static_cast<int>(nonlinearity));
    require_in_place_equal([&](const VectorKernels& kernel, float* x, std::size_t count,
                               const float*,
                               const float*) { kernel.activate(nonlinearity, x, count); });
    require_in_place_equal(
        [&](const VectorKernels& kernel, float* x, std::size_t count, const float* gate,
            const float*) { kernel.activate_gated(nonlinearity, gate, x, count, x); });
  }
}

TEST_CASE("vector: floats of every exponent are activated the same on every ISA") {
  constexpr std::uint32_t kStep = 4099;  // prime
  Floats values;
  for (std::uint64_t bits = 0; bits <= 0xFFFFFFFF; bits += kStep) {
    const auto word = static_cast<std::uint32_t>(bits);
    float value;
    std::memcpy(&value, &word, sizeof value);
    values.push_back(value);
  }
  const auto all_functions = [&](const VectorKernels& kernel) {
    Floats results;
    for (const Nonlinearity nonlinearity : kNonlinearities) {
      Floats some = values;
      kernel.activate(nonlinearity, some.data(), some.size());
      append(results, some);
    }
    Floats some = values;
    kernel.softcap(some.data(), some.size(), 1.0F);
    append(results, some);
    return results;
  };
  const Floats expected = all_functions(kernels::vector_scalar);
  for (const Isa isa : available_isas()) {
    CAPTURE(std::string(isa_name(isa)));
    REQUIRE(test::same_floats(all_functions(kernels::vector_kernels(isa)), expected));
  }
}

TEST_CASE("vector: rotations, sums and scaling are the same on every ISA") {
  for (const bool interleaved : {false, true}) {
    require_in_place_equal(
        [&](const VectorKernels& kernel, float* x, std::size_t count, const float* cosines,
            const float* sines) { kernel.rotate(x, cosines, sines, count / 2 * 2, interleaved); });
  }
  require_in_place_equal([](const VectorKernels& kernel, float* x, std::size_t count,
                            const float* y, const float*) { kernel.add(x, y, count); });
  require_in_place_equal([](const VectorKernels& kernel, float* x, std::size_t count, const float*,
                            const float*) { kernel.scale(x, count, 0.3F); });
}
