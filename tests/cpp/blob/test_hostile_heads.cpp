// Heads that lie, with checksums that are right.
#include "blob_support.h"
#include "meadow/base/checksum.h"
#include "meadow/blob/coded_bytes.h"

using namespace meadow;
using test::with;

namespace {

const Bytes& blob_named(const std::string& name) {
  static const auto all = test::small_blobs();
  for (const auto& [own, blob] : all) {
    if (own == name) return blob;
  }
  FAIL("no such blob");
  return all[0].second;
}

bool is_corrupt(const Bytes& blob, const std::string& about) {
  try {
    parse_blob(blob);
  } catch (const Error& error) {
    CAPTURE(std::string(error.what()));
    CHECK(std::string(error.what()).find(about) != std::string::npos);
    return error.kind() == ErrorKind::kCorrupt;
  }
  return false;
}

// Of plane n, eight bytes: coding, width, offset, count, table size.
std::size_t plane_entry(std::size_t n) { return test::kAtPlaneEntries + 8 * n; }

// A head alone, as a writer of bad intent would make it.
Bytes forged(const BlobHead& head, std::size_t tiles) {
  return write_head(head, std::vector<TileEntry>(tiles, {0, xxh64(nullptr, 0)}));
}

}  // namespace

TEST_CASE("more records, columns or tiles than their index justifies are refused") {
  for (const char* name : {"scaled", "huffman", "equal"}) {
    const Bytes& blob = blob_named(name);
    for (const std::uint64_t records :
         {std::uint64_t{1} << 20, std::uint64_t{1} << 40, (std::uint64_t{1} << 40) + 1,
          ~std::uint64_t{0}, ~std::uint64_t{0} / 640 * 640}) {
      CHECK(is_corrupt(with(blob, test::kAtRecords, records), "blob: "));
    }
  }
}

TEST_CASE("tiles of no or too many symbols are refused") {
  for (const char* name : {"scaled", "huffman", "segments"}) {
    for (const std::uint32_t records : {0U, (1U << 17) + 40, 1U << 31, ~0U}) {
      CHECK(is_corrupt(with(blob_named(name), test::kAtTileRecords, records), "blob: "));
    }
  }
  CHECK(is_corrupt(with(blob_named("segments"), test::kAtTileRecords, (1U << 17) / 7 + 1),
                   "symbols of a tile"));
}

TEST_CASE("columns outside of 32 to 65536, or that do not divide, are refused") {
  const Bytes& blob = blob_named("scaled");
  REQUIRE(parse_blob(blob).head.bases.rows.size() == 16);
  for (const std::uint64_t columns : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{31},
                                      std::uint64_t{33}, std::uint64_t{65537}, ~std::uint64_t{0}}) {
    CHECK(is_corrupt(with(blob, test::kAtColumns, columns), "columns"));
  }
  for (const std::uint64_t columns : {32U, 64U, 80U}) {  // other numbers of bases than are there
    CHECK(is_corrupt(with(blob, test::kAtColumns, columns), "blob: "));
  }
  CHECK(is_corrupt(with(blob_named("equal"), test::kAtColumns, std::uint64_t{40}), "columns"));
  CHECK(is_corrupt(with(blob_named("raw"), test::kAtColumns, std::uint64_t{40}), "scaled floats"));
}

TEST_CASE("kinds, flags and types that are not known are refused") {
  for (const char* name : {"scaled", "groups", "segments"}) {
    const Bytes& blob = blob_named(name);
    for (const std::uint8_t kind : {0, 4, 255}) {
      CHECK(is_corrupt(with(blob, test::kAtKind, kind), "kind"));
    }
    CHECK(is_corrupt(with(blob, test::kAtFlags, std::uint8_t{4}), "flags"));
  }
  const Bytes& blob = blob_named("scaled");
  for (const std::uint8_t type : {0, 1, 4, 255}) {  // F16, which is 2, may hold BF16
    CHECK(is_corrupt(with(blob, test::kAtStored, type), "blob: "));
  }
  for (const std::uint8_t type : {0, 1, 2, 4, 255}) {
    CHECK(is_corrupt(with(blob, test::kAtContent, type), "blob: "));
  }
  for (const std::uint8_t top : {0, 2, 3, 4, 255}) {
    CHECK(is_corrupt(with(blob, test::kAtTop, top), "blob: "));
  }
}

