#include "meadow/codec/f16_planes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <numeric>
#include <string>

#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

using kernels::kF16EscapePadding;
using kernels::kF16HighCodes;
using kernels::kF16UnitCodes;
using kernels::kF16UpperBytes;
using kernels::kGroupRows;
using kernels::kMarkUnits;
using kernels::kTableGroups;
using kernels::kUnitColumns;
using kernels::kUnitLower;

constexpr std::size_t kTableRows = kTableGroups * kGroupRows;
constexpr std::uint8_t kEscapeCode = kF16UpperBytes - 1;
constexpr std::uint16_t kExponent = 0x7C00;  // all of it set: NaN and infinities

using Counts = std::array<std::uint32_t, 256>;
using Table = std::array<std::uint8_t, kF16UpperBytes>;
using Codes = std::array<std::uint8_t, 256>;

Table most_frequent(const Counts& counts) {
  std::array<std::uint8_t, 256> order{};
  std::iota(order.begin(), order.end(), std::uint8_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint8_t a, std::uint8_t b) { return counts[a] > counts[b]; });
  Table table{};
  std::copy_n(order.begin(), kEscapeCode, table.begin());
  table[kEscapeCode] = kernels::kF16Escaped;
  return table;
}

Codes codes_of(const Table& table) {
  Codes codes;
  codes.fill(kEscapeCode);
  for (std::uint8_t i = 0; i < kEscapeCode; ++i) codes[table[i]] = i;
  return codes;
}

// What becomes of 64 rows: the escapes, and at every mark how many there were before.
struct TableBlock {
  Bytes escapes;
  std::vector<std::uint32_t> marks;
};

class BlockEncoder {
 public:
  BlockEncoder(F16Planes& planes, const std::uint16_t* values)
      : planes_(planes), values_(values), units_(kernels::units_of(planes.columns)) {}

  [[nodiscard]] TableBlock encode(std::size_t block) const {
    const Block rows = nth_block(block, planes_.rows, kTableRows);
    const Table table = most_frequent(counts_of(rows));
    std::memcpy(planes_.tables.data() + block * kF16UpperBytes, table.data(), kF16UpperBytes);
    const Codes codes = codes_of(table);
    TableBlock made;
    for (std::size_t row = rows.begin; row < rows.end; row += kGroupRows) {
      encode_group(row, std::min(kGroupRows, rows.end - row), codes, made);
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

  void encode_group(std::size_t row, std::size_t rows, const Codes& codes, TableBlock& made) const {
    const std::size_t at = row / kGroupRows * units_;
    std::uint8_t* coded = planes_.codes.data() + at * kF16UnitCodes;
    std::uint8_t* lower = planes_.lower.data() + at * kUnitLower;
    std::memset(coded, 0, units_ * kF16UnitCodes);
    std::memset(lower, 0, units_ * kUnitLower);
    for (std::size_t n = 0; n < units_; ++n) {
      if (n % kMarkUnits == 0) {
        made.marks.push_back(static_cast<std::uint32_t>(made.escapes.size()));
      }
      for (std::size_t r = 0; r < rows; ++r) {
        encode_unit_row(row + r, n, codes, coded + n * kF16UnitCodes,
                        lower + n * kUnitLower + r * kUnitColumns, made.escapes);
      }
    }
  }

  // In the order of bytes, which is that of escapes.
  void encode_unit_row(std::size_t row, std::size_t n, const Codes& codes, std::uint8_t* coded,
                       std::uint8_t* lower, Bytes& escapes) const {
    const std::size_t r = row % kGroupRows;
    const std::uint16_t* values = values_ + row * planes_.columns + n * kUnitColumns;
    const std::size_t count = std::min(kUnitColumns, planes_.columns - n * kUnitColumns);
    for (std::size_t byte = 0; byte < kUnitColumns; ++byte) {
      const std::size_t c = kernels::f16_column_of_byte(byte);
      if (c >= count) continue;
      const auto upper = static_cast<std::uint8_t>(values[c] >> 8);
      lower[byte] = static_cast<std::uint8_t>(values[c]);
      const std::uint8_t code = codes[upper];
      if (code == kEscapeCode) escapes.push_back(upper);
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

void join(const std::vector<TableBlock>& blocks, F16Planes& planes) {
  std::size_t total = 0;
  for (const TableBlock& block : blocks) {
    for (const std::uint32_t before : block.marks) {
      planes.marks.push_back(static_cast<std::uint32_t>(total + before));
    }
    total += block.escapes.size();
    if (total > std::numeric_limits<std::uint32_t>::max()) {
      invalid("planes: more weights outside their tables than 32 bits count");
    }
  }
  planes.escapes.resize(total + kF16EscapePadding);
  std::uint8_t* to = planes.escapes.data();
  for (const TableBlock& block : blocks) {
    to = std::copy(block.escapes.begin(), block.escapes.end(), to);
  }
  std::fill_n(to, kF16EscapePadding, std::uint8_t{0});
}

}  // namespace

std::size_t F16Planes::bytes() const noexcept {
  return codes.size() + lower.size() + escapes.size() + tables.size() +
         marks.size() * sizeof(std::uint32_t);
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
  join(made, planes);
  return planes;
}

}  // namespace meadow
