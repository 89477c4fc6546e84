#include <cstddef>
#include <cstdint>

#include "meadow/kernels/bf16_planes/units.h"
#include "meadow/kernels/f16_planes/strip.h"
#include "meadow/kernels/float_bits.h"

namespace meadow::kernels {
namespace {

unsigned code_of(const std::uint8_t* codes, std::size_t row, std::size_t byte) noexcept {
  const unsigned pair = codes[row / 2 * kUnitColumns + byte];
  const unsigned low = row % 2 == 0 ? pair & 15 : pair >> 4;
  const unsigned high = codes[kF16HighCodes + byte] >> 2 * row & 3;
  return high << 4 | low;
}

struct UpperBytes {
  std::uint8_t of[kStripBytes];
};

UpperBytes upper_bytes(const F16Strip& strip, const std::uint8_t* table) noexcept {
  UpperBytes upper;
  for (std::size_t i = 0; i < strip.units * kUnitLower; ++i) {
    const std::uint8_t* codes = strip.codes + i / kUnitLower * kF16UnitCodes;
    upper.of[i] = table[code_of(codes, i / kUnitColumns % kGroupRows, i % kUnitColumns)];
  }
  put_in_place(strip, upper.of);
  return upper;
}

Unit unit_of(const F16Strip& strip, const UpperBytes& upper, std::size_t n) noexcept {
  Unit unit;
  for (std::size_t i = 0; i < kUnitLower; ++i) {
    const std::size_t at = n * kUnitLower + i;
    const auto bits = static_cast<std::uint16_t>(upper.of[at] << 8 | strip.lower[at]);
    unit.values[i / kUnitColumns][f16_column_of_byte(i % kUnitColumns)] = float_of_f16(bits);
  }
  return unit;
}

// Calls each(unit of the group, its weights) for units [begin, end) in order.
template <typename Each>
void for_each_unit(const F16PlaneRows& weight, std::size_t group, std::size_t begin,
                   std::size_t end, const Each& each) noexcept {
  for (; begin < end; begin += kStripUnits) {
    const F16Strip strip = f16_strip_of(weight, group, begin, end);
    const UpperBytes upper = upper_bytes(strip, f16_table_of(weight, group));
    for (std::size_t n = 0; n < strip.units; ++n) each(begin + n, unit_of(strip, upper, n));
  }
}

void multiply(const F16PlaneRows& weight, std::size_t group, std::size_t rows,
              const Tokens& tokens) noexcept {
  multiply_units(weight.columns, rows, tokens, [&](const auto& each) noexcept {
    for_each_unit(weight, group, 0, units_of(weight.columns), each);
  });
}

void widen(const F16PlaneRows& weight, std::size_t group, std::size_t begin, std::size_t end,
           float* widened, std::size_t stride) noexcept {
  for_each_unit(weight, group, begin, end, [&](std::size_t n, const Unit& unit) noexcept {
    widen_unit(unit, widened + (n - begin) * kUnitColumns, stride);
  });
}

}  // namespace

const F16PlanesKernels f16_planes_scalar = {multiply, widen};

}  // namespace meadow::kernels
