// "q8": symmetric INT8 in groups of 32 inputs, whose scales are 8-bit codes times one F32 scale of
// the row: 8.25 bits per weight and 32 per row, compared with 8.5 per weight for GGUF's Q8_0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "meadow/kernels/quantize/quantize.h"

namespace meadow {

constexpr std::size_t kQ8Group = 32;

struct Q8 {
  std::int8_t* codes;          // [rows, columns], -127 to 127
  float* row_scales;           // [rows]
  std::uint8_t* coded_scales;  // [rows, ceil(columns / 32)], 1 to 255
};

// A weight is code * (coded scale * row scale), in float. For each group, sixteen neighbouring
// scales from |weight|max / 127.5 on are tried, and the one with the least squared error is kept:
// on real weights that leaves less error than Q8_0, which uses |weight|max / 127 in F16. Returns
// the sums of squares of weights and errors. Throws InvalidArgument for NaN and infinity, naming
// the weight and the index.
kernels::SquareSums quantize_q8(const float* weights, std::size_t rows, std::size_t columns,
                                const std::string& name, const Q8& out, unsigned threads);

}  // namespace meadow
