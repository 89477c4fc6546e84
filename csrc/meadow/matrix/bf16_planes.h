// BF16 planes as a matrix.
#pragma once

#include <memory>

#include "meadow/codec/bf16_planes.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

std::unique_ptr<Matrix> bf16_planes_matrix(Bf16Planes planes);

// Refers to planes that must outlive it; a product reads `bytes` of them.
std::unique_ptr<Matrix> bf16_planes_matrix(const kernels::Bf16PlaneRows& planes, std::size_t rows,
                                           std::size_t bytes);

// Packs BF16, or F16 and F32 that hold only BF16 values. Throws InvalidArgument for others.
std::unique_ptr<Matrix> bf16_planes_matrix(DenseType type, const void* values, std::size_t rows,
                                           std::size_t columns, unsigned threads);

std::unique_ptr<Matrix> bf16_planes_matrix_of(const MatrixParts& parts);

}  // namespace meadow
