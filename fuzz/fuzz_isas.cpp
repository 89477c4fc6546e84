// Any bits given to the kernels of every ISA that this CPU runs: each gives the bits of the scalar
// kernels.
#include <cmath>
#include <limits>

#include "harness.h"
#include "meadow/kernels/isa.h"
#include "meadow/kernels/quantize/quantize.h"

using namespace meadow;
using kernels::QuantizeKernels;
using kernels::Quantizer;

namespace {

constexpr std::size_t kMostElements = 1 << 12;

template <typename Value>
bool same_bits(const Value& a, const Value& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

template <typename Value>
bool same_bits(const std::vector<Value>& a, const std::vector<Value>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(Value)) == 0);
}

struct Case {
  Quantizer quantizer;
  std::size_t skip;  // elements before the first one that kernels see: alignment
  std::vector<std::uint32_t> words;
};

// The codes of the quantisers: symmetric around 0, or 0 to 2^bits - 1 around a zero point.
Quantizer read_quantizer(fuzz::Input& input) {
  const unsigned bits = input.take_in(2, 8);
  const auto zero = input.take<std::uint8_t>();
  const bool symmetric = (input.take<std::uint8_t>() & 1U) != 0;
  float scale = std::fabs(input.take<float>());
  if (!std::isfinite(scale) || scale == 0.0F) scale = 1.0F;
  if (symmetric) {
    const std::int32_t highest = (1 << (bits - 1)) - 1;
    return {scale, 0, -highest, highest};
  }
  const std::int32_t highest = (1 << bits) - 1;
  return {scale, zero & highest, 0, highest};
}

Case read_case(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  Case made{};
  made.quantizer = read_quantizer(input);
  made.skip = input.take_in(0, 15);
  made.words = input.take_rest<std::uint32_t>(kMostElements);
  made.skip = made.skip < made.words.size() ? made.skip : 0;
  return made;
}

std::vector<float> floats_of(const std::vector<std::uint32_t>& words, bool finite) {
  std::vector<float> values(words.size());
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::memcpy(&values[i], &words[i], sizeof values[i]);
    if (finite && !std::isfinite(values[i])) values[i] = 0.0F;
  }
  return values;
}

void check_range(const QuantizeKernels& kernel, const std::vector<float>& weights,
                 std::size_t skip) {
  const std::size_t count = weights.size() - skip;
  const kernels::Range expected = kernels::quantize_scalar.range(weights.data() + skip, count);
  const kernels::Range found = kernel.range(weights.data() + skip, count);
  fuzz::require(expected.finite == found.finite, "range: NaN and infinity are seen by every ISA");
  if (!expected.finite) return;
  fuzz::require(same_bits(expected.low, found.low) && same_bits(expected.high, found.high),
                "range: every ISA finds the same ends");
}

void check_quantize(const QuantizeKernels& kernel, const std::vector<float>& weights,
                    const Case& made) {
  const std::size_t count = weights.size() - made.skip;
  std::vector<std::uint8_t> expected(count);
  std::vector<std::uint8_t> found(count);
  const auto a = kernels::quantize_scalar.quantize(weights.data() + made.skip, count,
                                                   made.quantizer, expected.data());
  const auto b = kernel.quantize(weights.data() + made.skip, count, made.quantizer, found.data());
  fuzz::require(expected == found, "quantize: every ISA gives the same codes");
  fuzz::require(same_bits(a.weights, b.weights) && same_bits(a.errors, b.errors),
                "quantize: every ISA gives the same sums of squares");
}

void check_widen(const QuantizeKernels& kernel, const Case& made) {
  std::vector<std::uint16_t> bits(2 * (made.words.size() - made.skip));
  if (!bits.empty()) {
    std::memcpy(bits.data(), made.words.data() + made.skip, bits.size() * sizeof bits[0]);
  }
  std::vector<float> expected(bits.size());
  std::vector<float> found(bits.size());
  kernels::quantize_scalar.widen_bf16(bits.data(), bits.size(), expected.data());
  kernel.widen_bf16(bits.data(), bits.size(), found.data());
  fuzz::require(same_bits(expected, found), "widen_bf16: every ISA gives the same bits");
  kernels::quantize_scalar.widen_f16(bits.data(), bits.size(), expected.data());
  kernel.widen_f16(bits.data(), bits.size(), found.data());
  fuzz::require(same_bits(expected, found), "widen_f16: every ISA gives the same bits");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Case made = read_case(data, size);
  const std::vector<float> any = floats_of(made.words, false);
  const std::vector<float> finite = floats_of(made.words, true);
  for (const Isa isa : available_isas()) {
    const QuantizeKernels& kernel = kernels::quantize_kernels(isa);
    check_range(kernel, any, made.skip);
    check_range(kernel, finite, made.skip);
    check_quantize(kernel, finite, made);
    check_widen(kernel, made);
  }
  return 0;
}
