// The head of a blob: its contents, how they are cut and coded, and where the tiles lie. The layout
// is specified in docs/format.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "meadow/blob/layout.h"
#include "meadow/blob/plane_code.h"

namespace meadow {

constexpr std::uint8_t kBlobVersion = 2;  // the newest; a blob has the oldest that can express it
constexpr std::size_t kFixedBlobBytes = 72;
constexpr std::size_t kLongestDtype = 16;
constexpr std::size_t kTileSymbols = 1 << 16;  // floats of a tile, as far as whole rows allow

constexpr std::size_t kFewestColumns = 32;  // a shorter row has no base

// Subtracted from the field of a float: base + rows[row] + columns[column], modulo the field.
struct Bases {
  std::uint8_t base = 0;
  std::vector<std::uint8_t> rows;     // empty: none
  std::vector<std::uint8_t> columns;  // empty: none
};

struct BlobHead {
  std::string dtype;  // the spelling of the tensor's dtype; recorded, not interpreted
  Layout layout;
  std::uint64_t records = 0;
  std::uint64_t columns = 0;  // records of a row; 0 if nothing depends on it
  std::uint32_t tile_records = 1;
  std::uint64_t floor_bits = 0;  // order-0 entropy of coded planes plus the size of the others
  Bases bases;
  std::vector<PlaneCode> codes;  // one for each plane
  std::vector<float> scales;     // of kGrid, one for each record; only to encode

  [[nodiscard]] std::uint64_t nbytes() const noexcept { return records * layout.record_bytes; }
  [[nodiscard]] std::size_t tile_count() const noexcept;
  [[nodiscard]] std::size_t records_of_tile(std::size_t n) const noexcept;
};

// The place of tile n, and its XXH64.
struct TileEntry {
  std::uint32_t bytes;
  std::uint64_t checksum;
};

// A checked head and the tiles after it; spans point into the blob.
struct BlobView {
  BlobHead head;
  std::vector<std::span<const std::uint8_t>> tiles;
  std::vector<std::uint64_t> checksums;
  std::uint64_t bytes;  // of the blob
};

// Reads and checks everything but the tiles themselves. Zero bytes may follow the blob. Throws
// Truncated, Corrupt or NewerVersion; allocates no more than the blob's length justifies.
BlobView parse_blob(std::span<const std::uint8_t> blob);

// Everything before the tiles, with its checksum.
Bytes write_head(const BlobHead& head, std::span<const TileEntry> tiles);

// For callers that change a blob on purpose, such as the fuzzers: corrects the checksums of head
// and tiles, as far as the head can be read.
void fix_blob_checksums(std::span<std::uint8_t> blob);

}  // namespace meadow
