#include <algorithm>
#include <cstring>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/checksum.h"
#include "meadow/base/error.h"
#include "meadow/blob/header_fields.h"
#include "meadow/blob/planes_blob.h"
#include "meadow/codec/bf16_planes.h"

namespace meadow {

using namespace planes_fields;

namespace {

using kernels::Escape;
using Span = std::span<const std::uint8_t>;

void expect(bool holds, const char* field, const std::string& expected, std::uint64_t found) {
  if (!holds) {
    corrupt(std::string("planes: ") + field + ": expected " + expected + ", found " +
            std::to_string(found));
  }
}

void check_identity(Span blob) {
  if (blob.size() < kFixedBytes) {
    truncated("planes: expected at least " + std::to_string(kFixedBytes) + " bytes, found " +
              std::to_string(blob.size()));
  }
  if (!std::equal(kMagic.begin(), kMagic.end(), blob.begin())) {
    corrupt("planes: expected the magic bytes 'MDWP' at its start, found others");
  }
  const std::uint8_t version = blob[kAtVersion];
  if (version > kPlanesVersion) {
    throw Error(ErrorKind::kNewerVersion, "planes: version " + std::to_string(version) +
                                              " is newer than this library reads (" +
                                              std::to_string(kPlanesVersion) + "); update it");
  }
  expect(version == kPlanesVersion, "version", std::to_string(kPlanesVersion), version);
}

void check_head_sum(Span head) {
  const std::size_t covered = head.size() - kChecksumBytes;
  if (load<std::uint64_t>(&head[covered]) != xxh64(head.data(), covered)) {
    corrupt("planes: the checksum of the head does not match");
  }
}

// Parses everything before the codes, after its checksum has been verified.
Span checked_head(Span blob) {
  const auto bytes = load<std::uint64_t>(&blob[kAtBytes]);
  const auto head = load<std::uint64_t>(&blob[kAtHeadBytes]);
  if (bytes > blob.size()) {
    truncated("planes: expected " + std::to_string(bytes) + " bytes, found " +
              std::to_string(blob.size()));
  }
  expect(head > kFixedBytes && head % PlanesLayout::kAlignment == 0 && head <= bytes,
         "bytes of the head", "a multiple of 64 up to the end", head);
  const Span checked = blob.first(static_cast<std::size_t>(head));
  check_head_sum(checked);
  const Span behind = blob.subspan(static_cast<std::size_t>(bytes));
  expect(std::all_of(behind.begin(), behind.end(), [](std::uint8_t b) { return b == 0; }),
         "bytes after the end", "zeros", behind.size());
  return checked;
}

PlanesLayout read_layout(const std::uint8_t* at) {
  const auto rows = load<std::uint64_t>(at + kAtRows);
  const auto columns = load<std::uint64_t>(at + kAtColumns);
  const auto block_rows = load<std::uint32_t>(at + kAtBlockRows);
  expect(columns >= 1 && columns <= kMostPlaneColumns, "columns", "1 to 2^21", columns);
  expect(rows >= 1 && rows <= kMostWeights / columns, "rows", "1 to 2^40 by the columns", rows);
  expect(block_rows != 0 && block_rows % PlanesLayout::kTableRows == 0, "rows of a block",
         "a multiple of 64", block_rows);
  return {static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), block_rows,
          load<std::uint32_t>(at + kAtEscapes)};
}

FloatType read_stored(const std::uint8_t* at) {
  const auto& floats = blob_fields::kFloats;
  expect(at[kAtKind] == kFloatNibbles, "kind", "1", at[kAtKind]);
  const std::uint8_t stored = at[kAtStored];
  expect(stored >= 1 && stored <= floats.size(), "stored type", "1 to 3", stored);
  const std::uint64_t reserved = at[kAtReserved] | load<std::uint64_t>(at + kAtReservedWord);
  expect(reserved == 0, "reserved bytes", "0", reserved);
  return floats[stored - 1];
}

void check_padding(Span head, const PlanesLayout& layout) {
  const std::size_t parts[][2] = {
      {layout.checksums_end(), layout.tables_at()},
      {layout.tables_at() + layout.table_bytes(), layout.escaped_at()},
      {layout.escaped_at() + layout.escaped_bytes(), layout.escapes_at()},
      {layout.escapes_at() + layout.escape_bytes(), layout.head_bytes() - kChecksumBytes}};
  for (const auto& [begin, end] : parts) {
    const Span padding = head.subspan(begin, end - begin);
    expect(std::all_of(padding.begin(), padding.end(), [](std::uint8_t b) { return b == 0; }),
           "padding", "zeros", begin);
  }
}

}  // namespace

std::size_t PlanesView::plane_bytes() const noexcept {
  return layout.code_bytes() + layout.lower_bytes() + layout.table_bytes() + layout.escape_bytes() +
         layout.escaped_bytes();
}

PlanesView parse_planes_blob(Span blob) {
  if (reinterpret_cast<std::uintptr_t>(blob.data()) % alignof(std::uint32_t) != 0) {
    invalid("planes: expected an address that is a multiple of 4, found another");
  }
  check_identity(blob);
  const Span head = checked_head(blob);
  PlanesView view;
  view.stored = read_stored(blob.data());
  view.layout = read_layout(blob.data());
  view.floor_bits = load<std::uint64_t>(&blob[kAtFloor]);
  const PlanesLayout& layout = view.layout;
  expect(head.size() == layout.head_bytes(), "bytes of the head",
         std::to_string(layout.head_bytes()), head.size());
  expect(load<std::uint64_t>(&blob[kAtBytes]) == layout.bytes(), "bytes",
         std::to_string(layout.bytes()), load<std::uint64_t>(&blob[kAtBytes]));
  check_padding(head, layout);
  view.checksums = head.subspan(kFixedBytes, layout.blocks() * kBlockEntryBytes);
  view.planes = {blob.data() + layout.codes_at(),
                 blob.data() + layout.lower_at(),
                 blob.data() + layout.tables_at(),
                 reinterpret_cast<const Escape*>(blob.data() + layout.escapes_at()),
                 reinterpret_cast<const std::uint32_t*>(blob.data() + layout.escaped_at()),
                 layout.columns};
  check_escapes(view.planes, layout.rows, layout.escapes);
  return view;
}

}  // namespace meadow
