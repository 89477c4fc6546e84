// The kernels that cut floats into planes of bytes and put them together again. The scalar file is
// the specification; the others equal it bit for bit. This header is included by files of every
// ISA: it must define no code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

// Where a 16-bit float is cut. From the highest bit on it is a sign, a field of exponent and top
// mantissa bits, and `shift` low mantissa bits. A symbol is the field less its base; the rest is
// the sign above the low mantissa bits, in shift + 1 bits.
struct FloatCut {
  unsigned shift;        // at most 7
  std::uint16_t field;   // ones where the field lies, from bit 0 on: 15 - shift of them
  std::uint16_t escape;  // symbols from here on hold only the top mantissa bits
  std::uint16_t top;     // ones where the top mantissa bits lie in a symbol
};

struct FloatCutKernels {
  // symbol = (field - row_base - column_bases[i]) mod field if that is below cut.escape; otherwise
  // cut.escape with the top mantissa bits. Returns the number of escapes. `rest` may be null.
  std::size_t (*split)(const FloatCut& cut, const std::uint16_t* values, std::size_t count,
                       const std::uint16_t* column_bases, std::uint16_t row_base,
                       std::uint8_t* symbols, std::uint8_t* rest) noexcept;
  void (*merge)(const FloatCut& cut, const std::uint8_t* symbols, const std::uint8_t* rest,
                std::size_t count, const std::uint16_t* column_bases, std::uint16_t row_base,
                std::uint16_t* values) noexcept;
  // Bytes below 2^width to fields of `width` bits, lowest bit first, and back: ceil(count * width /
  // 8) packed bytes, and nothing outside is touched. `width` is 1 to 8.
  void (*pack)(const std::uint8_t* values, std::size_t count, unsigned width,
               std::uint8_t* packed) noexcept;
  void (*unpack)(const std::uint8_t* packed, std::size_t count, unsigned width,
                 std::uint8_t* values) noexcept;
  // F32 bits: the upper half, and the two lower bytes.
  void (*split_f32)(const std::uint32_t* values, std::size_t count, std::uint16_t* upper,
                    std::uint8_t* middle, std::uint8_t* low) noexcept;
  void (*merge_f32)(const std::uint16_t* upper, const std::uint8_t* middle, const std::uint8_t* low,
                    std::size_t count, std::uint32_t* values) noexcept;
  // sums[i] += weights[i] * square of values[i], BF16 or F16 bits. NaN, infinities and squares from
  // 1e34 on add 0.
  void (*add_squares_bf16)(const std::uint16_t* values, std::size_t count, const float* weights,
                           float* sums) noexcept;
  void (*add_squares_f16)(const std::uint16_t* values, std::size_t count, const float* weights,
                          float* sums) noexcept;
};

const FloatCutKernels& float_cut_kernels(Isa isa) noexcept;

extern const FloatCutKernels float_cut_scalar;
extern const FloatCutKernels float_cut_avx2;
extern const FloatCutKernels float_cut_avx512;
extern const FloatCutKernels float_cut_neon;

}  // namespace meadow::kernels
