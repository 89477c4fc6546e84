// The kernels that convert values exactly between float types that both hold them. NaN keep their
// payloads. The scalar file is the specification; the others equal it bit for bit. This header is
// included by files of every ISA: it must define no code.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {
enum class Isa;
}

namespace meadow::kernels {

struct ConvertKernels {
  void (*bf16_of_f16)(const std::uint16_t* from, std::size_t count, std::uint16_t* to) noexcept;
  void (*f16_of_bf16)(const std::uint16_t* from, std::size_t count, std::uint16_t* to) noexcept;
  void (*f16_of_f32)(const std::uint32_t* from, std::size_t count, std::uint16_t* to) noexcept;
  void (*f32_of_f16)(const std::uint16_t* from, std::size_t count, std::uint32_t* to) noexcept;
  // Whether BF16 holds all values.
  bool (*f16_is_bf16)(const std::uint16_t* values, std::size_t count) noexcept;
};

const ConvertKernels& convert_kernels(Isa isa) noexcept;

extern const ConvertKernels convert_scalar;
extern const ConvertKernels convert_avx2;
extern const ConvertKernels convert_avx512;
extern const ConvertKernels convert_neon;

}  // namespace meadow::kernels
