#include "meadow/stats/histogram.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

// One slice per thread: integer sums are the same however the work is divided.
constexpr std::size_t kSmallestSlice = 1 << 16;

template <typename Table, typename CountSlice>
Table sum_over_slices(std::size_t count, unsigned threads, const Table& empty,
                      const CountSlice& count_slice) {
  threads = usable_threads(threads);
  const std::size_t slice = std::max(kSmallestSlice, block_count(count, threads));
  std::vector<Table> tables(std::max<std::size_t>(1, block_count(count, slice)), empty);
  parallel_for(block_count(count, slice), threads,
               [&](std::size_t n) { count_slice(nth_block(n, count, slice), tables[n]); });
  for (std::size_t n = 1; n < tables.size(); ++n) {
    for (std::size_t i = 0; i < empty.size(); ++i) tables[0][i] += tables[n][i];
  }
  return std::move(tables[0]);
}

// Four tables in turn, so that a run of equal symbols does not wait for its own counter.
template <typename Element>
void count_slice_of(const Element* values, Block slice, unsigned bits, Counts& table) {
  const std::size_t size = table.size();
  const auto mask = static_cast<Element>(low_bits(bits));
  Counts four(4 * size, 0);
  for_each_block(slice, [&](Block block) {
    std::size_t i = block.begin;
    for (; i + 4 <= block.end; i += 4) {
      ++four[values[i] & mask];
      ++four[size + (values[i + 1] & mask)];
      ++four[2 * size + (values[i + 2] & mask)];
      ++four[3 * size + (values[i + 3] & mask)];
    }
    for (; i < block.end; ++i) ++four[values[i] & mask];
  });
  for (std::size_t s = 0; s < size; ++s) {
    table[s] += four[s] + four[size + s] + four[2 * size + s] + four[3 * size + s];
  }
}

template <typename Element>
Counts count_elements(const void* values, std::size_t count, unsigned bits, unsigned threads) {
  const Counts empty(std::size_t{1} << bits, 0);
  return sum_over_slices(count, threads, empty, [&](Block slice, Counts& table) {
    count_slice_of(static_cast<const Element*>(values), slice, bits, table);
  });
}

// Lowest bit and width.
struct Field {
  unsigned shift;
  unsigned width;
};

std::vector<Field> fields_of(FloatType type) {
  const auto [bytes, exponent, mantissa] = layout_of(type);
  return {{mantissa + exponent, 1}, {mantissa, exponent}, {0, mantissa}};
}

// The counts of a field from the counts of whole values.
Counts project(const Counts& joint, Field field) {
  Counts counts(std::size_t{1} << field.width, 0);
  for (std::size_t value = 0; value < joint.size(); ++value) {
    counts[(value >> field.shift) & low_bits(field.width)] += joint[value];
  }
  return counts;
}

// An F32 is too wide for a table of whole values, so each of its halves has one.
std::vector<Counts> count_fields_f32(const std::uint32_t* values, std::size_t count,
                                     unsigned threads) {
  constexpr std::size_t kHalf = 1 << 16;
  const Counts empty(2 * kHalf, 0);
  const Counts halves = sum_over_slices(count, threads, empty, [&](Block slice, Counts& table) {
    for_each_block(slice, [&](Block block) {
      for (std::size_t i = block.begin; i < block.end; ++i) {
        ++table[values[i] >> 16];
        ++table[kHalf + (values[i] & 0xFFFF)];
      }
    });
  });
  const Counts high(halves.begin(), halves.begin() + kHalf);
  const Counts low(halves.begin() + kHalf, halves.end());
  return {project(high, {15, 1}), project(high, {7, 8}), project(high, {0, 7}),
          project(low, {8, 8}), project(low, {0, 8})};
}

template <typename Count>
double entropy_of(std::span<const Count> counts) {
  double total = 0.0;
  for_each_block({0, counts.size()}, [&](Block block) {
    for (std::size_t i = block.begin; i < block.end; ++i) total += static_cast<double>(counts[i]);
  });
  double bits = 0.0;
  for_each_block({0, counts.size()}, [&](Block block) {
    for (const Count count : counts.subspan(block.begin, block.end - block.begin)) {
      if (count == 0) continue;
      bits += static_cast<double>(count) * std::log2(total / static_cast<double>(count));
    }
  });
  return total == 0.0 ? 0.0 : bits / total;
}

}  // namespace

Counts count_symbols(const void* values, std::size_t count, unsigned element_bytes, unsigned bits,
                     unsigned threads) {
  if (element_bytes > 2) {
    wrong_dtype("counts: expected elements of 1 or 2 bytes, found " +
                std::to_string(element_bytes));
  }
  if (bits < 1 || bits > 8 * element_bytes) {
    invalid("bits: expected 1 to " + std::to_string(8 * element_bytes) + ", found " +
            std::to_string(bits));
  }
  if (element_bytes == 1) return count_elements<std::uint8_t>(values, count, bits, threads);
  return count_elements<std::uint16_t>(values, count, bits, threads);
}

std::vector<Counts> count_fields(const void* values, std::size_t count, FloatType type,
                                 unsigned threads) {
  if (type == FloatType::kF64) {
    wrong_dtype("fields: expected F32, F16, BF16 or an 8-bit float, found F64");
  }
  if (type == FloatType::kF32) {
    return count_fields_f32(static_cast<const std::uint32_t*>(values), count, threads);
  }
  const unsigned bytes = layout_of(type).bytes;
  const Counts joint = count_symbols(values, count, bytes, 8 * bytes, threads);
  std::vector<Counts> tables;
  for (const Field field : fields_of(type)) tables.push_back(project(joint, field));
  return tables;
}

double entropy(std::span<const std::uint64_t> counts) { return entropy_of(counts); }
double entropy(std::span<const std::uint32_t> counts) { return entropy_of(counts); }

}  // namespace meadow
