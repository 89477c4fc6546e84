#include "meadow/blob/header.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "meadow/base/bits.h"
#include "meadow/base/checksum.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/blob/coded_bytes.h"
#include "meadow/blob/few_values.h"
#include "meadow/blob/header_fields.h"
#include "meadow/blob/palette.h"
#include "meadow/codec/huffman.h"

namespace meadow {

using namespace blob_fields;

namespace {

void expect(bool holds, const std::string& field, const std::string& expected,
            std::uint64_t found) {
  if (!holds) {
    corrupt("blob: " + field + ": expected " + expected + ", found " + std::to_string(found));
  }
}

FloatType float_of(std::uint8_t number) {
  expect(number >= 1 && number <= kFloats.size(), "float type", "1 to 3", number);
  return kFloats[number - 1];
}

// Reads fields one after another; reading past the end throws Corrupt, because the head has the
// length that it claims.
class Cursor {
 public:
  explicit Cursor(std::span<const std::uint8_t> bytes) : left_(bytes) {}

  std::span<const std::uint8_t> cut(std::uint64_t bytes, const char* what) {
    expect(bytes <= left_.size(), std::string("bytes of its ") + what,
           "at most " + std::to_string(left_.size()), bytes);
    const auto front = left_.first(static_cast<std::size_t>(bytes));
    left_ = left_.subspan(front.size());
    return front;
  }
  [[nodiscard]] std::size_t left() const noexcept { return left_.size(); }

