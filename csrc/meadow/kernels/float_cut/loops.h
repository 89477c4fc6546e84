// The family as plain loops without branches: the scalar file compiles them one element at a time,
// and the files of the ISAs let the compiler vectorise them. Everything is in an anonymous
// namespace, so that each file has its own copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "meadow/kernels/float_bits.h"
#include "meadow/kernels/float_cut/float_cut.h"

namespace meadow::kernels {
namespace {

// For at most 4096 values: escapes are counted in 16 bits, so that all vectors have the same lanes.
std::uint16_t split_fields(const FloatCut& cut, const std::uint16_t* values, std::size_t count,
                           const std::uint16_t* column_bases, std::uint16_t row_base,
                           std::uint8_t* symbols) noexcept {
  const unsigned shift = cut.shift;
  const std::uint16_t field_mask = cut.field;
  const std::uint16_t escape = cut.escape;
  const std::uint16_t top = cut.top;
  std::uint16_t escapes = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto base = static_cast<std::uint16_t>(row_base + column_bases[i]);
    const auto plain = static_cast<std::uint16_t>(((values[i] >> shift) - base) & field_mask);
    const bool escaped = plain >= escape;
    const auto told = static_cast<std::uint16_t>(escape | (plain & top));
    symbols[i] = static_cast<std::uint8_t>(escaped ? told : plain);
    escapes = static_cast<std::uint16_t>(escapes + (escaped ? 1 : 0));
  }
  return escapes;
}

void split_rest(unsigned shift, const std::uint16_t* values, std::size_t count,
                std::uint8_t* rest) noexcept {
  const auto low = static_cast<std::uint16_t>((1U << shift) - 1);
  for (std::size_t i = 0; i < count; ++i) {
    rest[i] = static_cast<std::uint8_t>((values[i] & low) | ((values[i] >> 15) << shift));
  }
}

std::size_t split(const FloatCut& cut, const std::uint16_t* values, std::size_t count,
                  const std::uint16_t* column_bases, std::uint16_t row_base, std::uint8_t* symbols,
                  std::uint8_t* rest) noexcept {
  constexpr std::size_t kBlock = 4096;
  std::size_t escapes = 0;
  for (std::size_t i = 0; i < count; i += kBlock) {
    const std::size_t size = count - i < kBlock ? count - i : kBlock;
    escapes += split_fields(cut, values + i, size, column_bases + i, row_base, symbols + i);
    if (rest != nullptr) split_rest(cut.shift, values + i, size, rest + i);
  }
  return escapes;
}

// Adding 2^15 - 2^shift carries the sign bit of the rest up to bit 15; a mask then clears the bits
// left in between.
void merge(const FloatCut& cut, const std::uint8_t* symbols, const std::uint8_t* rest,
           std::size_t count, const std::uint16_t* column_bases, std::uint16_t row_base,
           std::uint16_t* values) noexcept {
  const unsigned shift = cut.shift;
  const auto field = static_cast<std::uint16_t>(cut.field << shift);
  const auto carry = static_cast<std::uint16_t>(0x8000U - (1U << shift));
  const auto kept = static_cast<std::uint16_t>(~field);
  for (std::size_t i = 0; i < count; ++i) {
    const auto sum = static_cast<std::uint16_t>(symbols[i] + row_base + column_bases[i]);
    const auto placed = static_cast<std::uint16_t>(sum << shift);
    const auto around = static_cast<std::uint16_t>(rest[i] + carry);
    values[i] = static_cast<std::uint16_t>((placed & field) | (around & kept));
  }
}

void split_f32(const std::uint32_t* values, std::size_t count, std::uint16_t* upper,
               std::uint8_t* middle, std::uint8_t* low) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t value = values[i];
    upper[i] = static_cast<std::uint16_t>(value >> 16);
    middle[i] = static_cast<std::uint8_t>(value >> 8);
    low[i] = static_cast<std::uint8_t>(value);
  }
}

