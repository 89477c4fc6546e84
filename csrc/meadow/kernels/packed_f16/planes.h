// Where a group's planes lie. Everything is in an anonymous namespace, so each file of an ISA has
// its own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/packed_f16/packed_f16.h"

namespace meadow::kernels {
namespace {

struct F16GroupPlanes {
  const std::uint8_t* codes;  // of the group's first unit
  const std::uint8_t* lower;
  const std::uint8_t* table;
  const std::uint8_t* escape;  // the next one
};

// With the escapes of unit `begin`, a multiple of kMarkUnits, to come.
F16GroupPlanes f16_planes_of(const PackedF16Rows& packed, std::size_t group,
                             std::size_t begin) noexcept {
  const std::size_t at = group * units_of(packed.columns);
  const std::size_t mark = group * marks_of(packed.columns) + begin / kMarkUnits;
  return {packed.codes + at * kF16UnitCodes, packed.lower + at * kUnitLower,
          packed.tables + group / kTableGroups * kF16UpperBytes,
          packed.escapes + packed.marks[mark]};
}

}  // namespace
}  // namespace meadow::kernels