 private:
  std::span<const std::uint8_t> left_;
};

void check_identity(std::span<const std::uint8_t> blob) {
  if (blob.size() < kFixedBlobBytes + kChecksumBytes) {
    truncated("blob: expected at least " + std::to_string(kFixedBlobBytes + kChecksumBytes) +
              " bytes, found " + std::to_string(blob.size()));
  }
  if (!std::equal(kMagic.begin(), kMagic.end(), blob.begin())) {
    corrupt("blob: expected the magic bytes 'MDWB' at its start, found others");
  }
  const std::uint8_t version = blob[kAtVersion];
  if (version > kBlobVersion) {
    throw Error(ErrorKind::kNewerVersion, "blob: version " + std::to_string(version) +
                                              " is newer than this library reads (" +
                                              std::to_string(kBlobVersion) + "); update it");
  }
  expect(version >= 1, "version", "1 to " + std::to_string(kBlobVersion), version);
}

// The head without its checksum.
std::span<const std::uint8_t> checked_head(std::span<const std::uint8_t> blob) {
  const auto bytes = load<std::uint64_t>(&blob[kAtBytes]);
  const auto head = load<std::uint32_t>(&blob[kAtHeadBytes]);
  if (bytes > blob.size()) {
    truncated("blob: expected " + std::to_string(bytes) + " bytes, found " +
              std::to_string(blob.size()));
  }
  expect(head >= kFixedBlobBytes + kChecksumBytes && head <= bytes, "bytes of its head",
         "at most those of the blob", head);
  const auto covered = blob.first(head - kChecksumBytes);
  if (load<std::uint64_t>(&blob[covered.size()]) != xxh64(covered.data(), covered.size())) {
    corrupt("blob: the checksum of its head does not match");
  }
  const auto behind = blob.subspan(static_cast<std::size_t>(bytes));
  expect(std::all_of(behind.begin(), behind.end(), [](std::uint8_t b) { return b == 0; }),
         "bytes after its end", "zeros", behind.size());
  return covered;
}

std::string read_dtype(const std::uint8_t* at) {
  const auto* end = std::find(at, at + kLongestDtype, std::uint8_t{0});
  const bool padded = std::all_of(end, at + kLongestDtype, [](std::uint8_t c) { return c == 0; });
  const bool printable = std::all_of(at, end, [](std::uint8_t c) { return c > ' ' && c < 127; });
  if (!padded || !printable)
    corrupt("blob: its dtype is not a name of at most 16 printable letters");
  return {at, end};
}

void read_fixed(const std::uint8_t* at, BlobHead& head) {
  const std::uint8_t kind = at[kAtKind];
  const unsigned kinds = at[kAtVersion] == 1 ? 3 : 5;
  expect(kind >= 1 && kind <= kinds, "kind", "1 to " + std::to_string(kinds), kind);
  expect((at[kAtFlags] & ~kAllFlags) == 0, "flags", "no reserved bit", at[kAtFlags]);
  expect(load<std::uint16_t>(at + kAtReserved) == 0, "reserved bytes", "0",
         load<std::uint16_t>(at + kAtReserved));
  head.layout.kind = static_cast<LayoutKind>(kind);
  head.layout.record_bytes = load<std::uint16_t>(at + kAtRecordBytes);
  head.records = load<std::uint64_t>(at + kAtRecords);
  head.columns = load<std::uint64_t>(at + kAtColumns);
  head.tile_records = load<std::uint32_t>(at + kAtTileRecords);
  head.bases.base = at[kAtBase];
  head.floor_bits = load<std::uint64_t>(at + kAtFloor);
  head.dtype = read_dtype(at + kAtDtype);
  expect(head.records <= kMostRecords, "records", "at most 2^40", head.records);
  if (head.layout.kind != LayoutKind::kScaled) {
    const bool typed = head.layout.kind == LayoutKind::kGrid;
    const unsigned types = typed ? 0 : at[kAtStored] | at[kAtContent];
    const unsigned others = at[kAtFlags] | at[kAtBase] | at[kAtTop] | types;
    expect(others == 0 && head.columns == 0, "fields of scaled floats", "0", others);
    if (!typed) return;
  }
  head.layout.stored = float_of(at[kAtStored]);
  head.layout.content = float_of(at[kAtContent]);
  head.layout.top = at[kAtTop];
}

// The planes of groups follow from their sizes.
Layout layout_of_groups(const Layout& layout) {
  const unsigned group = layout.planes[0].count;
  if (layout.kind == LayoutKind::kGrid) return grid_layout(layout.stored, layout.content, group);
  const unsigned entries = layout.planes.size() > 1 ? layout.planes[1].count : 0;
  return palette_layout(layout.planes.size() == 3 ? 2 : 4, group, entries);
}

void check_groups(const BlobHead& head) {
  const Layout& layout = head.layout;
  const bool grid = layout.kind == LayoutKind::kGrid;
  const bool narrows = layout.stored == layout.content || layout.stored == FloatType::kF32;
  expect(!grid || narrows, "content of floats", "no wider than they are stored",
         number_of(layout.content));
  expect(!layout.planes.empty(), "planes", "1 or more", 0);
  const unsigned group = layout.planes[0].count;
  expect(group >= 1 && layout.record_bytes <= kMostRecordBytes, "values of a group",
         "1 or more, in at most 4096 bytes", group);
  const unsigned entries = grid ? 1 : layout_of_groups(layout).planes[1].count;
  expect(entries >= 1 && entries <= kMostPaletteEntries, "values of a table", "1 to 256", entries);
  const Layout expected = layout_of_groups(layout);
  const auto same = [](const PlaneShape& a, const PlaneShape& b) {
    return a.offset == b.offset && a.count == b.count && a.width == b.width;
  };
  if (layout.record_bytes != expected.record_bytes ||
      !std::equal(expected.planes.begin(), expected.planes.end(), layout.planes.begin(),
                  layout.planes.end(), same)) {
    corrupt("blob: its planes are not those of its groups");
  }
}

void check_scaled(const BlobHead& head, std::uint8_t flags) {
  const Layout& layout = head.layout;
  const FloatType stored = layout.stored;
  const FloatType content = layout.content;
  const bool narrows = stored == content || stored == FloatType::kF32 ||
                       (stored == FloatType::kF16 && content == FloatType::kBF16);
  expect(narrows, "content of floats", "no wider than they are stored", number_of(content));
  expect(layout.record_bytes == layout_of(stored).bytes, "bytes of a float",
         std::to_string(layout_of(stored).bytes), layout.record_bytes);
  const unsigned top = layout.top;
  expect(content == FloatType::kF16 ? top == 3 : top <= 3, "top mantissa bits",
         content == FloatType::kF16 ? "3" : "at most 3", top);
  const bool by_column = (flags & kColumnBases) != 0;
  const bool scaled = flags != 0;
  expect(scaled == (head.columns != 0), "columns", "a positive number for scaled floats, else 0",
         head.columns);
  const bool in_range = head.columns >= kFewestColumns && head.columns <= kTileSymbols;
  expect(!scaled || (in_range && head.records % head.columns == 0), "columns",
         "32 to 65536, and a whole number of rows", head.columns);
  expect(!by_column || head.tile_records % head.columns == 0, "records of a tile", "whole rows",
         head.tile_records);
}

void check_tiles(const BlobHead& head) {
  const std::uint64_t symbols =
      std::uint64_t{head.tile_records} * head.layout.most_symbols_per_record();
  expect(head.tile_records >= 1 && symbols <= kMaxTileSymbols, "symbols of a tile", "1 to 2^17",
         symbols);
}

void read_planes(std::uint8_t version, std::span<const std::uint8_t> entries, Cursor& cursor,
                 BlobHead& head) {
  std::vector<std::span<const std::uint8_t>> tables;
  for (std::size_t at = 0; at < entries.size(); at += kPlaneEntryBytes) {
    head.layout.planes.push_back({load<std::uint16_t>(&entries[at + 2]),
                                  load<std::uint16_t>(&entries[at + 4]), entries[at + 1]});
    const unsigned most = version == 1 ? 3 : 4;
    expect(entries[at] <= most, "coding", "0 to " + std::to_string(most), entries[at]);
    tables.push_back(cursor.cut(load<std::uint16_t>(&entries[at + 6]), "tables"));
  }
  if (head.layout.kind == LayoutKind::kScaled) {
    const auto expected = scaled_planes(head.layout.content, head.layout.top);
    const auto same = [](const PlaneShape& a, const PlaneShape& b) {
      return a.offset == b.offset && a.count == b.count && a.width == b.width;
    };
    if (!std::equal(expected.begin(), expected.end(), head.layout.planes.begin(),
                    head.layout.planes.end(), same)) {
      corrupt("blob: its planes are not those of its float type");
    }
  } else if (head.layout.kind > LayoutKind::kScaled) {
    check_groups(head);
  } else {
    try {
      require_partition(head.layout);
    } catch (const Error& error) {
      corrupt(std::string("blob: ") + error.what());
    }
  }
  for (std::size_t n = 0; n < tables.size(); ++n) {
    const auto coding = static_cast<Coding>(entries[n * kPlaneEntryBytes]);
    head.codes.push_back(PlaneCode::parse(coding, head.layout.planes[n].width, tables[n]));
  }
}

// Checked before the bases are read: rows have at least 32 columns and tiles at most 2^17 values,
// so each entry of the existing index justifies 4096 row bases.
void expect_room_for_index(const BlobHead& head, const Cursor& cursor) {
  const std::uint64_t tiles = head.tile_count();
  expect(tiles <= cursor.left() / kTileEntryBytes, "tiles",
         "at most " + std::to_string(cursor.left() / kTileEntryBytes) + ", whose index fits",
         tiles);
}

void read_bases(std::uint8_t flags, Cursor& cursor, BlobHead& head) {
  const auto read = [&](std::uint64_t count, const char* what) {
    const auto size = load<std::uint32_t>(cursor.cut(4, what).data());
    const auto coded = cursor.cut(size, what);
    expect(count <= kMostRecords / 256, what, "at most 2^32", count);
    return decode_bytes(coded, count);
  };
  if ((flags & kRowBases) != 0) head.bases.rows = read(head.records / head.columns, "row bases");
  if ((flags & kColumnBases) != 0) head.bases.columns = read(head.columns, "column bases");
}

void read_tiles(std::span<const std::uint8_t> index, std::span<const std::uint8_t> tiles,
                BlobView& view) {
  Cursor cursor(tiles);
  for (std::size_t at = 0; at < index.size(); at += kTileEntryBytes) {
    view.tiles.push_back(cursor.cut(load<std::uint32_t>(&index[at]), "tiles"));
    view.checksums.push_back(load<std::uint64_t>(&index[at + 4]));
  }
  expect(cursor.left() == 0, "bytes after its tiles", "none", cursor.left());
}

}  // namespace

std::size_t BlobHead::tile_count() const noexcept {
  return block_count(static_cast<std::size_t>(records), tile_records);
}

std::size_t BlobHead::records_of_tile(std::size_t n) const noexcept {
  const Block block = nth_block(n, static_cast<std::size_t>(records), tile_records);
  return block.end - block.begin;
}

BlobView parse_blob(std::span<const std::uint8_t> blob) {
  check_identity(blob);
  const auto covered = checked_head(blob);
  BlobView view{{}, {}, {}, load<std::uint64_t>(&blob[kAtBytes])};
  BlobHead& head = view.head;
  read_fixed(blob.data(), head);
  const std::uint8_t flags = blob[kAtFlags];
  if (head.layout.kind == LayoutKind::kScaled) check_scaled(head, flags);
  Cursor cursor(covered.subspan(kFixedBlobBytes));
  const auto entries = cursor.cut(kPlaneEntryBytes * blob[kAtPlanes], "planes");
  read_planes(blob[kAtVersion], entries, cursor, head);
  check_tiles(head);
  expect_room_for_index(head, cursor);
  read_bases(flags, cursor, head);
  const auto index = cursor.cut(kTileEntryBytes * std::uint64_t{head.tile_count()}, "tile index");
  expect(cursor.left() == 0, "bytes in its head", "none after the tile index", cursor.left());
  const std::size_t head_bytes = covered.size() + kChecksumBytes;
  read_tiles(index, blob.first(static_cast<std::size_t>(view.bytes)).subspan(head_bytes), view);
  return view;
}

void fix_blob_checksums(std::span<std::uint8_t> blob) {
  if (blob.size() < kFixedBlobBytes + kChecksumBytes) return;
  const auto head = load<std::uint32_t>(&blob[kAtHeadBytes]);
  if (head < kFixedBlobBytes + kChecksumBytes || head > blob.size()) return;
  const std::size_t covered = head - kChecksumBytes;
  store(&blob[covered], xxh64(blob.data(), covered));
  try {
    const BlobView view = parse_blob(blob);
    std::size_t entry = covered - kTileEntryBytes * view.tiles.size();
    for (const auto& tile : view.tiles) {
      store(&blob[entry + 4], xxh64(tile.data(), tile.size()));
      entry += kTileEntryBytes;
    }
    store(&blob[covered], xxh64(blob.data(), covered));
  } catch (const Error&) {
    return;  // the head does not describe tiles
  }
}

}  // namespace meadow
