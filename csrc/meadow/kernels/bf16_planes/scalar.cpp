#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_planes/units.h"
#include "meadow/kernels/float_bits.h"

namespace meadow::kernels {
namespace {

std::uint8_t upper_byte(const Bf16PlaneRows& weight, std::size_t group, const std::uint8_t* codes,
                        std::size_t row, std::size_t byte) noexcept {
  const unsigned pair = codes[row / 2 * kUnitColumns + byte];
  const unsigned code = row % 2 == 0 ? pair & 15 : pair >> 4;
  return weight.tables[group / kTableGroups * kUpperBytes + code];
}

void set(Unit& unit, std::size_t row, std::size_t byte, unsigned upper, unsigned lower) noexcept {
  unit.values[row][column_of_byte(byte)] = float_of(upper << 24 | lower << 16);
}

Unit decoded(const Bf16PlaneRows& weight, std::size_t group, std::size_t n) noexcept {
  const std::size_t at = group * units_of(weight.columns) + n;
  const std::uint8_t* codes = weight.codes + at * kUnitCodes;
  const std::uint8_t* lower = weight.lower + at * kUnitLower;
  Unit unit;
  for (std::size_t row = 0; row < kGroupRows; ++row) {
    for (std::size_t byte = 0; byte < kUnitColumns; ++byte) {
      const std::uint8_t upper = upper_byte(weight, group, codes, row, byte);
      set(unit, row, byte, upper, lower[row * kUnitColumns + byte]);
    }
  }
  for (std::uint32_t e = weight.escaped[group]; e < weight.escaped[group + 1]; ++e) {
    const Escape& escape = weight.escapes[e];
    if (escape.unit != n) continue;
    const std::size_t row = escape.byte / kUnitColumns;
    set(unit, row, escape.byte % kUnitColumns, escape.upper, lower[escape.byte]);
  }
  return unit;
}

void multiply(const Bf16PlaneRows& weight, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  multiply_units(weight.columns, rows, tokens, [&](const auto& each) noexcept {
    for (std::size_t n = 0; n < units_of(weight.columns); ++n) each(n, decoded(weight, group, n));
  });
}

void widen(const Bf16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  for (std::size_t n = begin; n < end; ++n, widened += kUnitColumns) {
    widen_unit(decoded(weight, group, n), widened, stride);
  }
}

}  // namespace

const Bf16PlanesKernels bf16_planes_scalar = {multiply, widen};

}  // namespace meadow::kernels
