// The loop over a group's units, for the files of the ISAs: runs without an escape, and between
// them units whose upper bytes are first corrected in memory. Everything is in an anonymous
// namespace, so that each file has its own copy.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_planes/bf16_planes.h"

namespace meadow::kernels {
namespace {

struct GroupPlanes {
  const std::uint8_t* codes;  // of the group's first unit
  const std::uint8_t* lower;
  const std::uint8_t* table;
  const Escape* escape;  // the next one
  const Escape* last;    // past the group's last
};

GroupPlanes planes_of(const Bf16PlaneRows& weight, std::size_t group) noexcept {
  const std::size_t at = group * units_of(weight.columns);
  return {weight.codes + at * kUnitCodes, weight.lower + at * kUnitLower,
          weight.tables + group / kTableGroups * kUpperBytes,
          weight.escapes + weight.escaped[group], weight.escapes + weight.escaped[group + 1]};
}

// Goes over units [begin, end) in order and calls coded(first, end) for runs of units, and
// stored(unit, upper bytes [128]) for units with escapes. `upper(unit, out)` decodes upper bytes.
template <typename Upper, typename Coded, typename Stored>
void for_each_run(GroupPlanes& planes, std::size_t begin, std::size_t end, const Upper& upper,
                  const Coded& coded, const Stored& stored) noexcept {
  while (planes.escape != planes.last && planes.escape->unit < begin) ++planes.escape;
  while (begin < end) {
    const bool more = planes.escape != planes.last && planes.escape->unit < end;
    const std::size_t stop = more ? planes.escape->unit : end;
    if (begin < stop) coded(begin, stop);
    begin = stop;
    if (!more) continue;
    alignas(64) std::uint8_t bytes[kUnitLower];
    upper(begin, bytes);
    for (; planes.escape != planes.last && planes.escape->unit == begin; ++planes.escape) {
      bytes[planes.escape->byte & (kUnitLower - 1)] = planes.escape->upper;
    }
    stored(begin, bytes);
    ++begin;
  }
}

// Handles a run of coded units like those with escapes, each through memory.
template <typename Upper, typename Stored>
[[maybe_unused]] auto through_memory(const Upper& upper, const Stored& stored) noexcept {
  return [&upper, &stored](std::size_t unit, std::size_t end) noexcept {
    for (; unit < end; ++unit) {
      alignas(64) std::uint8_t bytes[kUnitLower];
      upper(unit, bytes);
      stored(unit, bytes);
    }
  };
}

}  // namespace
}  // namespace meadow::kernels
