// The compiler vectorises with 128 bits.
#include "meadow/kernels/float_cut/loops.h"

namespace meadow::kernels {
namespace {

void pack(const std::uint8_t* values, std::size_t count, unsigned width,
          std::uint8_t* packed) noexcept {
  pack_by(gathered, values, count, width, packed);
}

void unpack(const std::uint8_t* packed, std::size_t count, unsigned width,
            std::uint8_t* values) noexcept {
  unpack_by(spread, packed, count, width, values);
}

}  // namespace

const FloatCutKernels float_cut_neon = {
    split, merge, pack, unpack, split_f32, merge_f32, add_squares_bf16, add_squares_f16};

}  // namespace meadow::kernels
