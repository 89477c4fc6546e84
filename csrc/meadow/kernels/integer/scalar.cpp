// The specification: every code is first put in its place and then multiplied.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "meadow/kernels/integer/integer.h"
#include "meadow/kernels/integer/quantize.h"

namespace meadow::kernels {
namespace {

constexpr std::size_t kLanes = 16;

unsigned bits_at(std::uint8_t byte, std::size_t shift, unsigned width) noexcept {
  return (byte >> shift) & ((1U << width) - 1);
}

// The code at byte `i` of step `s` of a block, escapes left out.
std::int32_t plain_code(const IntegerStrip& strip, std::size_t block, std::size_t s,
                        std::size_t i) noexcept {
  const unsigned width = strip.width;
  const std::uint8_t* piece = strip.fields + block * 64 * width;
  if (width == 8) return static_cast<std::int8_t>(piece[64 * s + i]);
  unsigned field = 0;
  unsigned low = 0;
  if ((width & 4) != 0) {
    field = bits_at(piece[64 * (s / 2) + i], 4 * (s % 2), 4);
    low = 4;
    piece += 4 * std::size_t{64};
  }
  if ((width & 2) != 0) {
    field |= bits_at(piece[64 * (s / 4) + i], 2 * (s % 4), 2) << low;
    low += 2;
    piece += 2 * std::size_t{64};
  }
  if ((width & 1) != 0) field |= bits_at(piece[i], s, 1) << low;
  return static_cast<std::int32_t>(field) + strip.offset;
}

std::size_t place(std::size_t row, std::size_t column) noexcept {
  return (column / 16 * kStripRows + row) * 16 + column % 16;
}

void decode(const IntegerStrip& strip, std::int8_t* codes) noexcept {
  for (std::size_t column = 0; column < strip.blocks * kBlockColumns; ++column) {
    const std::size_t step = column % kBlockColumns / 4;
    for (std::size_t row = 0; row < kStripRows; ++row) {
      codes[place(row, column)] = static_cast<std::int8_t>(
          plain_code(strip, column / kBlockColumns, step, 4 * row + column % 4));
    }
  }
  std::size_t column = 0;
  for (std::uint32_t n = 0; n < strip.escape_count; ++n) {
    const unsigned escape = strip.escapes[n];
    column += escape & 31;
    std::int8_t& code = codes[place((escape >> 5) & 15, column)];
    code = static_cast<std::int8_t>(code + (static_cast<std::int16_t>(escape) >> 9));
  }
}

// The codes of a row, a block of columns at a time. A strip's codes are computed again for each
// row, because no memory may be allocated here.
class Row {
 public:
  Row(const IntegerStrip& strip, std::size_t row) : strip_(strip), row_(row) {}

  // Blocks in their order.
  const std::int32_t* next_block() noexcept {
    for (std::size_t c = 0; c < kBlockColumns; ++c) {
      codes_[c] = plain_code(strip_, block_, c / 4, 4 * row_ + c % 4);
    }
    ++block_;
    add_escapes();
    return codes_;
  }

 private:
  void add_escapes() noexcept {
    for (; escape_ < strip_.escape_count; ++escape_) {
      const unsigned escape = strip_.escapes[escape_];
      const std::size_t column = column_ + (escape & 31);
      if (column >= block_ * kBlockColumns) return;
      column_ = column;
      if (((escape >> 5) & 15) != row_) continue;
      codes_[column % kBlockColumns] += static_cast<std::int16_t>(escape) >> 9;
    }
  }

  const IntegerStrip& strip_;
  std::size_t row_;
  std::size_t block_ = 0;
  std::size_t column_ = 0;
  std::uint32_t escape_ = 0;
  std::int32_t codes_[kBlockColumns];
};

float scale_of_group(const StripScales& scales, std::size_t group, std::size_t row) noexcept {
  const std::size_t n = group * kStripRows + row;
  return scales.coded != nullptr ? static_cast<float>(scales.coded[n]) : scales.groups[n];
}

std::int32_t dot(const std::int32_t* codes, const std::int8_t* x) noexcept {
  std::int32_t sum = 0;
  for (std::size_t c = 0; c < kBlockColumns; ++c) sum += codes[c] * x[c];
  return sum;
}

float product_of_row(const IntegerStrip& strip, const StripScales& scales, std::size_t r,
                     const std::int8_t* x, float x_scale) noexcept {
  Row row(strip, r);
  float sum = 0.0F;
  std::int32_t whole = 0;
  for (std::size_t b = 0; b < strip.blocks; ++b) {
    whole += dot(row.next_block(), x + b * kBlockColumns);
    if (scales.per_scale == 0) continue;
    if ((b + 1) % scales.per_scale != 0 && b + 1 != strip.blocks) continue;
    const float scale = scale_of_group(scales, b / scales.per_scale, r);
    sum = std::fma(static_cast<float>(whole), scale, sum);
    whole = 0;
  }
  if (scales.per_scale == 0) sum = static_cast<float>(whole);
  return sum * (scales.outer[r] * x_scale);
}

void multiply_codes(const IntegerStrip& strip, const StripScales& scales, std::size_t rows,
                    const InputCodes& x) noexcept {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t t = 0; t < x.count; ++t) {
      x.y[t * x.y_stride + r] =
          product_of_row(strip, scales, r, x.codes + t * x.stride, x.scales[t]);
    }
  }
}

float reduced(float* lanes) noexcept {
  for (std::size_t half = kLanes / 2; half > 0; half /= 2) {
    for (std::size_t j = 0; j < half; ++j) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

// The factor of a code of the block before the product.
float inner_scale(const StripScales& scales, std::size_t block, std::size_t r) noexcept {
  if (scales.per_scale == 0) return 1.0F;
  const float scale = scale_of_group(scales, block / scales.per_scale, r);
  return scales.coded != nullptr ? scale * scales.outer[r] : scale;
}

float value_of_row(const IntegerStrip& strip, const StripScales& scales, std::size_t r,
                   const float* x, std::size_t columns) noexcept {
  Row row(strip, r);
  float lanes[kLanes] = {};
  for (std::size_t b = 0; b < strip.blocks; ++b) {
    const std::int32_t* codes = row.next_block();
    const float scale = inner_scale(scales, b, r);
    const std::size_t from = b * kBlockColumns;
    for (std::size_t c = from; c < columns && c < from + kBlockColumns; ++c) {
      const float weight = static_cast<float>(codes[c - from]) * scale;
      lanes[c % kLanes] = std::fma(weight, x[c], lanes[c % kLanes]);
    }
  }
  const float sum = reduced(lanes);
  return scales.coded != nullptr ? sum : scales.outer[r] * sum;
}

void multiply_values(const IntegerStrip& strip, const StripScales& scales, std::size_t rows,
                     const InputValues& x) noexcept {
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t t = 0; t < x.count; ++t) {
      x.y[t * x.y_stride + r] = value_of_row(strip, scales, r, x.values + t * x.columns, x.columns);
    }
  }
}

}  // namespace

const IntegerKernels integer_scalar = {quantize, multiply_codes, multiply_values, decode};

}  // namespace meadow::kernels
