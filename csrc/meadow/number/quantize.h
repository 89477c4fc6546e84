// Integer quantisation of a weight [rows = out, columns = in].
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "meadow/kernels/quantize/quantize.h"
#include "meadow/number/dtype.h"

namespace meadow {

struct Weight {
  const void* values;  // rows * columns, row by row
  FloatType type;      // F64, F32, F16 or BF16
  std::size_t rows;
  std::size_t columns;
  std::string name;  // for messages
};

struct QuantizeSpec {
  unsigned bits;          // 2 to 8
  bool symmetric;         // codes -(2^(bits-1) - 1) to 2^(bits-1) - 1; otherwise 0 to 2^bits - 1
  std::size_t per_scale;  // inputs of a row that share a scale; 0: the whole weight shares one
};

// The number of scales that `spec` gives a row. A weight has rows * scales_per_row of them, or 1.
std::size_t scales_per_row(const Weight& weight, const QuantizeSpec& spec) noexcept;
std::size_t scale_count(const Weight& weight, const QuantizeSpec& spec) noexcept;

struct Quantized {
  std::uint8_t* codes;        // rows * columns; int8 if symmetric, else uint8
  float* scales;              // scale_count
  std::int32_t* zero_points;  // scale_count, or null if symmetric
};

// Rounds half to even. An all-zero group has scale 1. The asymmetric range always contains zero.
// Returns the sums of squares of weights and errors. Throws InvalidArgument for NaN, infinity, and
// an F64 that is infinite as F32, naming the weight and the index.
kernels::SquareSums quantize(const Weight& weight, const QuantizeSpec& spec, const Quantized& out,
                             unsigned threads);

// weights[i] = (code - zero point) * scale, in float. `codes` are int8 without zero points and
// uint8 with them.
void dequantize(const Quantized& from, std::size_t rows, std::size_t columns, std::size_t per_scale,
                float* weights, unsigned threads);

}  // namespace meadow