void merge_f32(const std::uint16_t* upper, const std::uint8_t* middle, const std::uint8_t* low,
               std::size_t count, std::uint32_t* values) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = std::uint32_t{upper[i]} << 16 | std::uint32_t{middle[i]} << 8 | low[i];
  }
}

void add_squares_bf16(const std::uint16_t* values, std::size_t count, const float* weights,
                      float* sums) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const float value = float_of(std::uint32_t{values[i]} << 16);
    const float square = value * value;
    sums[i] += (square < 1e34F ? square : 0.0F) * weights[i];
  }
}

// A factor of 2^112 turns an exponent of F16 into that of F32. Infinities and NaN become 65536 or
// more.
void add_squares_f16(const std::uint16_t* values, std::size_t count, const float* weights,
                     float* sums) noexcept {
  for (std::size_t i = 0; i < count; ++i) {
    const float value = float_of((values[i] & 0x7FFFU) << 13) * 0x1p112F;
    sums[i] += (value < 65536.0F ? value * value : 0.0F) * weights[i];
  }
}

// Gathers the eight bytes of a word into eight fields of `width` bits, and the inverse.
[[maybe_unused]] std::uint64_t gathered(std::uint64_t bytes, unsigned width) noexcept {
  std::uint64_t fields = 0;
  for (unsigned n = 0; n < 8; ++n) {
    fields |= ((bytes >> (8 * n)) & ((1U << width) - 1)) << (width * n);
  }
  return fields;
}

[[maybe_unused]] std::uint64_t spread(std::uint64_t fields, unsigned width) noexcept {
  std::uint64_t bytes = 0;
  for (unsigned n = 0; n < 8; ++n) {
    bytes |= ((fields >> (width * n)) & ((1U << width) - 1)) << (8 * n);
  }
  return bytes;
}

// Eight values make `width` whole bytes; words of eight bytes are accessed as long as they fit.
// `Gather` is `gathered` or a single instruction.
template <typename Gather>
void pack_by(const Gather& gather, const std::uint8_t* values, std::size_t count, unsigned width,
             std::uint8_t* packed) noexcept {
  if (count == 0) return;
  if (width == 8) return static_cast<void>(std::memcpy(packed, values, count));
  std::size_t i = 0;
  std::uint64_t bytes = 0;
  for (; i + 8 <= count && (count - i) * width >= 64; i += 8, packed += width) {
    std::memcpy(&bytes, values + i, 8);
    const std::uint64_t fields = gather(bytes, width);
    std::memcpy(packed, &fields, 8);
  }
  for (; i < count; i += 8) {
    const std::size_t left = count - i < 8 ? count - i : 8;
    bytes = 0;
    std::memcpy(&bytes, values + i, left);
    const std::uint64_t fields = gather(bytes, width);
    const std::size_t whole = (left * width + 7) / 8;
    std::memcpy(packed, &fields, whole);
    packed += whole;
  }
}

template <typename Spread>
void unpack_by(const Spread& spread_fields, const std::uint8_t* packed, std::size_t count,
               unsigned width, std::uint8_t* values) noexcept {
  if (count == 0) return;
  if (width == 8) return static_cast<void>(std::memcpy(values, packed, count));
  std::size_t i = 0;
  std::uint64_t fields = 0;
  for (; i + 8 <= count && (count - i) * width >= 64; i += 8, packed += width) {
    std::memcpy(&fields, packed, 8);
    const std::uint64_t bytes = spread_fields(fields, width);
    std::memcpy(values + i, &bytes, 8);
  }
  for (; i < count; i += 8) {
    const std::size_t left = count - i < 8 ? count - i : 8;
    const std::size_t whole = (left * width + 7) / 8;
    fields = 0;
    std::memcpy(&fields, packed, whole);
    packed += whole;
    const std::uint64_t bytes = spread_fields(fields, width);
    std::memcpy(values + i, &bytes, left);
  }
}

}  // namespace
}  // namespace meadow::kernels
