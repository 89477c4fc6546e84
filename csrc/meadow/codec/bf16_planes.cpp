#include "meadow/codec/bf16_planes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>

#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/codec/upper_bytes.h"
#include "meadow/kernels/convert/convert.h"
#include "meadow/kernels/isa.h"

namespace meadow {
namespace {

using kernels::Escape;
using kernels::kGroupRows;
using kernels::kTableGroups;
using kernels::kUnitCodes;
using kernels::kUnitColumns;
using kernels::kUnitLower;
using kernels::kUpperBytes;

constexpr std::size_t kTableRows = kTableGroups * kGroupRows;

std::array<std::uint8_t, kUnitColumns> bytes_of_columns() {
  std::array<std::uint8_t, kUnitColumns> bytes{};
  for (std::size_t b = 0; b < kUnitColumns; ++b) {
    bytes[kernels::column_of_byte(b)] = static_cast<std::uint8_t>(b);
  }
  return bytes;
}

using upper_bytes::Codes;
using upper_bytes::kNoCode;
using Table = upper_bytes::Table<kUpperBytes>;
using TableBlock = upper_bytes::TableBlock<Escape>;  // of 64 rows, its parts are groups

class BlockEncoder {
 public:
  BlockEncoder(Bf16Planes& planes, const RowReader& read_row)
      : planes_(planes), read_row_(read_row), units_(kernels::units_of(planes.columns)) {}

  [[nodiscard]] TableBlock encode(std::size_t block) const {
    const Block rows = nth_block(block, planes_.rows, kTableRows);
    std::vector<std::uint16_t> values((rows.end - rows.begin) * planes_.columns);
    upper_bytes::Counts counts{};
    for (std::size_t r = rows.begin; r < rows.end; ++r) {
      read_row_(r, values.data() + (r - rows.begin) * planes_.columns);
    }
    for (const std::uint16_t value : values) ++counts[value >> 8];
    const Table table = upper_bytes::most_frequent<kUpperBytes>(counts);
    std::memcpy(planes_.tables.data() + block * kUpperBytes, table.data(), kUpperBytes);
    TableBlock made;
    const Codes codes = upper_bytes::codes_of(table);
    for (std::size_t r = rows.begin; r < rows.end; r += kGroupRows) {
      const std::size_t before = made.escapes.size();
      encode_group(r / kGroupRows, values.data() + (r - rows.begin) * planes_.columns,
                   std::min(kGroupRows, rows.end - r), codes, made.escapes);
      made.per_part.push_back(static_cast<std::uint32_t>(made.escapes.size() - before));
    }
    return made;
  }

 private:
  void encode_group(std::size_t group, const std::uint16_t* values, std::size_t rows,
                    const Codes& codes, std::vector<Escape>& escapes) const {
    std::uint8_t* coded = planes_.codes.data() + group * units_ * kUnitCodes;
    std::uint8_t* lower = planes_.lower.data() + group * units_ * kUnitLower;
    std::memset(coded, 0, units_ * kUnitCodes);
    std::memset(lower, 0, units_ * kUnitLower);
    for (std::size_t n = 0; n < units_; ++n) {
      const std::size_t before = escapes.size();
      for (std::size_t r = 0; r < rows; ++r) {
        encode_unit_row(n, r, values + r * planes_.columns, codes, coded + n * kUnitCodes,
                        lower + n * kUnitLower, escapes);
      }
      std::sort(escapes.begin() + static_cast<std::ptrdiff_t>(before), escapes.end(),
                [](const Escape& a, const Escape& b) { return a.byte < b.byte; });
    }
  }

