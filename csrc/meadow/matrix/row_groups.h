// Products of floats whose planes are cut in groups of four rows, for any codec.
#pragma once

#include <algorithm>
#include <cstddef>

#include "meadow/base/raw_vector.h"
#include "meadow/kernels/bf16_planes/bf16_planes.h"
#include "meadow/matrix/many_tokens.h"
#include "meadow/matrix/matrix.h"
#include "meadow/matrix/parts.h"

namespace meadow {

// Kernels have multiply(planes, group, rows, tokens) and widen(planes, group, first unit, end, to,
// stride).
template <typename Kernels, typename Planes>
void multiply_row_groups(const Matrix& matrix, const Kernels& kernels, const Planes& planes,
                         Block range, const Inputs& x, float* y) {
  using kernels::kGroupRows;
  if (x.count >= kManyTokens) {
    return multiply_many<many_tokens::Widened>(
        matrix, range, x, y,
        [&](std::size_t row, std::size_t column, std::size_t columns, float* to,
            std::size_t stride) noexcept {
          kernels.widen(planes, row / kGroupRows, column / kernels::kUnitColumns,
                        kernels::units_of(column + columns), to, stride);
        });
  }
  for (std::size_t row = range.begin; row < range.end; row += kGroupRows) {
    kernels.multiply(planes, row / kGroupRows, std::min(kGroupRows, range.end - row),
                     {x.count, x.values, x.stride, y + row, matrix.rows()});
  }
}

// Widens one group after another, and copies the requested rows.
template <typename Kernels, typename Planes>
void read_row_groups(const Matrix& matrix, const Kernels& kernels, const Planes& planes,
                     Block range, float* values) {
  using kernels::kGroupRows;
  const std::size_t columns = matrix.columns();
  const std::size_t units = kernels::units_of(columns);
  const std::size_t stride = units * kernels::kUnitColumns;
  RawVector<float> group(kGroupRows * stride);
  for (std::size_t row = range.begin; row < range.end;) {
    kernels.widen(planes, row / kGroupRows, 0, units, group.data(), stride);
    const std::size_t end = std::min(range.end, (row / kGroupRows + 1) * kGroupRows);
    for (; row < end; ++row) {
      std::copy_n(group.data() + row % kGroupRows * stride, columns,
                  values + (row - range.begin) * columns);
    }
  }
}

// Sizes are in bytes; the `parts` of `escaped` divide the escapes.
template <typename Planes>
MatrixParts parts_of_planes(const Matrix& matrix, const Planes& planes, std::size_t code_bytes,
                            std::size_t lower_bytes, std::size_t table_bytes, std::size_t parts) {
  MatrixParts made{std::string(matrix.form()), matrix.rows(), matrix.columns(), {}, {}};
  made.add("codes", std::span(planes.codes, code_bytes));
  made.add("lower", std::span(planes.lower, lower_bytes));
  made.add("tables", std::span(planes.tables, table_bytes));
  made.add("escapes", std::span(planes.escapes, planes.escaped[parts]));
  made.add("escaped", std::span(planes.escaped, parts + 1));
  return made;
}

}  // namespace meadow
