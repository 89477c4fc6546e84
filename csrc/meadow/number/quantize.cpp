#include "meadow/number/quantize.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "meadow/base/error.h"
#include "meadow/base/float_environment.h"
#include "meadow/base/thread_pool.h"
#include "meadow/kernels/isa.h"
#include "meadow/number/quantizer.h"

namespace meadow {
namespace {

using kernels::QuantizeKernels;
using kernels::Quantizer;
using kernels::Range;
using kernels::SquareSums;

constexpr std::size_t kNowhere = std::numeric_limits<std::size_t>::max();
constexpr std::size_t kBlockWeights = 1 << 16;

std::size_t rows_per_block(std::size_t columns) noexcept {
  return std::max<std::size_t>(1, kBlockWeights / std::max<std::size_t>(1, columns));
}

// Rows of a weight as floats: in place if they are F32, otherwise widened into a scratch row.
class FloatRows {
 public:
  FloatRows(const Weight& weight, const QuantizeKernels& table)
      : weight_(weight),
        table_(table),
        scratch_(weight.type == FloatType::kF32 ? 0 : weight.columns) {}

  const float* operator[](std::size_t row) {
    const std::size_t first = row * weight_.columns;
    switch (weight_.type) {
      case FloatType::kF32:
        return static_cast<const float*>(weight_.values) + first;
      case FloatType::kBF16:
        table_.widen_bf16(static_cast<const std::uint16_t*>(weight_.values) + first,
                          weight_.columns, scratch_.data());
        break;
      case FloatType::kF16:
        table_.widen_f16(static_cast<const std::uint16_t*>(weight_.values) + first, weight_.columns,
                         scratch_.data());
        break;
      default:
        std::transform(static_cast<const double*>(weight_.values) + first,
                       static_cast<const double*>(weight_.values) + first + weight_.columns,
                       scratch_.begin(), [](double value) { return static_cast<float>(value); });
    }
    return scratch_.data();
  }

 private:
  const Weight& weight_;
  const QuantizeKernels& table_;
  std::vector<float> scratch_;
};

std::size_t first_not_finite(const float* weights, std::size_t count) noexcept {
  return static_cast<std::size_t>(
      std::find_if(weights, weights + count, [](float w) { return !std::isfinite(w); }) - weights);
}

[[noreturn]] void refuse(const Weight& weight, std::size_t index) {
  FloatRows rows(weight, kernels::quantize_kernels(active_isa()));
  const std::size_t row = index / weight.columns;
  const std::size_t column = index % weight.columns;
  const float value = rows[row][column];
  const std::string found = std::isnan(value) ? "NaN" : value > 0 ? "infinity" : "-infinity";
  invalid(weight.name + ": expected finite weights, found " + found + " at [" +
          std::to_string(row) + ", " + std::to_string(column) + "]" +
          (weight.type == FloatType::kF64 ? " (as F32)" : ""));
}

// The result of a block of rows; blocks are merged in order.
struct BlockResult {
  Range range{0.0F, 0.0F, true};
  SquareSums sums{0.0, 0.0};
  std::size_t bad = kNowhere;
};

class Quantization {
 public:
  Quantization(const Weight& weight, const QuantizeSpec& spec, const Quantized& out,
               unsigned threads)
      : weight_(weight),
        spec_(spec),
        out_(out),
        threads_(threads),
        table_(kernels::quantize_kernels(active_isa())),
        block_rows_(rows_per_block(weight.columns)),
        blocks_(block_count(weight.rows, block_rows_)) {}

  SquareSums run() {
    if (spec_.per_scale == 0) {
      for_rows([this](std::size_t row, const float* w, BlockResult& b) { measure(row, w, b); });
      shared_ = quantizer_for(merged_range(), spec_);
      keep(0, shared_);
      for_rows([this](std::size_t row, const float* w, BlockResult& b) { code(row, w, b); });
    } else {
      for_rows([this](std::size_t row, const float* w, BlockResult& b) { code_groups(row, w, b); });
    }
    SquareSums total{0.0, 0.0};
    for (const BlockResult& block : blocks_) {
      total.weights += block.sums.weights;
      total.errors += block.sums.errors;
    }
    return total;
  }

 private:
  template <typename Step>
  void for_rows(const Step& step) {
    parallel_for(blocks_.size(), threads_, [&](std::size_t n) {
      FloatRows rows(weight_, table_);
      const Block block = nth_block(n, weight_.rows, block_rows_);
      for (std::size_t row = block.begin; row < block.end; ++row) step(row, rows[row], blocks_[n]);
    });
    std::size_t bad = kNowhere;
    for (const BlockResult& block : blocks_) bad = std::min(bad, block.bad);
    if (bad != kNowhere) refuse(weight_, bad);
  }

  Range finite_range(std::size_t index, const float* weights, std::size_t count,
                     BlockResult& block) const noexcept {
    const Range range = table_.range(weights, count);
    if (!range.finite && block.bad == kNowhere) {
      block.bad = index + first_not_finite(weights, count);
    }
    return range;
  }

