// Exact conversions between float types, for values that both types hold (see content.h). NaN keep
// their payloads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace meadow {

void bf16_of_f16(const std::uint16_t* from, std::size_t count, std::uint16_t* to) noexcept;
void f16_of_bf16(const std::uint16_t* from, std::size_t count, std::uint16_t* to) noexcept;
void f16_of_f32(const std::uint32_t* from, std::size_t count, std::uint16_t* to) noexcept;
void f32_of_f16(const std::uint16_t* from, std::size_t count, std::uint32_t* to) noexcept;

}  // namespace meadow
