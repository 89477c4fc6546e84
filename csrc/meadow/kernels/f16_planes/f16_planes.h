// Products of F16 whose upper bytes are coded: a code of 6 bits stands for the sign, the exponent
// and the two highest mantissa bits; the lower byte is stored as it is. The scalar file is the
// specification; the others equal it, and the products of the dense weight (see kernels/product),
// bit for bit. This header is included by files of every ISA: it must define no code.
//
// Groups and units are those of kernels/bf16_planes: 4 rows, 32 columns. A unit has 96 bytes of
// codes and 128 lower bytes, 32 of each row. Byte b of the first 32 bytes of codes holds the lower
// 4 bits of rows 0 (low half) and 1 (high half), byte b of the next 32 those of rows 2 and 3, and
// byte b of the last 32 the upper 2 bits of row r in its bits 2 r and 2 r + 1. Byte b of a row is
// column `f16_column_of_byte(b)`: interleaving lower and upper bytes within 16 bytes then gives
// eight consecutive columns of F16, and interleaving those of 32 bytes gives 16.
//
// One or two weights in a hundred are in no table, so most units have an escape. For each strip of
// 32 units, upper bytes are decoded to the innermost cache, then one loop puts the escapes in their
// places there, and then the product is computed. An escape takes 16 bits, and a strip has one
// mispredicted branch. (A stream of escaped bytes, inserted by vpexpandb, took 8 bits per escape
// but cost 0.3 of the speed.)
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_planes/bf16_planes.h"

namespace meadow::kernels {

constexpr std::size_t kF16UnitCodes = 96;   // bytes
constexpr std::size_t kF16HighCodes = 64;   // where the upper 2 bits of the codes begin
constexpr std::size_t kF16UpperBytes = 64;  // entries of a table, one of 64 rows
constexpr std::size_t kStripUnits = 32;
constexpr std::size_t kStripBytes = kStripUnits * kUnitLower;

constexpr std::size_t f16_column_of_byte(std::size_t byte) noexcept {
  return byte % 8 + byte / 16 * 8 + byte / 8 % 2 * 16;
}

// A weight that is not in its table, or a step towards the next such weight. Ordered by place,
// which is unit * 128 + row * 32 + byte of the row.
struct F16Escape {
  std::uint8_t skip;   // places from the previous one, or from the first of the strip
  std::uint8_t upper;  // the upper byte
};

struct F16PlaneRows {
  const std::uint8_t* codes;     // [groups, units, kF16UnitCodes]
  const std::uint8_t* lower;     // [groups, units, kUnitLower]
  const std::uint8_t* tables;    // [groups / kTableGroups, kF16UpperBytes]
  const F16Escape* escapes;      // of all strips
  const std::uint32_t* escaped;  // [groups * strips + 1]: where the escapes of a strip begin
  std::size_t columns;
};

constexpr std::size_t strips_of(std::size_t columns) noexcept {
  return (units_of(columns) + kStripUnits - 1) / kStripUnits;
}

struct F16PlanesKernels {
  // Multiplies one group with few tokens and writes the first `rows` results of each to y. Rows
  // past a weight's last are coded like any other and left out here.
  void (*multiply)(const F16PlaneRows& weight, std::size_t group, std::size_t rows,
                   const Tokens& tokens) noexcept;
  // Units [begin, end) of a group to F32, as widened[row * stride + column - begin * 32]. `begin`
  // is a multiple of kStripUnits.
  void (*widen)(const F16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
                float* widened, std::size_t stride) noexcept;
};

const F16PlanesKernels& f16_planes_kernels(Isa isa) noexcept;

extern const F16PlanesKernels f16_planes_scalar;
extern const F16PlanesKernels f16_planes_avx2;
extern const F16PlanesKernels f16_planes_avx512;
extern const F16PlanesKernels f16_planes_neon;

}  // namespace meadow::kernels
