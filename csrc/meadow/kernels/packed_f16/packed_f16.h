// Products of F16 whose upper bytes are coded: a code of 6 bits stands for sign, exponent and the
// two highest mantissa bits; the lower byte is stored as it is. The scalar file is the
// specification; the others equal it, and the products of the dense weight (see kernels/product),
// bit for bit. This header is read by files of every ISA: it must define no code.
//
// Groups and units are those of kernels/packed: 4 rows, 32 columns. A unit has 96 bytes of codes
// and 128 lower bytes, 32 of each row. Of the codes byte b of the first 32 holds the lower 4 bits
// of rows 0 (low half) and 1 (high half), of the next 32 those of rows 2 and 3, and of the last 32
// the upper 2 bits of row r in its bits 2 r and 2 r + 1. Byte b of a row is column
// `f16_column_of_byte(b)`: interleaving lower and upper bytes within 16 bytes then gives eight
// columns of F16 in a row, and those of 32 bytes 16.
//
// One to two weights of a hundred are in no table, one or two of a unit: a list of places would
// send most units through memory. So a code of each table says "the next of the escapes": upper
// bytes in order of units, of rows, of bytes, for which AVX-512 has one instruction and which cost
// 8 bits each.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/packed/packed.h"

namespace meadow::kernels {

constexpr std::size_t kF16UnitCodes = 96;      // bytes
constexpr std::size_t kF16HighCodes = 64;      // where the upper 2 bits of the codes begin
constexpr std::size_t kF16UpperBytes = 64;     // entries of a table, one of 64 rows
constexpr std::size_t kF16EscapePadding = 64;  // bytes behind the last escape that may be read
// An upper byte of NaN, which no weight has: the next escape stands in its place.
constexpr std::uint8_t kF16Escaped = 0x7F;
// Units between two marks, which say where escapes go on.
constexpr std::size_t kMarkUnits = 32;

constexpr std::size_t f16_column_of_byte(std::size_t byte) noexcept {
  return byte % 8 + byte / 16 * 8 + byte / 8 % 2 * 16;
}

struct PackedF16Rows {
  const std::uint8_t* codes;    // [groups, units, kF16UnitCodes]
  const std::uint8_t* lower;    // [groups, units, kUnitLower]
  const std::uint8_t* tables;   // [groups / kTableGroups, kF16UpperBytes]
  const std::uint8_t* escapes;  // of all groups, and kF16EscapePadding bytes
  const std::uint32_t* marks;   // [groups, units / kMarkUnits]: the next escape of each 32nd unit
  std::size_t columns;
};

constexpr std::size_t marks_of(std::size_t columns) noexcept {
  return (units_of(columns) + kMarkUnits - 1) / kMarkUnits;
}

struct PackedF16Kernels {
  // One group with few tokens; y takes the first `rows` results of each. Rows beyond a weight's
  // last are coded like any other and left out here.
  void (*multiply)(const PackedF16Rows& packed, std::size_t group, std::size_t rows,
                   const Tokens& tokens) noexcept;
  // Units [begin, end) of a group in F32: widened[row * stride + column - begin * 32]. `begin` is a
  // multiple of kMarkUnits.
  void (*widen)(const PackedF16Rows& packed, std::size_t group, std::size_t begin, std::size_t end,
                float* widened, std::size_t stride) noexcept;
};

const PackedF16Kernels& packed_f16_kernels(Isa isa) noexcept;

extern const PackedF16Kernels packed_f16_scalar;
extern const PackedF16Kernels packed_f16_avx2;
extern const PackedF16Kernels packed_f16_avx512;
extern const PackedF16Kernels packed_f16_neon;

}  // namespace meadow::kernels
