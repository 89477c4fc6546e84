// F16 planes as a matrix, for values that need the precision of F16.
#pragma once

#include <cstdint>
#include <memory>

#include "meadow/matrix/matrix.h"

namespace meadow {

// Throws InvalidArgument for an empty weight, and for NaN and infinities.
std::unique_ptr<Matrix> f16_planes_matrix(const std::uint16_t* values, std::size_t rows,
                                          std::size_t columns, unsigned threads);

std::unique_ptr<Matrix> f16_planes_matrix_of(const MatrixParts& parts);

}  // namespace meadow