TEST_CASE("heads of groups that contradict themselves are refused") {
  constexpr std::size_t kAtVersion = 4;
  for (const char* name : {"grid", "palette"}) {
    const Bytes& blob = blob_named(name);
    CHECK(is_corrupt(with(blob, kAtVersion, std::uint8_t{1}), "kind: expected 1 to 3"));
    for (const std::uint8_t kind : {1, 2, 3, 6, 255}) {
      CHECK(is_corrupt(with(blob, test::kAtKind, kind), "blob: "));
    }
    CHECK(is_corrupt(with(blob, test::kAtKind, static_cast<std::uint8_t>(9 - blob[test::kAtKind])),
                     "blob: "));
    CHECK(is_corrupt(with(blob, test::kAtKind + 1, std::uint8_t{0}), "blob: "));  // no planes
    CHECK(is_corrupt(with(blob, test::kAtFlags, std::uint8_t{1}), "scaled floats"));
    CHECK(is_corrupt(with(blob, test::kAtColumns, std::uint64_t{64}), "scaled floats"));
    for (const std::uint16_t bytes : {0, 127, 130, 256, 65535}) {
      CHECK(is_corrupt(with(blob, test::kAtRecordBytes, bytes), "blob: "));
    }
    for (const std::uint16_t group : {0, 63, 65535}) {
      CHECK(is_corrupt(with(blob, plane_entry(0) + 4, group), "blob: "));
    }
    for (const std::uint16_t entries : {0, 257, 65535}) {
      CHECK(is_corrupt(with(blob, plane_entry(1) + 4, entries), "blob: "));
    }
    CHECK(is_corrupt(with(blob, plane_entry(2) + 2, std::uint16_t{0}), "planes are not those"));
    CHECK(is_corrupt(with(blob, plane_entry(0), std::uint8_t{5}), "coding"));
  }
  const Bytes& grid = blob_named("grid");
  for (const std::uint8_t type : {0, 1, 4}) {
    CHECK(is_corrupt(with(grid, test::kAtContent, type), "blob: "));
  }
  CHECK(is_corrupt(with(grid, test::kAtStored, std::uint8_t{2}), "no wider than they are stored"));
  CHECK(is_corrupt(with(blob_named("palette"), test::kAtStored, std::uint8_t{3}), "scaled floats"));
  CHECK(is_corrupt(with(blob_named("huffman"), plane_entry(0), std::uint8_t{4}),
                   "coding: expected 0 to 3"));
}

TEST_CASE("planes that do not hold each bit once are refused") {
  const Bytes& groups = blob_named("groups");
  REQUIRE(parse_blob(groups).head.layout.planes.size() == 2);
  const std::size_t first = plane_entry(0);
  CHECK(is_corrupt(with(groups, first + 1, std::uint8_t{0}), "plane: expected a group"));
  CHECK(is_corrupt(with(groups, first + 1, std::uint8_t{9}), "plane: expected a group"));
  CHECK(is_corrupt(with(groups, first + 2, std::uint16_t{4}), "each of the 8 bits"));
  CHECK(is_corrupt(with(groups, first + 2, std::uint16_t{6}), "plane: expected a group"));
  for (const std::uint16_t count : {0, 2, 1000, 65535}) {
    CHECK(is_corrupt(with(groups, first + 4, count), "plane: expected a group"));
  }
  for (const std::uint16_t bytes : {0, 2, 3, 16, 4097, 65535}) {
    CHECK(is_corrupt(with(groups, test::kAtRecordBytes, bytes), "blob: "));
  }
  const Bytes& segments = blob_named("segments");
  CHECK(is_corrupt(with(segments, first + 1, std::uint8_t{7}), "plane: expected symbols"));
  CHECK(is_corrupt(with(segments, first + 4, std::uint16_t{0}), "plane: expected symbols"));
  CHECK(is_corrupt(with(segments, first + 2, std::uint16_t{1}), "each of the 72 bits"));
  CHECK(is_corrupt(with(segments, test::kAtRecordBytes, std::uint16_t{4097}), "bytes of a record"));
}

TEST_CASE("codings and tables that are not known are refused") {
  const Bytes& blob = blob_named("huffman");
  const std::size_t entry = plane_entry(0);
  CHECK(is_corrupt(with(blob, entry, std::uint8_t{4}), "coding"));
  CHECK(is_corrupt(with(blob, entry, std::uint8_t{0}), "table of 1 bytes"));
  CHECK(is_corrupt(with(blob, entry, std::uint8_t{1}), "table of 0 bytes"));
  for (const std::uint16_t size : {0, 1, 1000, 65535}) {
    CHECK(is_corrupt(with(blob, entry + 6, size), ""));
  }
}

TEST_CASE("tables with symbols that are wider than their plane are refused") {
  const std::vector<std::uint8_t> symbols = {1, 2, 200, 200, 7};
  ByteCounts counts{};
  for (const std::uint8_t symbol : symbols) ++counts[symbol];
  const Bytes huffman = HuffmanCode::optimal(counts).serialized();
  const Bytes rans = RansModel::from_counts(counts).serialized();
  const auto kind = [](Coding coding, unsigned width, const Bytes& table) {
    return test::kind_of_failure([&] { PlaneCode::parse(coding, width, table); });
  };
  for (unsigned width = 1; width < 8; ++width) {
    CHECK(kind(Coding::kHuffman, width, huffman) == ErrorKind::kCorrupt);
    CHECK(kind(Coding::kRans, width, rans) == ErrorKind::kCorrupt);
    const auto first_too_wide = static_cast<std::uint8_t>(1U << width);
    CHECK(kind(Coding::kConstant, width, {first_too_wide}) == ErrorKind::kCorrupt);
    const auto widest = static_cast<std::uint8_t>(first_too_wide - 1);
    CHECK(PlaneCode::parse(Coding::kConstant, width, Bytes{widest}).width() == width);
  }
}

