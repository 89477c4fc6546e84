// The compiler vectorises; eight fields at a time by BMI2 (pext and pdep: 3 cycles of latency,
// one each cycle on Intel and from Zen 3 on).
#include <immintrin.h>

#include "meadow/kernels/float_cut/loops.h"

namespace meadow::kernels {
namespace {

std::uint64_t mask_of(unsigned width) noexcept { return 0x0101010101010101U * ((1U << width) - 1); }

void pack(const std::uint8_t* values, std::size_t count, unsigned width,
          std::uint8_t* packed) noexcept {
  const auto gather = [mask = mask_of(width)](std::uint64_t bytes, unsigned) noexcept {
    return _pext_u64(bytes, mask);
  };
  pack_by(gather, values, count, width, packed);
}

void unpack(const std::uint8_t* packed, std::size_t count, unsigned width,
            std::uint8_t* values) noexcept {
  const auto spread_fields = [mask = mask_of(width)](std::uint64_t fields, unsigned) noexcept {
    return _pdep_u64(fields, mask);
  };
  unpack_by(spread_fields, packed, count, width, values);
}

}  // namespace

const FloatCutKernels float_cut_avx512 = {
    split, merge, pack, unpack, split_f32, merge_f32, add_squares_bf16, add_squares_f16};

}  // namespace meadow::kernels