  void measure(std::size_t row, const float* weights, BlockResult& block) const noexcept {
    const std::size_t first = row * weight_.columns;
    const Range range = finite_range(first, weights, weight_.columns, block);
    block.range.low = std::min(block.range.low, range.low);
    block.range.high = std::max(block.range.high, range.high);
  }

  [[nodiscard]] Range merged_range() const noexcept {
    Range all{0.0F, 0.0F, true};
    for (const BlockResult& block : blocks_) {
      all.low = std::min(all.low, block.range.low);
      all.high = std::max(all.high, block.range.high);
    }
    return all;
  }

  void keep(std::size_t n, const Quantizer& quantizer) const noexcept {
    out_.scales[n] = quantizer.scale;
    if (out_.zero_points != nullptr) out_.zero_points[n] = quantizer.zero;
  }

  void add(BlockResult& block, const SquareSums& sums) const noexcept {
    block.sums.weights += sums.weights;
    block.sums.errors += sums.errors;
  }

  void code(std::size_t row, const float* weights, BlockResult& block) const noexcept {
    std::uint8_t* codes = out_.codes + row * weight_.columns;
    add(block, table_.quantize(weights, weight_.columns, shared_, codes));
  }

  void code_groups(std::size_t row, const float* weights, BlockResult& block) const noexcept {
    const std::size_t first = row * weight_.columns;
    std::size_t scale = row * scales_per_row(weight_, spec_);
    for (std::size_t at = 0; at < weight_.columns; at += spec_.per_scale, ++scale) {
      const std::size_t count = std::min(spec_.per_scale, weight_.columns - at);
      const Range range = finite_range(first + at, weights + at, count, block);
      if (!range.finite) return;
      const Quantizer quantizer = quantizer_for(range, spec_);
      keep(scale, quantizer);
      add(block, table_.quantize(weights + at, count, quantizer, out_.codes + first + at));
    }
  }

  const Weight& weight_;
  const QuantizeSpec& spec_;
  const Quantized& out_;
  unsigned threads_;
  const QuantizeKernels& table_;
  std::size_t block_rows_;
  std::vector<BlockResult> blocks_;
  Quantizer shared_{1.0F, 0, 0, 0};
};

SquareSums quantize_nothing(const Weight& weight, const QuantizeSpec& spec, const Quantized& out) {
  const std::size_t scales = scale_count(weight, spec);
  std::fill_n(out.scales, scales, 1.0F);
  if (out.zero_points != nullptr) std::fill_n(out.zero_points, scales, 0);
  return {0.0, 0.0};
}

}  // namespace

std::size_t scales_per_row(const Weight& weight, const QuantizeSpec& spec) noexcept {
  return spec.per_scale == 0 ? 1 : block_count(weight.columns, spec.per_scale);
}

std::size_t scale_count(const Weight& weight, const QuantizeSpec& spec) noexcept {
  return spec.per_scale == 0 ? 1 : weight.rows * scales_per_row(weight, spec);
}

SquareSums quantize(const Weight& weight, const QuantizeSpec& spec, const Quantized& out,
                    unsigned threads) {
  if (spec.bits < 2 || spec.bits > 8) {
    invalid("bits: expected 2 to 8, found " + std::to_string(spec.bits));
  }
  if (layout_of(weight.type).bytes < 2) {
    wrong_dtype(weight.name + ": expected F64, F32, F16 or BF16, found " +
                std::string(name_of(weight.type)));
  }
  const DefaultFloatEnvironment environment;
  if (weight.rows == 0 || weight.columns == 0) return quantize_nothing(weight, spec, out);
  return Quantization(weight, spec, out, threads).run();
}

void dequantize(const Quantized& from, std::size_t rows, std::size_t columns, std::size_t per_scale,
                float* weights, unsigned threads) {
  if (rows == 0 || columns == 0) return;
  const std::size_t per_row = per_scale == 0 ? 0 : block_count(columns, per_scale);
  const std::size_t run = per_scale == 0 ? std::max<std::size_t>(1, columns) : per_scale;
  const auto one_row = [&](std::size_t row) {
    const std::size_t first = row * columns;
    for_each_block({0, columns}, [&](Block block) {
      for (std::size_t at = block.begin; at < block.end; ++at) {
        const std::size_t scale = row * per_row + (per_scale == 0 ? 0 : at / run);
        const std::uint8_t code = from.codes[first + at];
        const std::int64_t steps = from.zero_points == nullptr
                                       ? static_cast<std::int8_t>(code)
                                       : std::int64_t{code} - from.zero_points[scale];
        weights[first + at] = static_cast<float>(steps) * from.scales[scale];
      }
    });
  };
  const std::size_t block_rows = rows_per_block(columns);
  parallel_for(block_count(rows, block_rows), threads, [&](std::size_t n) {
    const Block block = nth_block(n, rows, block_rows);
    for (std::size_t row = block.begin; row < block.end; ++row) one_row(row);
  });
}

}  // namespace meadow
