#include "meadow/kernels/table.h"

#include "meadow/kernels/bf16_dot/bf16_dot.h"
#include "meadow/kernels/bf16_planes/bf16_planes.h"
#include "meadow/kernels/convert/convert.h"
#include "meadow/kernels/f16_planes/f16_planes.h"
#include "meadow/kernels/float_cut/float_cut.h"
#include "meadow/kernels/huffman/huffman.h"
#include "meadow/kernels/integer/integer.h"
#include "meadow/kernels/product/product.h"
#include "meadow/kernels/quantize/quantize.h"
#include "meadow/kernels/rans/rans.h"
#include "meadow/kernels/stream/stream.h"
#include "meadow/kernels/vector/vector.h"

namespace meadow::kernels {
namespace {

// No scalar bf16_dot: without the instruction, the product kernels are the better choice.
constexpr IsaTables kScalarTables = {.bf16_planes = &bf16_planes_scalar,
                                     .convert = &convert_scalar,
                                     .f16_planes = &f16_planes_scalar,
                                     .float_cut = &float_cut_scalar,
                                     .huffman = &huffman_scalar,
                                     .integer = &integer_scalar,
                                     .product = &product_scalar,
                                     .quantize = &quantize_scalar,
                                     .rans = &rans_scalar,
                                     .stream = &stream_scalar,
                                     .vector = &vector_scalar};

#if defined(__aarch64__)
constexpr IsaTables kNeonTables = {.bf16_planes = &bf16_planes_neon,
                                   .convert = &convert_neon,
                                   .f16_planes = &f16_planes_neon,
                                   .float_cut = &float_cut_neon,
                                   .huffman = &huffman_neon,
                                   .integer = &integer_neon,
                                   .product = &product_neon,
                                   .quantize = &quantize_neon,
                                   .rans = &rans_neon,
                                   .stream = &stream_neon,
                                   .vector = &vector_neon};
#endif

#if defined(__x86_64__)
constexpr IsaTables kAvx2Tables = {.bf16_planes = &bf16_planes_avx2,
                                   .convert = &convert_avx2,
                                   .f16_planes = &f16_planes_avx2,
                                   .float_cut = &float_cut_avx2,
                                   .huffman = &huffman_avx2,
                                   .integer = &integer_avx2,
                                   .product = &product_avx2,
                                   .quantize = &quantize_avx2,
                                   .rans = &rans_avx2,
                                   .stream = &stream_avx2,
                                   .vector = &vector_avx2};

// No huffman: BMI2 is all that this family needs.
constexpr IsaTables kAvx512Tables = {.bf16_dot = &bf16_dot_avx512,
                                     .bf16_planes = &bf16_planes_avx512,
                                     .convert = &convert_avx512,
                                     .f16_planes = &f16_planes_avx512,
                                     .float_cut = &float_cut_avx512,
                                     .integer = &integer_avx512,
                                     .product = &product_avx512,
                                     .quantize = &quantize_avx512,
                                     .rans = &rans_avx512,
                                     .stream = &stream_avx512,
                                     .vector = &vector_avx512};
#endif

constexpr std::size_t index_of(Isa isa) noexcept { return static_cast<std::size_t>(isa); }

constexpr std::array<IsaTables, kIsaCount> all_tables() noexcept {
  std::array<IsaTables, kIsaCount> tables{};
  tables[index_of(Isa::kScalar)] = kScalarTables;
#if defined(__aarch64__)
  tables[index_of(Isa::kNeon)] = kNeonTables;
#endif
#if defined(__x86_64__)
  tables[index_of(Isa::kAvx2)] = kAvx2Tables;
  tables[index_of(Isa::kAvx512)] = kAvx512Tables;
#endif
  return tables;
}

// Not constexpr: with -fsanitize=undefined, GCC takes no comparison of an address with null for a
// constant (GCC bug 71962). Other builds initialise it statically all the same.
template <auto kFamily>
const auto* chosen(Isa isa) noexcept {
  static const auto chain = with_fallback(all_tables(), kFamily);
  return chain[index_of(isa)];
}

}  // namespace

constexpr std::array<IsaTables, kIsaCount> isa_tables = all_tables();

// The only family whose file needs more of the CPU than its ISA does.
const Bf16DotKernels* bf16_dot_kernels([[maybe_unused]] Isa isa) noexcept {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("avx512bf16") != 0;
  if (has_instruction) return chosen<&IsaTables::bf16_dot>(isa);
#endif
  return nullptr;
}

const Bf16PlanesKernels& bf16_planes_kernels(Isa isa) noexcept {
  return *chosen<&IsaTables::bf16_planes>(isa);
}

const ConvertKernels& convert_kernels(Isa isa) noexcept {
  return *chosen<&IsaTables::convert>(isa);
}

const F16PlanesKernels& f16_planes_kernels(Isa isa) noexcept {
  return *chosen<&IsaTables::f16_planes>(isa);
}

const FloatCutKernels& float_cut_kernels(Isa isa) noexcept {
  return *chosen<&IsaTables::float_cut>(isa);
}

const HuffmanKernels& huffman_kernels(Isa isa) noexcept {
  return *chosen<&IsaTables::huffman>(isa);
}

const IntegerKernels& integer_kernels(Isa isa) noexcept {
  return *chosen<&IsaTables::integer>(isa);
}

const ProductKernels& product_kernels(Isa isa) noexcept {
  return *chosen<&IsaTables::product>(isa);
}

const QuantizeKernels& quantize_kernels(Isa isa) noexcept {
  return *chosen<&IsaTables::quantize>(isa);
}

const RansKernels& rans_kernels(Isa isa) noexcept { return *chosen<&IsaTables::rans>(isa); }

const StreamKernels& stream_kernels(Isa isa) noexcept { return *chosen<&IsaTables::stream>(isa); }

const VectorKernels& vector_kernels(Isa isa) noexcept { return *chosen<&IsaTables::vector>(isa); }

}  // namespace meadow::kernels
