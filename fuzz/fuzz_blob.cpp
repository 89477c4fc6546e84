// Any bytes as a blob give a format error, or the number of bytes that the blob claims, which every
// ISA and any number of threads decodes alike, whole or tile by tile. Nothing else may happen.
#include <optional>

#include "blob_harness.h"
#include "meadow/blob/blob.h"

using namespace meadow;

namespace {

// A few bytes may validly describe a large tensor of equal values; decoding it tests nothing.
constexpr std::uint64_t kMostBytes = 1 << 20;
// docs/format.md, the fixed head of a blob.
constexpr std::size_t kAtRecords = 8;
constexpr std::size_t kAtTileRecords = 24;
constexpr std::size_t kAtBytes = 32;
constexpr std::size_t kAtHeadBytes = 40;
constexpr std::size_t kTileEntryBytes = 12;
constexpr std::size_t kChecksumBytes = 8;

template <typename Word>
Word word_at(const Bytes& blob, std::size_t at) {
  Word word;
  std::memcpy(&word, &blob[at], sizeof word);
  return word;
}

template <typename Word>
void put_word(Bytes& blob, std::size_t at, Word word) {
  std::memcpy(&blob[at], &word, sizeof word);
}

// Returns nothing if a tile is damaged.
std::optional<Bytes> decoded(const BlobView& view, unsigned threads, std::size_t offset) {
  const auto nbytes = static_cast<std::size_t>(view.head.nbytes());
  Bytes out(nbytes + offset);
  try {
    decode_blob(view, std::span(out).subspan(offset), threads);
  } catch (const Error& error) {
    fuzz::require(error.kind() == ErrorKind::kCorrupt, "a damaged tile is a format error");
    return std::nullopt;
  }
  return Bytes(out.begin() + static_cast<std::ptrdiff_t>(offset), out.end());
}

void check_tiles(const BlobView& view, const Bytes& whole) {
  const BlobHead& head = view.head;
  const std::size_t step = std::size_t{head.tile_records} * head.layout.record_bytes;
  for (std::size_t n = 0; n < view.tiles.size(); ++n) {
    Bytes tile(head.records_of_tile(n) * head.layout.record_bytes);
    decode_tiles(view, n, n + 1, tile, 1);
    fuzz::require(std::memcmp(tile.data(), whole.data() + n * step, tile.size()) == 0,
                  "a tile decodes alone to what it holds among the others");
  }
}

void decode(const Bytes& blob) {
  try {
    const BlobView view = parse_blob(blob);
    fuzz::require(view.bytes <= blob.size(), "a blob ends inside the memory that holds it");
    if (view.head.nbytes() > kMostBytes) return;
    std::optional<Bytes> first;
    bool known = false;
    fuzz::for_each_isa([&] {
      const std::optional<Bytes> found = decoded(view, known ? 2 : 1, known ? 1 : 0);
      fuzz::require(!known || found == first, "every ISA decodes alike, on one thread and on two");
      first = found;
      known = true;
    });
    if (first) check_tiles(view, *first);
    if (first) verify_blob(view, 2);
  } catch (const Error& error) {
    fuzz::require(fuzz::is_format_error(error), "a bad blob is a format error");
  }
}

// The checksums of a blob, so that inserted or removed bytes only affect its last tile.
void mend_lengths(Bytes& blob) {
  if (blob.size() < kFixedBlobBytes + kChecksumBytes) return;
  put_word(blob, kAtBytes, std::uint64_t{blob.size()});
  const std::uint64_t head = word_at<std::uint32_t>(blob, kAtHeadBytes);
  const std::uint64_t records = word_at<std::uint64_t>(blob, kAtRecords);
  const std::uint64_t step = word_at<std::uint32_t>(blob, kAtTileRecords);
  if (head < kFixedBlobBytes + kChecksumBytes || head > blob.size() || step == 0) return;
  const std::uint64_t tiles = records / step + (records % step != 0 ? 1 : 0);
  if (tiles == 0 || tiles > (head - kFixedBlobBytes - kChecksumBytes) / kTileEntryBytes) return;
  std::uint64_t left = blob.size() - head;
  std::size_t entry = head - kChecksumBytes - tiles * kTileEntryBytes;
  for (std::uint64_t n = 0; n + 1 < tiles; ++n, entry += kTileEntryBytes) {
    left -= std::min<std::uint64_t>(left, word_at<std::uint32_t>(blob, entry));
  }
  put_word(blob, entry, static_cast<std::uint32_t>(left));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes blob(data, data + size);
  decode(blob);
  fix_blob_checksums(blob);
  decode(blob);
  mend_lengths(blob);
  fix_blob_checksums(blob);
  decode(blob);
  return 0;
}
