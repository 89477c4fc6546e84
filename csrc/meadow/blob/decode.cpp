#include <cstdint>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/checksum.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/blob/blob.h"
#include "meadow/blob/tile.h"

namespace meadow {
namespace {

[[noreturn]] void refuse(std::size_t n, const char* what) {
  corrupt("blob: tile " + std::to_string(n) + " " + what);
}

// The payloads of a tile's planes, and the bytes after them; false if they do not fit.
bool cut_payloads(const BlobHead& head, const TilePlanes& planes,
                  std::span<const std::uint8_t> tile,
                  std::vector<std::span<const std::uint8_t>>& payloads) {
  std::vector<std::size_t> sizes;
  for (std::size_t p = 0; p < head.codes.size(); ++p) {
    const auto fixed = head.codes[p].fixed_bytes(planes.planes[p].size());
    if (!fixed && tile.size() < kPayloadSizeBytes) return false;
    sizes.push_back(fixed ? *fixed : load<std::uint32_t>(tile.data()));
    if (!fixed) tile = tile.subspan(kPayloadSizeBytes);
  }
  for (const std::size_t size : sizes) {
    if (size > tile.size()) return false;
    payloads.push_back(tile.first(size));
    tile = tile.subspan(size);
  }
  payloads.push_back(tile);
  return true;
}

bool decode_planes(const BlobHead& head, std::span<const std::uint8_t> tile, std::size_t records,
                   TilePlanes& planes) {
  planes.resize(head.layout, records);
  std::vector<std::span<const std::uint8_t>> payloads;
  if (!cut_payloads(head, planes, tile, payloads)) return false;
  planes.at.resize(head.codes.size());
  for (std::size_t p = 0; p < head.codes.size(); ++p) {
    const PlaneCode& code = head.codes[p];
    if (code.coding() == Coding::kRaw && code.width() == 8) {
      planes.at[p] = payloads[p].data();
      continue;
    }
    if (!code.decode(payloads[p], planes.planes[p])) return false;
    planes.at[p] = planes.planes[p].data();
  }
  planes.escapes.assign(payloads.back().begin(), payloads.back().end());
  return head.layout.kind == LayoutKind::kScaled || planes.escapes.empty();
}

void decode_tile(const BlobView& blob, const Geometry& geometry, std::size_t n,
                 std::span<std::uint8_t> out) {
  const std::span<const std::uint8_t> tile = blob.tiles[n];
  if (xxh64(tile.data(), tile.size()) != blob.checksums[n]) {
    refuse(n, "does not match its checksum");
  }
  thread_local TilePlanes planes;
  const BlobHead& head = blob.head;
  if (!decode_planes(head, tile, head.records_of_tile(n), planes) ||
      !merge_tile(geometry, planes, n * head.tile_records, out)) {
    refuse(n, "does not hold the values that its head promises");
  }
}

// Elements are written as words; memory that is not aligned for them is written by a copy.
void decode_tile_anywhere(const BlobView& blob, const Geometry& geometry, std::size_t n,
                          std::span<std::uint8_t> out) {
  if (reinterpret_cast<std::uintptr_t>(out.data()) % alignof(std::uint64_t) == 0) {
    return decode_tile(blob, geometry, n, out);
  }
  Bytes aligned(out.size());
  decode_tile(blob, geometry, n, aligned);
  std::copy(aligned.begin(), aligned.end(), out.begin());
}

std::size_t bytes_of_tiles(const BlobHead& head, std::size_t first, std::size_t last) {
  std::size_t records = 0;
  if (last > first) {
    records = (last - 1 - first) * head.tile_records + head.records_of_tile(last - 1);
  }
  return records * head.layout.record_bytes;
}

}  // namespace

void decode_tiles(const BlobView& blob, std::size_t first, std::size_t last,
                  std::span<std::uint8_t> out, unsigned threads) {
  const BlobHead& head = blob.head;
  if (first > last || last > blob.tiles.size()) {
    invalid("tiles: expected a range within 0 to " + std::to_string(blob.tiles.size()) +
            ", found " + std::to_string(first) + " to " + std::to_string(last));
  }
  if (out.size() != bytes_of_tiles(head, first, last)) {
    invalid("memory for decoded tiles: expected " +
            std::to_string(bytes_of_tiles(head, first, last)) + " bytes, found " +
            std::to_string(out.size()));
  }
  const Geometry geometry(head);
  const std::size_t step = std::size_t{head.tile_records} * head.layout.record_bytes;
  parallel_for(last - first, threads, [&](std::size_t i) {
    const Block block = nth_block(i, out.size(), step);
    decode_tile_anywhere(blob, geometry, first + i,
                         out.subspan(block.begin, block.end - block.begin));
  });
}

void decode_blob(const BlobView& blob, std::span<std::uint8_t> out, unsigned threads) {
  decode_tiles(blob, 0, blob.tiles.size(), out, threads);
}

void verify_blob(const BlobView& blob, unsigned threads) {
  const Geometry geometry(blob.head);
  parallel_for(blob.tiles.size(), threads, [&](std::size_t n) {
    Bytes out(blob.head.records_of_tile(n) * blob.head.layout.record_bytes);
    decode_tile(blob, geometry, n, out);
  });
}

}  // namespace meadow
