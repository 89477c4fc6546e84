// Products of BF16 whose upper bytes are coded: a code of 4 bits stands for the sign and
// the upper seven exponent bits of a BF16; the lower byte (lowest exponent bit, mantissa) is stored
// as it is. The scalar file is the specification; the others equal it, and the products of the
// dense weight (see kernels/product), bit for bit. This header is included by files of every ISA:
// it must define no code.
//
// Four rows form a group, and 32 columns of a group form a unit of 128 weights. A unit has 64 bytes
// of codes: byte b of the first 32 holds rows 0 (low half) and 1 (high half), and byte b of the
// last 32 holds rows 2 and 3. It also has 128 lower bytes, 32 of each row. Byte b of a row is
// column `column_of_byte(b)`: interleaving lower and upper bytes within 16 bytes, as `unpack` and
// `zip` do, then gives 32-bit words with one of 16 columns in the lower half and the column 16
// further in the upper half.
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

// A weight whose upper byte is not in its table. Escapes are ordered by unit, then by byte.
struct Escape {
  std::uint16_t unit;
  std::uint8_t byte;   // row * 32 + byte of the row
  std::uint8_t upper;  // the upper byte
};

struct Bf16PlaneRows {
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

struct Bf16PlanesKernels {
  // Multiplies one group with few tokens and writes the first `rows` results of each to y. Rows
  // past a weight's last are coded like any other and left out here.
  void (*multiply)(const Bf16PlaneRows& weight, std::size_t group, std::size_t rows,
                   const Tokens& tokens) noexcept;
  // Units [begin, end) of a group to F32, as widened[row * stride + column - begin * 32].
  void (*widen)(const Bf16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
                float* widened, std::size_t stride) noexcept;
};

const Bf16PlanesKernels& bf16_planes_kernels(Isa isa) noexcept;

extern const Bf16PlanesKernels bf16_planes_scalar;
extern const Bf16PlanesKernels bf16_planes_avx2;
extern const Bf16PlanesKernels bf16_planes_avx512;
extern const Bf16PlanesKernels bf16_planes_neon;

}  // namespace meadow::kernels
