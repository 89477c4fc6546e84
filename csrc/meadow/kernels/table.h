// The ISAs for which each kernel family has a file, and the substitutes for the others. A table is
// the struct of functions that one file exports, such as `convert_avx2`. For table.cpp and tests
// only; all other code asks a family for its table, as in `convert_kernels(isa)`.
#pragma once

#include <array>
#include <cstddef>

#include "meadow/kernels/isa.h"

namespace meadow::kernels {

struct Bf16DotKernels;
struct Bf16PlanesKernels;
struct ConvertKernels;
struct F16PlanesKernels;
struct FloatCutKernels;
struct HuffmanKernels;
struct IntegerKernels;
struct ProductKernels;
struct QuantizeKernels;
struct RansKernels;
struct StreamKernels;
struct VectorKernels;

// The tables of one ISA, one member per family; null if the family has no file for it.
struct IsaTables {
  const Bf16DotKernels* bf16_dot = nullptr;
  const Bf16PlanesKernels* bf16_planes = nullptr;
  const ConvertKernels* convert = nullptr;
  const F16PlanesKernels* f16_planes = nullptr;
  const FloatCutKernels* float_cut = nullptr;
  const HuffmanKernels* huffman = nullptr;
  const IntegerKernels* integer = nullptr;
  const ProductKernels* product = nullptr;
  const QuantizeKernels* quantize = nullptr;
  const RansKernels* rans = nullptr;
  const StreamKernels* stream = nullptr;
  const VectorKernels* vector = nullptr;
};

// One family's table for every ISA, worst first: its own, or that of the next lower ISA.
template <typename Kernels, std::size_t kCount>
constexpr std::array<const Kernels*, kCount> with_fallback(
    const std::array<IsaTables, kCount>& tables, const Kernels* IsaTables::* family) noexcept {
  std::array<const Kernels*, kCount> found{};
  for (std::size_t i = 0; i < kCount; ++i) {
    found[i] = tables[i].*family;
    if (found[i] == nullptr && i > 0) found[i] = found[i - 1];
  }
  return found;
}

// The tables of this build, by ISA. ISAs of another architecture have none.
extern const std::array<IsaTables, kIsaCount> isa_tables;

}  // namespace meadow::kernels
