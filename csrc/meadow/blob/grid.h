// Floats that are whole multiples of a scale, which each group of a row has for itself: weights
// that were quantised, and are stored as floats again. The specification is in docs/format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "meadow/number/dtype.h"

namespace meadow {

constexpr int kMostSteps = 127;            // the largest multiple
constexpr std::uint8_t kNegativeZero = 0;  // the symbol of -0; others are the multiple plus this:
constexpr int kZeroStep = 128;
constexpr unsigned kScaleBytes = 4;

// A scale is 0, or far enough from the limits of F32 that no product is rounded as a subnormal.
bool is_grid_scale(float scale) noexcept;

// The bits of the value that a symbol stands for, as `content`: F32, F16 or BF16.
std::uint32_t grid_value(FloatType content, std::uint8_t symbol, float scale) noexcept;

// The largest scale of which all values are multiples; the one with the fewest bits if several do.
// `values` are the bits of floats of type `content`. Nothing if there is no such scale.
std::optional<float> fit_grid(std::span<const std::uint32_t> values, FloatType content);

// The symbol of a value that is a multiple of the scale.
std::uint8_t grid_symbol(FloatType content, std::uint32_t bits, float scale) noexcept;

// Writes the values of a group.
void merge_grid(FloatType content, std::span<const std::uint8_t> symbols, float scale,
                std::uint16_t* out) noexcept;
void merge_grid_f32(std::span<const std::uint8_t> symbols, float scale,
                    std::uint32_t* out) noexcept;

}  // namespace meadow
