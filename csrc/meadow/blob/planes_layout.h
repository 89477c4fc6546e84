// Where the parts of a blob of planes lie; docs/format.md has the same tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "meadow/base/thread_pool.h"
#include "meadow/kernels/bf16_planes/bf16_planes.h"

namespace meadow {

namespace planes_fields {

inline constexpr std::array<std::uint8_t, 4> kMagic = {'M', 'D', 'W', 'P'};
inline constexpr std::uint8_t kFloatNibbles = 1;  // the only kind: codes of 4 bits
inline constexpr std::uint64_t kMostWeights = std::uint64_t{1} << 40;
inline constexpr std::size_t kChecksumBytes = 8;
inline constexpr std::size_t kBlockEntryBytes = 2 * kChecksumBytes;

enum Offset : std::size_t {
  kAtMagic = 0,
  kAtVersion = 4,
  kAtKind = 5,
  kAtStored = 6,
  kAtReserved = 7,
  kAtRows = 8,
  kAtColumns = 16,
  kAtBlockRows = 24,
  kAtEscapes = 28,
  kAtBytes = 32,
  kAtHeadBytes = 40,
  kAtFloor = 48,
  kAtReservedWord = 56,
  kFixedBytes = 64,
};

}  // namespace planes_fields

// Sizes and offsets in bytes, all computed from four numbers. No sum overflows 64 bits if
// rows * columns is at most kMostWeights and escapes can name every unit of a row.
struct PlanesLayout {
  static constexpr std::size_t kAlignment = 64;
  static constexpr std::size_t kTableRows = kernels::kTableGroups * kernels::kGroupRows;

  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t block_rows = kTableRows;  // a multiple of kTableRows
  std::size_t escapes = 0;

  [[nodiscard]] std::size_t blocks() const noexcept { return block_count(rows, block_rows); }
  [[nodiscard]] std::size_t groups() const noexcept {
    return block_count(rows, kernels::kGroupRows);
  }
  [[nodiscard]] std::size_t units() const noexcept { return groups() * kernels::units_of(columns); }
  [[nodiscard]] std::size_t table_bytes() const noexcept {
    return block_count(rows, kTableRows) * kernels::kUpperBytes;
  }
  [[nodiscard]] std::size_t escaped_bytes() const noexcept {
    return (groups() + 1) * sizeof(std::uint32_t);
  }
  [[nodiscard]] std::size_t escape_bytes() const noexcept {
    return escapes * sizeof(kernels::Escape);
  }
  [[nodiscard]] std::size_t code_bytes() const noexcept { return units() * kernels::kUnitCodes; }
  [[nodiscard]] std::size_t lower_bytes() const noexcept { return units() * kernels::kUnitLower; }

  static std::size_t aligned(std::size_t size) noexcept {
    return block_count(size, kAlignment) * kAlignment;
  }
  [[nodiscard]] std::size_t checksums_end() const noexcept {
    return planes_fields::kFixedBytes + blocks() * planes_fields::kBlockEntryBytes;
  }
  [[nodiscard]] std::size_t tables_at() const noexcept { return aligned(checksums_end()); }
  [[nodiscard]] std::size_t escaped_at() const noexcept {
    return aligned(tables_at() + table_bytes());
  }
  [[nodiscard]] std::size_t escapes_at() const noexcept {
    return aligned(escaped_at() + escaped_bytes());
  }
  // The head ends with the checksum of everything before it.
  [[nodiscard]] std::size_t head_bytes() const noexcept {
    return aligned(escapes_at() + escape_bytes() + planes_fields::kChecksumBytes);
  }
  [[nodiscard]] std::size_t codes_at() const noexcept { return head_bytes(); }
  [[nodiscard]] std::size_t lower_at() const noexcept { return codes_at() + code_bytes(); }
  [[nodiscard]] std::size_t bytes() const noexcept { return lower_at() + lower_bytes(); }
};

}  // namespace meadow
