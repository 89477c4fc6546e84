// Products of 16-bit floats whose upper bytes are coded: a code of 4 bits stands for sign and upper
// seven exponent bits of a BF16; the lower byte (lowest exponent bit, mantissa) is stored as it is.
// The scalar file is the specification; the others equal it, and the products of the dense weight
// (see kernels/product), bit for bit. This header is read by files of every ISA: it must define no
// code.
//
// Four rows are a group, 32 columns of a group a unit of 128 weights. A unit has 64 bytes of codes:
// byte b of the first 32 holds rows 0 (low half) and 1 (high half), of the last 32 rows 2 and 3;
// and 128 lower bytes, 32 of each row. Byte b of a row is column `column_of_byte(b)`: interleaving
// lower and upper bytes within 16 bytes, as `unpack` and `zip` do, then gives 32-bit words whose
// lower half is one of 16 columns and whose upper half that 16 columns on.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/product/product.h"

namespace meadow::kernels {

constexpr std::size_t kGroupRows = 4;
constexpr std::size_t kUnitColumns = 32;
constexpr std::size_t kUnitCodes = 64;    // bytes
constexpr std::size_t kUnitLower = 128;   // bytes
constexpr std::size_t kUpperBytes = 16;   // entries of a table
constexpr std::size_t kTableGroups = 16;  // groups that share a table

constexpr std::size_t column_of_byte(std::size_t byte) noexcept {
  const std::size_t word = byte % 8 / 2 + byte / 16 * 4;
  return word + byte / 8 % 2 * 8 + byte % 2 * 16;
}

// A weight whose upper byte is none of its table's: in order of units, then of bytes.
struct Escape {
  std::uint16_t unit;
  std::uint8_t byte;   // row * 32 + byte of the row
  std::uint8_t upper;  // the upper byte
};

struct PackedRows {
  const std::uint8_t* codes;     // [groups, units, kUnitCodes]
  const std::uint8_t* lower;     // [groups, units, kUnitLower]
  const std::uint8_t* tables;    // [groups / kTableGroups, kUpperBytes]
  const Escape* escapes;         // of all groups
  const std::uint32_t* escaped;  // [groups + 1]: where the escapes of a group begin
  std::size_t columns;
};

constexpr std::size_t units_of(std::size_t columns) noexcept {
  return (columns + kUnitColumns - 1) / kUnitColumns;
}

struct PackedKernels {
  // One group with few tokens; y takes the first `rows` results of each. Rows beyond a weight's
  // last are coded like any other and left out here.
  void (*multiply)(const PackedRows& packed, std::size_t group, std::size_t rows,
                   const Tokens& tokens) noexcept;
  // Units [begin, end) of a group in F32: widened[row * stride + column - begin * 32].
  void (*widen)(const PackedRows& packed, std::size_t group, std::size_t begin, std::size_t end,
                float* widened, std::size_t stride) noexcept;
};

const PackedKernels& packed_kernels(Isa isa) noexcept;

extern const PackedKernels packed_scalar;
extern const PackedKernels packed_avx2;
extern const PackedKernels packed_avx512;
extern const PackedKernels packed_neon;

}  // namespace meadow::kernels
