// The kernels of quantisation. The scalar file is the specification; the others equal it bit for
// bit. This header is included by files of every ISA: it must define no code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

// The smallest and largest of the values and zero; `finite` is false if any value is NaN or
// infinite, and the other two are then undefined.
struct Range {
  float low;
  float high;
  bool finite;
};

// code = round_half_even(clamp(weight / scale, lowest - zero, highest - zero)) + zero
struct Quantizer {
  float scale;
  std::int32_t zero;
  std::int32_t lowest;
  std::int32_t highest;
};

// Sums of squares in double. Element i goes to lane i % 8, and the lanes are added as
// ((0+4) + (2+6)) + ((1+5) + (3+7)), on every ISA.
struct SquareSums {
  double weights;
  double errors;  // weight - (code - zero) * scale; the product is a float, as users see it
};

struct QuantizeKernels {
  Range (*range)(const float* weights, std::size_t count) noexcept;
  SquareSums (*quantize)(const float* weights, std::size_t count, const Quantizer& quantizer,
                         std::uint8_t* codes) noexcept;
  // Exact; a signalling NaN becomes quiet in `widen_f16`, as IEEE 754 conversions do.
  void (*widen_bf16)(const std::uint16_t* bits, std::size_t count, float* weights) noexcept;
  void (*widen_f16)(const std::uint16_t* bits, std::size_t count, float* weights) noexcept;
};

const QuantizeKernels& quantize_kernels(Isa isa) noexcept;

extern const QuantizeKernels quantize_scalar;
extern const QuantizeKernels quantize_avx2;
extern const QuantizeKernels quantize_avx512;
extern const QuantizeKernels quantize_neon;

}  // namespace meadow::kernels
