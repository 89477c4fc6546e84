#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "meadow/base/bits.h"
#include "meadow/base/checksum.h"
#include "meadow/base/thread_pool.h"
#include "meadow/blob/header_fields.h"
#include "meadow/blob/planes_blob.h"
#include "meadow/codec/bf16_planes.h"
#include "meadow/number/content.h"
#include "meadow/stats/histogram.h"

namespace meadow {

using namespace planes_fields;

namespace {

constexpr std::size_t kBlockWeights = std::size_t{1} << 18;  // as far as 64 rows allow

std::size_t rows_of_block(std::size_t columns) {
  const std::size_t rows = PlanesLayout::kTableRows;
  return rows * std::max<std::size_t>(1, kBlockWeights / (rows * columns));
}

using UpperCounts = std::array<std::uint32_t, 256>;

// Counts the rows it hands out. The rows of one table are read by one thread.
RowReader counting(const RowReader& read, std::size_t columns, std::vector<UpperCounts>& counts) {
  return [&read, columns, &counts](std::size_t row, std::uint16_t* values) {
    read(row, values);
    UpperCounts& table = counts[row / PlanesLayout::kTableRows];
    for (std::size_t c = 0; c < columns; ++c) ++table[values[c] >> 8];
  };
}

std::uint64_t floor_of(const std::vector<UpperCounts>& counts, const PlanesLayout& layout) {
  double bits = 0.0;
  for (std::size_t n = 0; n < counts.size(); ++n) {
    const Block rows = nth_block(n, layout.rows, PlanesLayout::kTableRows);
    const auto weights = static_cast<double>((rows.end - rows.begin) * layout.columns);
    bits += weights * (8.0 + entropy(std::span<const std::uint32_t>(counts[n])));
  }
  return static_cast<std::uint64_t>(std::floor(bits));
}

void write_fixed(std::uint8_t* at, const PlanesLayout& layout, FloatType stored,
                 std::uint64_t floor) {
  std::copy(kMagic.begin(), kMagic.end(), at);
  at[kAtVersion] = kPlanesVersion;
  at[kAtKind] = kFloatNibbles;
  at[kAtStored] = blob_fields::number_of(stored);
  store(at + kAtRows, std::uint64_t{layout.rows});
  store(at + kAtColumns, std::uint64_t{layout.columns});
  store(at + kAtBlockRows, static_cast<std::uint32_t>(layout.block_rows));
  store(at + kAtEscapes, static_cast<std::uint32_t>(layout.escapes));
  store(at + kAtBytes, std::uint64_t{layout.bytes()});
  store(at + kAtHeadBytes, std::uint64_t{layout.head_bytes()});
  store(at + kAtFloor, floor);
}

// Copies one part after another and releases each once it is copied.
Bytes joined(Bf16Planes planes, const PlanesLayout& layout, FloatType stored, std::uint64_t floor) {
  Bytes blob(layout.bytes());
  std::fill_n(blob.begin(), layout.head_bytes(), std::uint8_t{0});
  write_fixed(blob.data(), layout, stored, floor);
  const auto copy = [&blob](auto& part, std::size_t at) {
    if (!part.empty()) std::memcpy(&blob[at], part.data(), part.size() * sizeof part[0]);
    std::exchange(part, {});
  };
  copy(planes.tables, layout.tables_at());
  copy(planes.escaped, layout.escaped_at());
  copy(planes.escapes, layout.escapes_at());
  copy(planes.codes, layout.codes_at());
  copy(planes.lower, layout.lower_at());
  return blob;
}

void write_checksums(Bytes& blob, const PlanesLayout& layout, unsigned threads) {
  const std::size_t units = kernels::units_of(layout.columns);
  parallel_for(layout.blocks(), threads, [&](std::size_t n) {
    const Block rows = nth_block(n, layout.rows, layout.block_rows);
    const std::size_t begin = rows.begin / kernels::kGroupRows * units;
    const std::size_t count = block_count(rows.end, kernels::kGroupRows) * units - begin;
    const auto sum = [&](std::size_t at, std::size_t of_unit) {
      return xxh64(&blob[at + begin * of_unit], count * of_unit);
    };
    std::uint8_t* entry = &blob[kFixedBytes + n * kBlockEntryBytes];
    store(entry, sum(layout.codes_at(), kernels::kUnitCodes));
    store(entry + kChecksumBytes, sum(layout.lower_at(), kernels::kUnitLower));
  });
  const std::size_t covered = layout.head_bytes() - kChecksumBytes;
  store(&blob[covered], xxh64(blob.data(), covered));
}

}  // namespace

std::optional<Bytes> encode_planes_blob(FloatType stored, const void* values, std::size_t rows,
                                        std::size_t columns, unsigned threads) {
  if (rows == 0 || columns == 0 || columns > kMostPlaneColumns || rows > kMostWeights / columns ||
      narrowest_type(values, rows * columns, stored, threads) != FloatType::kBF16) {
    return std::nullopt;
  }
  PlanesLayout layout{rows, columns, rows_of_block(columns), 0};
  std::vector<UpperCounts> counts(block_count(rows, PlanesLayout::kTableRows));
  const RowReader read = bf16_rows(stored, values, columns);
  Bf16Planes planes = encode_bf16_planes(rows, columns, counting(read, columns, counts), threads);
  layout.escapes = planes.escapes.size();
  if (layout.bytes() >= rows * columns * sizeof(std::uint16_t)) return std::nullopt;
  Bytes blob = joined(std::move(planes), layout, stored, floor_of(counts, layout));
  write_checksums(blob, layout, threads);
  return blob;
}

}  // namespace meadow
