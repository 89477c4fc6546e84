#include <algorithm>
#include <cstring>

#include "meadow/base/bits.h"
#include "meadow/base/checksum.h"
#include "meadow/blob/coded_bytes.h"
#include "meadow/blob/header.h"
#include "meadow/blob/header_fields.h"

namespace meadow {

using namespace blob_fields;

namespace {

template <typename Word>
void append(Bytes& out, Word word) {
  out.resize(out.size() + sizeof word);
  store(out.data() + out.size() - sizeof word, word);
}

void append_bases(Bytes& out, const std::vector<std::uint8_t>& bases) {
  if (bases.empty()) return;
  const Bytes coded = encode_bytes(bases);
  append(out, static_cast<std::uint32_t>(coded.size()));
  out.insert(out.end(), coded.begin(), coded.end());
}

// Old blobs keep their bytes: what version 1 can express is written as version 1.
std::uint8_t version_of(const BlobHead& head) {
  const bool newer = head.layout.kind > LayoutKind::kScaled ||
                     std::any_of(head.codes.begin(), head.codes.end(), [](const PlaneCode& code) {
                       return code.coding() == Coding::kTiled;
                     });
  return newer ? kBlobVersion : std::uint8_t{1};
}

void write_fixed(std::uint8_t* out, const BlobHead& head) {
  const Layout& layout = head.layout;
  const bool scaled = layout.kind == LayoutKind::kScaled;
  const bool typed = scaled || layout.kind == LayoutKind::kGrid;
  std::copy(kMagic.begin(), kMagic.end(), out);
  out[kAtVersion] = version_of(head);
  out[kAtKind] = static_cast<std::uint8_t>(layout.kind);
  out[kAtPlanes] = static_cast<std::uint8_t>(layout.planes.size());
  out[kAtFlags] = static_cast<std::uint8_t>((head.bases.rows.empty() ? 0 : kRowBases) |
                                            (head.bases.columns.empty() ? 0 : kColumnBases));
  store(out + kAtRecords, head.records);
  store(out + kAtColumns, head.columns);
  store(out + kAtTileRecords, head.tile_records);
  store(out + kAtRecordBytes, static_cast<std::uint16_t>(layout.record_bytes));
  out[kAtBase] = head.bases.base;
  store(out + kAtFloor, head.floor_bits);
  out[kAtTop] = scaled ? static_cast<std::uint8_t>(layout.top) : 0;
  out[kAtStored] = typed ? number_of(layout.stored) : 0;
  out[kAtContent] = typed ? number_of(layout.content) : 0;
  std::copy(head.dtype.begin(), head.dtype.end(), out + kAtDtype);
}

}  // namespace

Bytes write_head(const BlobHead& head, std::span<const TileEntry> tiles) {
  Bytes out(kFixedBlobBytes);
  std::memset(out.data(), 0, out.size());
  write_fixed(out.data(), head);
  for (std::size_t n = 0; n < head.codes.size(); ++n) {
    const PlaneShape& plane = head.layout.planes[n];
    out.push_back(static_cast<std::uint8_t>(head.codes[n].coding()));
    out.push_back(static_cast<std::uint8_t>(plane.width));
    append(out, static_cast<std::uint16_t>(plane.offset));
    append(out, static_cast<std::uint16_t>(plane.count));
    append(out, static_cast<std::uint16_t>(head.codes[n].table().size()));
  }
  for (const PlaneCode& code : head.codes) {
    out.insert(out.end(), code.table().begin(), code.table().end());
  }
  append_bases(out, head.bases.rows);
  append_bases(out, head.bases.columns);
  std::uint64_t bytes = out.size() + kTileEntryBytes * tiles.size() + kChecksumBytes;
  store(out.data() + kAtHeadBytes, static_cast<std::uint32_t>(bytes));
  for (const TileEntry& tile : tiles) {
    append(out, tile.bytes);
    append(out, tile.checksum);
    bytes += tile.bytes;
  }
  store(out.data() + kAtBytes, bytes);
  append(out, xxh64(out.data(), out.size()));
  return out;
}

}  // namespace meadow