TEST_CASE("escaped symbols that are wider than their plane are refused") {
  ByteCounts counts{};
  counts[0] = 1U << 20;
  for (unsigned i = 1; i < 16; ++i) counts[i] = 2;
  const RansModel model = RansModel::from_counts(counts);
  REQUIRE(model.has_escape());
  const PlaneCode code = PlaneCode::parse(Coding::kRans, 4, model.serialized());
  std::vector<std::uint8_t> symbols(1000, 0);
  Bytes payload(rans_bound(symbols.size()));
  for (const std::uint8_t symbol : {15, 16, 255}) {
    for (const std::size_t at : {0U, 999U}) {  // escaped, and stored as it is
      symbols[0] = symbols[999] = 0;
      symbols[at] = symbol;
      const std::size_t size = rans_encode(model, symbols, payload.data());
      std::vector<std::uint8_t> found(symbols.size());
      CHECK(code.decode(std::span(payload).first(size), found) == (symbol < 16));
    }
  }
}

TEST_CASE("bits that fill a raw plane must be zero") {
  const PlaneCode code = PlaneCode::parse(Coding::kRaw, 3, {});
  std::vector<std::uint8_t> found(3);
  CHECK(code.decode(Bytes{0xFF, 0x01}, found));
  CHECK(found == std::vector<std::uint8_t>{7, 7, 7});
  CHECK_FALSE(code.decode(Bytes{0xFF, 0x03}, found));
  CHECK_FALSE(code.decode(Bytes{0xFF, 0x81}, found));
  CHECK_FALSE(code.decode(Bytes{0xFF}, found));
  CHECK_FALSE(code.decode(Bytes{0xFF, 0x01, 0}, found));
}

TEST_CASE("bases are justified by bytes that are there") {
  const std::vector<std::uint8_t> bases(200000, 3);
  const Bytes coded = encode_bytes(bases);
  CHECK(decode_bytes(coded, bases.size()) == bases);
  for (const std::uint64_t count :
       {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{bases.size() + 65536},
        std::uint64_t{1} << 32, std::uint64_t{1} << 40}) {
    CHECK(test::kind_of_failure([&] { decode_bytes(coded, count); }) == ErrorKind::kCorrupt);
  }
  for (std::size_t size = 0; size < coded.size(); ++size) {
    CHECK(test::kind_of_failure([&] {
            decode_bytes(std::span(coded).first(size), bases.size());
          }) == ErrorKind::kCorrupt);
  }
}

TEST_CASE("row bases are justified by an index that is there") {
  BlobHead head;
  head.layout.kind = LayoutKind::kScaled;
  head.layout.record_bytes = 2;
  head.layout.top = 1;
  head.layout.planes = scaled_planes(FloatType::kBF16, 1);
  head.columns = 32;
  head.records = 32 * 4096;
  head.tile_records = 1 << 17;
  head.bases.rows.assign(4096, 7);
  head.bases.rows[5] = 8;  // a constant would be any number of bases
  head.codes = {PlaneCode::parse(Coding::kConstant, 8, Bytes{9}),
                PlaneCode::parse(Coding::kConstant, 7, Bytes{0})};
  CHECK(parse_blob(forged(head, 1)).head.bases.rows.size() == 4096);
  CHECK(test::decoded(forged(head, 1)).size() == 2 * 32 * 4096);
  head.records *= 2;
  CHECK(is_corrupt(forged(head, 2), "row or column bases"));
  head.records = std::uint64_t{1} << 40;
  CHECK(is_corrupt(forged(head, 3), "tiles: expected at most"));
}

TEST_CASE("an index that does not add up to the tiles is refused") {
  const Bytes& blob = blob_named("huffman");
  const std::size_t entry = load<std::uint32_t>(&blob[test::kAtHeadBytes]) - 8 - 12;
  const auto size = load<std::uint32_t>(&blob[entry]);
  for (const std::uint32_t other : {0U, size - 1, size + 1, ~0U}) {
    CHECK(is_corrupt(with(blob, entry, other), "tiles"));
  }
}

TEST_CASE("a head of other lengths than it is is refused") {
  const Bytes& blob = blob_named("huffman");
  const auto head = load<std::uint32_t>(&blob[test::kAtHeadBytes]);
  for (const std::uint32_t other : {0U, 79U, 80U, head - 1, head - 12, head + 1, head + 12, ~0U}) {
    CHECK(is_corrupt(with(blob, test::kAtHeadBytes, other), "blob: "));
  }
  const Bytes longer = with(blob, test::kAtBytes, std::uint64_t{blob.size() + 1});
  CHECK(test::kind_of_failure([&] { parse_blob(longer); }) == ErrorKind::kTruncated);
  CHECK(is_corrupt(with(blob, test::kAtBytes, std::uint64_t{blob.size() - 1}), "tiles"));
}
