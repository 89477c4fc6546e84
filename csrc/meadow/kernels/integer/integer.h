// Products of integer weights, with inputs in INT8 (W8A8) or in F32. The scalar file is the
// specification; the others equal it bit for bit. This header is included by files of every ISA: it
// must define no code.
//
// A weight is stored in strips of 16 rows, and a strip in blocks of 32 columns. Step s of a block
// covers its columns 4 s to 4 s + 3: 64 codes, those of row r at 4 r to 4 r + 3. So 16 rows are 16
// lanes of 32 bits, and no sum crosses lanes. A code is a field of `width` bits plus the strip's
// offset; the fields of a block take 64 * width bytes, in pieces of 64 bytes:
//   width & 4: 4 pieces, the lowest 4 bits of all fields; piece k has step 2 k in its low nibbles,
//              2 k + 1 in its high ones
//   width & 2: 2 pieces, the next 2 bits; piece k has step 4 k + j at bit 2 j
//   width & 1: 1 piece, the highest bit; step j at bit j
//   width = 8: 8 pieces, step after step, codes as INT8 and no offset
// So a dense matrix of INT8 has width 8 everywhere, and one of INT4 has width 4 with offset -8.
//
// A code that no field plus offset can represent is an escape: the difference to the field in its
// place is added to the sums, which are exact integers. An escape has 16 bits, from bit 0 on: 5
// bits for the columns since the previous escape (for the first: since column 0), 4 bits for the
// row, and 7 bits for the signed addend. Entries for the same place add up; one that adds 0 bridges
// a gap of 31 columns. Every block of a strip has the same number of escapes, so that some can be
// added with each block, wherever they belong; unused ones at the end add 0.
//
// Every sum is exact in int32 as long as a row has at most kMostIntegerColumns columns. The floats
// have one order: see InputCodes and StripScales.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

constexpr std::size_t kStripRows = 16;
constexpr std::size_t kBlockColumns = 32;
constexpr std::size_t kBlockCodes = kStripRows * kBlockColumns;
constexpr std::size_t kMostIntegerColumns = std::size_t{1} << 17;  // 2^17 * 128 * 127 < 2^31

struct IntegerStrip {
  const std::uint8_t* fields;
  const std::uint16_t* escapes;
  std::uint32_t escape_count;  // a multiple of blocks
  std::int16_t offset;
  std::uint8_t width;    // 2 to 8
  std::uint32_t blocks;  // columns / 32, rounded up; fields past the columns are arbitrary
};

// Scales of a strip, 16 rows side by side. With an integer dot product d and the scale a of the
// inputs, in F32, a product with InputCodes is
//   per_scale 0:  float(d) * (outer[r] * a)
//   else:         sum * (outer[r] * a), where for each group g of per_scale blocks in their order
//                 sum = fma(float(d_g), s, sum), from 0, and s is groups[16 g + r], or
//                 float(coded[16 g + r])
// A product with inputs in F32 follows the contract of product.h, with the weight
//   per_scale 0:  float(code), and the result is outer[r] * that
//   groups:       float(code) * groups[16 g + r], and the result is outer[r] * that
//   coded:        float(code) * (float(coded[16 g + r]) * outer[r]), with no further factor
struct StripScales {
  const float* outer;
  const float* groups;        // or null
  const std::uint8_t* coded;  // or null
  std::uint32_t per_scale;    // blocks that share a scale; 0: the whole row
};

// Inputs of `count` tokens as `codes` * `scales`.
struct InputCodes {
  std::size_t count;
  const std::int8_t* codes;        // [count, stride], -127 to 127, zeros after the columns
  std::size_t stride;              // a multiple of 64
  const float* scales;             // [count]
  const std::int32_t* block_sums;  // [count, stride / 32], of the codes of a block
  float* y;                        // of the strip's first row
  std::size_t y_stride;            // floats from one token to the next
};

struct InputValues {
  std::size_t count;
  const float* values;  // [count, columns]
  std::size_t columns;
  float* y;
  std::size_t y_stride;
};

struct IntegerKernels {
  // Symmetric INT8 of one token: scale = max |x| / 127; code = x / scale, rounded half to even and
  // limited to -127 to 127. The scale is 1 if max / 127 is 0. If x contains NaN or infinity, the
  // scale is NaN and the codes are 0, so that every result is NaN. Writes `stride` codes, with
  // zeros after the columns, and stride / 32 sums. Returns the scale.
  float (*quantize)(const float* x, std::size_t columns, std::size_t stride, std::int8_t* codes,
                    std::int32_t* block_sums) noexcept;
  // y of the first `rows` rows of a strip.
  void (*multiply_codes)(const IntegerStrip& strip, const StripScales& scales, std::size_t rows,
                         const InputCodes& x) noexcept;
  void (*multiply_values)(const IntegerStrip& strip, const StripScales& scales, std::size_t rows,
                          const InputValues& x) noexcept;
  // Every code, as [blocks * 2][16 rows][16 columns].
  void (*decode)(const IntegerStrip& strip, std::int8_t* codes) noexcept;
};

const IntegerKernels& integer_kernels(Isa isa) noexcept;

extern const IntegerKernels integer_scalar;
extern const IntegerKernels integer_avx2;
extern const IntegerKernels integer_avx512;
extern const IntegerKernels integer_neon;

}  // namespace meadow::kernels
