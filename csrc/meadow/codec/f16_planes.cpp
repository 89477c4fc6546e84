#include "meadow/codec/f16_planes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/codec/upper_bytes.h"

namespace meadow {
namespace {

using kernels::F16Escape;
using kernels::kF16HighCodes;
using kernels::kF16UnitCodes;
using kernels::kF16UpperBytes;
using kernels::kGroupRows;
using kernels::kStripUnits;
using kernels::kTableGroups;
using kernels::kUnitColumns;
using kernels::kUnitLower;

constexpr std::size_t kTableRows = kTableGroups * kGroupRows;
constexpr std::uint8_t kMostSkip = 255;
constexpr std::uint16_t kExponent = 0x7C00;  // all of it set: NaN and infinities

using upper_bytes::Codes;
using upper_bytes::Counts;
using upper_bytes::kNoCode;
using Table = upper_bytes::Table<kF16UpperBytes>;
using TableBlock = upper_bytes::TableBlock<F16Escape>;  // of 64 rows, its parts are strips

// The upper bytes of a strip, each in its place.
using Strip = std::array<std::uint8_t, kernels::kStripBytes>;

void list_escapes(const Strip& upper, std::size_t places, const Codes& codes, TableBlock& made) {
  const std::size_t before = made.escapes.size();
  std::size_t at = 0;
  for (std::size_t place = 0; place < places; ++place) {
    if (codes[upper[place]] != kNoCode) continue;
    for (; place - at > kMostSkip; at += kMostSkip) {
      made.escapes.push_back({kMostSkip, upper[at + kMostSkip]});
    }
    made.escapes.push_back({static_cast<std::uint8_t>(place - at), upper[place]});
    at = place;
  }
  made.per_part.push_back(static_cast<std::uint32_t>(made.escapes.size() - before));
}

class BlockEncoder {
 public:
  BlockEncoder(F16Planes& planes, const std::uint16_t* values)
      : planes_(planes), values_(values), units_(kernels::units_of(planes.columns)) {}

  [[nodiscard]] TableBlock encode(std::size_t block) const {
    const Block rows = nth_block(block, planes_.rows, kTableRows);
    const Table table = upper_bytes::most_frequent<kF16UpperBytes>(counts_of(rows));
    std::memcpy(planes_.tables.data() + block * kF16UpperBytes, table.data(), kF16UpperBytes);
    const Codes codes = upper_bytes::codes_of(table);
    TableBlock made;
    for (std::size_t row = rows.begin; row < rows.end; row += kGroupRows) {
      encode_group(row, std::min(kGroupRows, rows.end - row), table, codes, made);
    }
    return made;
  }

 private:
  [[nodiscard]] Counts counts_of(Block rows) const {
    Counts counts{};
    for (std::size_t r = rows.begin; r < rows.end; ++r) {
      const std::uint16_t* row = values_ + r * planes_.columns;
      for (std::size_t c = 0; c < planes_.columns; ++c) {
        if ((row[c] & kExponent) == kExponent) refuse(r, c);
        ++counts[row[c] >> 8];
      }
    }
    return counts;
  }

  [[noreturn]] static void refuse(std::size_t row, std::size_t column) {
    invalid("values: expected finite F16, found NaN or an infinity in row " + std::to_string(row) +
            ", column " + std::to_string(column));
  }

  void encode_group(std::size_t row, std::size_t rows, const Table& table, const Codes& codes,
                    TableBlock& made) const {
    for (std::size_t begin = 0; begin < units_; begin += kStripUnits) {
      const std::size_t units = std::min(kStripUnits, units_ - begin);
      Strip upper;
      upper.fill(table[0]);  // rows and columns past the last get codes of 0
      for (std::size_t n = 0; n < units; ++n) {
        encode_unit(row, rows, begin + n, codes, upper.data() + n * kUnitLower);
      }
      list_escapes(upper, units * kUnitLower, codes, made);
    }
  }

  void encode_unit(std::size_t row, std::size_t rows, std::size_t n, const Codes& codes,
                   std::uint8_t* upper) const {
    const std::size_t at = row / kGroupRows * units_ + n;
    std::uint8_t* coded = planes_.codes.data() + at * kF16UnitCodes;
    std::uint8_t* lower = planes_.lower.data() + at * kUnitLower;
    std::memset(coded, 0, kF16UnitCodes);
    std::memset(lower, 0, kUnitLower);
    for (std::size_t place = 0; place < rows * kUnitColumns; ++place) {
      const std::size_t r = place / kUnitColumns;
      const std::size_t byte = place % kUnitColumns;
      const std::size_t c = n * kUnitColumns + kernels::f16_column_of_byte(byte);
      if (c >= planes_.columns) continue;
      const std::uint16_t value = values_[(row + r) * planes_.columns + c];
      upper[place] = static_cast<std::uint8_t>(value >> 8);
      lower[place] = static_cast<std::uint8_t>(value);
      const unsigned code = codes[upper[place]] == kNoCode ? 0U : codes[upper[place]];
      std::uint8_t& pair = coded[r / 2 * kUnitColumns + byte];
      pair = static_cast<std::uint8_t>(pair | (code & 15) << r % 2 * 4);
      std::uint8_t& high = coded[kF16HighCodes + byte];
      high = static_cast<std::uint8_t>(high | code >> 4 << 2 * r);
    }
  }

  F16Planes& planes_;
  const std::uint16_t* values_;
  std::size_t units_;
};

}  // namespace

std::size_t F16Planes::bytes() const noexcept {
  return codes.size() + lower.size() + tables.size() + escapes.size() * sizeof(F16Escape) +
         escaped.size() * sizeof(std::uint32_t);
}

F16Planes encode_f16_planes(std::size_t rows, std::size_t columns, const std::uint16_t* values,
                            unsigned threads) {
  if (rows == 0 || columns == 0) invalid("planes: expected rows and columns, found none");
  F16Planes planes;
  planes.rows = rows;
  planes.columns = columns;
  const std::size_t units = block_count(rows, kGroupRows) * kernels::units_of(columns);
  const std::size_t blocks = block_count(rows, kTableRows);
  planes.codes.resize(units * kF16UnitCodes);
  planes.lower.resize(units * kUnitLower);
  planes.tables.resize(blocks * kF16UpperBytes);
  std::vector<TableBlock> made(blocks);
  const BlockEncoder encoder(planes, values);
  parallel_for(blocks, threads, [&](std::size_t n) { made[n] = encoder.encode(n); });
  upper_bytes::join(made, planes);
  return planes;
}

void check_escapes(const kernels::F16PlaneRows& planes, std::size_t rows, std::size_t escapes) {
  const std::size_t units = kernels::units_of(planes.columns);
  const std::size_t strips = kernels::strips_of(planes.columns);
  std::size_t strip = 0;
  upper_bytes::check_escaped(planes.escaped, block_count(rows, kGroupRows) * strips, escapes,
                             [&](std::uint32_t begin, std::uint32_t end) {
                               const std::size_t left = units - strip++ % strips * kStripUnits;
                               const std::size_t places = std::min(kStripUnits, left) * kUnitLower;
                               std::size_t at = 0;
                               for (std::uint32_t e = begin; e < end; ++e) {
                                 at += planes.escapes[e].skip;
                                 corrupt_unless(at < places, "planes: place of an escape",
                                                "one in its strip", at);
                               }
                             });
}

}  // namespace meadow