  void encode_unit_row(std::size_t n, std::size_t r, const std::uint16_t* row, const Codes& codes,
                       std::uint8_t* coded, std::uint8_t* lower,
                       std::vector<Escape>& escapes) const {
    static const auto kBytes = bytes_of_columns();
    const std::size_t begin = n * kUnitColumns;
    const std::size_t count = std::min(kUnitColumns, planes_.columns - begin);
    for (std::size_t c = 0; c < count; ++c) {
      const std::size_t byte = kBytes[c];
      const auto upper = static_cast<std::uint8_t>(row[begin + c] >> 8);
      lower[r * kUnitColumns + byte] = static_cast<std::uint8_t>(row[begin + c]);
      std::uint8_t code = codes[upper];
      if (code == kNoCode) {
        escapes.push_back({static_cast<std::uint16_t>(n),
                           static_cast<std::uint8_t>(r * kUnitColumns + byte), upper});
        code = 0;
      }
      std::uint8_t& pair = coded[r / 2 * kUnitColumns + byte];
      pair = static_cast<std::uint8_t>(pair | (r % 2 == 0 ? code : code << 4));
    }
  }

  Bf16Planes& planes_;
  const RowReader& read_row_;
  std::size_t units_;
};

void require_codable(std::size_t rows, std::size_t columns) {
  if (rows == 0 || columns == 0) invalid("planes: expected rows and columns, found none");
  if (columns > kMostPlaneColumns) {
    invalid("planes: expected at most " + std::to_string(kMostPlaneColumns) + " columns, found " +
            std::to_string(columns));
  }
}

// Each in its group, one after another.
void check_places(std::span<const Escape> escapes, std::size_t units) {
  const char* const place = "planes: place of an escape";
  const Escape* before = nullptr;
  for (const Escape& escape : escapes) {
    corrupt_unless(escape.unit < units && escape.byte < kUnitLower, place, "one in its group",
                   escape.unit);
    corrupt_unless(before == nullptr || before->unit < escape.unit ||
                       (before->unit == escape.unit && before->byte < escape.byte),
                   place, "one after the previous", escape.unit);
    before = &escape;
  }
}

}  // namespace

std::size_t Bf16Planes::bytes() const noexcept {
  return codes.size() + lower.size() + tables.size() + escapes.size() * sizeof(Escape) +
         escaped.size() * sizeof(std::uint32_t);
}

RowReader bf16_rows(FloatType type, const void* values, std::size_t columns) {
  if (type == FloatType::kF32) {
    return [values, columns](std::size_t row, std::uint16_t* to) {
      const auto* from = static_cast<const std::uint32_t*>(values) + row * columns;
      std::transform(from, from + columns, to,
                     [](std::uint32_t bits) { return static_cast<std::uint16_t>(bits >> 16); });
    };
  }
  if (type == FloatType::kF16) {
    return [values, columns](std::size_t row, std::uint16_t* to) {
      const auto* from = static_cast<const std::uint16_t*>(values) + row * columns;
      kernels::convert_kernels(active_isa()).bf16_of_f16(from, columns, to);
    };
  }
  return [values, columns](std::size_t row, std::uint16_t* to) {
    std::copy_n(static_cast<const std::uint16_t*>(values) + row * columns, columns, to);
  };
}

Bf16Planes encode_bf16_planes(std::size_t rows, std::size_t columns, const RowReader& read_row,
                              unsigned threads) {
  require_codable(rows, columns);
  Bf16Planes planes;
  planes.rows = rows;
  planes.columns = columns;
  const std::size_t units = block_count(rows, kGroupRows) * kernels::units_of(columns);
  const std::size_t blocks = block_count(rows, kTableRows);
  planes.codes.resize(units * kUnitCodes);
  planes.lower.resize(units * kUnitLower);
  planes.tables.resize(blocks * kUpperBytes);
  std::vector<TableBlock> made(blocks);
  const BlockEncoder encoder(planes, read_row);
  parallel_for(blocks, threads, [&](std::size_t n) { made[n] = encoder.encode(n); });
  upper_bytes::join(made, planes);
  return planes;
}

void check_escapes(const kernels::Bf16PlaneRows& planes, std::size_t rows, std::size_t escapes) {
  const std::size_t units = kernels::units_of(planes.columns);
  upper_bytes::check_escaped(planes.escaped, block_count(rows, kGroupRows), escapes,
                             [&](std::uint32_t begin, std::uint32_t end) {
                               check_places({planes.escapes + begin, planes.escapes + end}, units);
                             });
}

}  // namespace meadow
