// Where the planes and escapes of a strip lie. Everything is in an anonymous namespace, so that
// each file of an ISA has its own copy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/f16_planes/f16_planes.h"

namespace meadow::kernels {
namespace {

struct F16Strip {
  const std::uint8_t* codes;  // of its first unit
  const std::uint8_t* lower;
  const F16Escape* escape;
  const F16Escape* last;  // past its last escape
  std::size_t units;      // at most kStripUnits
};

// The strip that starts at unit `begin`, a multiple of kStripUnits, of a group's units [begin,
// end).
F16Strip f16_strip_of(const F16PlaneRows& weight, std::size_t group, std::size_t begin,
                      std::size_t end) noexcept {
  const std::size_t at = group * units_of(weight.columns) + begin;
  const std::size_t strip = group * strips_of(weight.columns) + begin / kStripUnits;
  return {weight.codes + at * kF16UnitCodes, weight.lower + at * kUnitLower,
          weight.escapes + weight.escaped[strip], weight.escapes + weight.escaped[strip + 1],
          end - begin < kStripUnits ? end - begin : kStripUnits};
}

const std::uint8_t* f16_table_of(const F16PlaneRows& weight, std::size_t group) noexcept {
  return weight.tables + group / kTableGroups * kF16UpperBytes;
}

// Puts the escapes in their places; `bytes` are the upper bytes of a whole strip.
void put_in_place(const F16Strip& strip, std::uint8_t* bytes) noexcept {
  std::size_t at = 0;
  for (const F16Escape* escape = strip.escape; escape != strip.last; ++escape) {
    at += escape->skip;
    bytes[at & (kStripBytes - 1)] = escape->upper;
  }
}

}  // namespace
}  // namespace meadow::kernels
