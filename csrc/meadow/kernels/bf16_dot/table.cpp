#include "meadow/kernels/bf16_dot/bf16_dot.h"
#include "meadow/kernels/isa.h"

namespace meadow::kernels {

const Bf16DotKernels* bf16_dot_kernels([[maybe_unused]] Isa isa) noexcept {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("avx512bf16") != 0;
  if (isa == Isa::kAvx512 && has_instruction) return &bf16_dot_avx512;
#endif
  return nullptr;
}

}  // namespace meadow::kernels
