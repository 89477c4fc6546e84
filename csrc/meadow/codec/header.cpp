#include "meadow/codec/header.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/checksum.h"
#include "meadow/base/error.h"
#include "meadow/codec/stream_codecs.h"
#include "meadow/stats/chunks.h"

namespace meadow {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic = {'M', 'D', 'W', 'C'};

enum Offset : std::size_t {
  kAtMagic = 0,
  kAtVersion = 4,
  kAtCodec = 5,
  kAtBits = 6,
  kAtFlags = 7,
  kAtChunk = 8,
  kAtWidthCount = 9,
  kAtPacketLength = 10,
  kAtUnique = 12,
  kAtRows = 16,
  kAtColumns = 24,
  kAtBytes = 32,
};

enum Flag : std::uint8_t { kSigned = 1, kAlongOutput = 2, kReindexed = 4, kAllFlags = 7 };

void expect(bool holds, const std::string& field, const std::string& expected,
            std::uint64_t found) {
  if (!holds) {
    corrupt("coded stream: " + field + ": expected " + expected + ", found " +
            std::to_string(found));
  }
}

std::string at_most(std::uint64_t limit) { return "at most " + std::to_string(limit); }

void check_identity(std::span<const std::uint8_t> stream) {
  if (stream.size() < kFixedHeaderBytes + kChecksumBytes) {
    truncated("coded stream: expected at least " +
              std::to_string(kFixedHeaderBytes + kChecksumBytes) + " bytes, found " +
              std::to_string(stream.size()));
  }
  if (!std::equal(kMagic.begin(), kMagic.end(), stream.begin())) {
    corrupt("coded stream: expected the magic bytes 'MDWC' at its start, found others");
  }
  const std::uint8_t version = stream[kAtVersion];
  if (version > kFormatVersion) {
    throw Error(ErrorKind::kNewerVersion, "coded stream: version " + std::to_string(version) +
                                              " is newer than this library reads (" +
                                              std::to_string(kFormatVersion) + "); update it");
  }
  expect(version == kFormatVersion, "version", std::to_string(kFormatVersion), version);
}

void check_length_and_checksum(std::span<const std::uint8_t> stream) {
  const auto bytes = load<std::uint64_t>(&stream[kAtBytes]);
  if (stream.size() < bytes) {
    truncated("coded stream: expected " + std::to_string(bytes) + " bytes, found " +
              std::to_string(stream.size()));
  }
  expect(bytes == stream.size(), "bytes after its end", "none", stream.size() - bytes);
  const std::uint8_t* at = &stream[stream.size() - kChecksumBytes];
  if (load<std::uint64_t>(at) != xxh64(stream.data(), stream.size() - kChecksumBytes)) {
    corrupt("coded stream: its checksum does not match its bytes");
  }
}

StreamHeader read_fixed(std::span<const std::uint8_t> stream) {
  const std::uint8_t flags = stream[kAtFlags];
  expect((flags & ~kAllFlags) == 0, "flags", "no reserved bit", flags);
  StreamHeader header{};
  header.codec = static_cast<Codec>(stream[kAtCodec]);
  header.rows = load<std::uint64_t>(&stream[kAtRows]);
  header.columns = load<std::uint64_t>(&stream[kAtColumns]);
  header.bits = stream[kAtBits];
  header.is_signed = (flags & kSigned) != 0;
  header.along_output = (flags & kAlongOutput) != 0;
  header.reindexed = (flags & kReindexed) != 0;
  header.chunk = stream[kAtChunk];
  header.unique = load<std::uint32_t>(&stream[kAtUnique]);
  header.packet_length = load<std::uint16_t>(&stream[kAtPacketLength]);
  return header;
}

std::string numbers_of_codecs() {
  std::string all;
  for (const StreamCodec& known : stream_codecs()) {
    if (!all.empty()) all += " or ";
    all += std::to_string(static_cast<unsigned>(known.codec));
  }
  return all;
}

void check_ranges(const StreamHeader& header, std::uint8_t widths) {
  expect(find_codec(header.codec) != nullptr, "codec", numbers_of_codecs(),
         static_cast<std::uint8_t>(header.codec));
  expect(header.bits >= 1 && header.bits <= kMaxCodeBits, "bits of a code", "1 to 32", header.bits);
  expect(header.chunk >= 1 && header.chunk <= kMaxChunk, "chunk size", "1 to 16", header.chunk);
  expect(widths >= 1 && widths <= kMaxWidth, "number of widths", "1 to 32", widths);
  expect(header.packet_length >= 1 && header.packet_length <= kMaxPacketLength, "packet length",
         "1 to 4096", header.packet_length);
  expect(header.rows <= kMaxSide, "rows", at_most(kMaxSide), header.rows);
  expect(header.columns <= kMaxSide, "columns", at_most(kMaxSide), header.columns);
  const std::uint64_t longest = std::max(header.rows, header.columns);
  expect(longest == 0 || std::min(header.rows, header.columns) <= kMaxSide / longest,
         "rows x columns", at_most(kMaxSide), longest);
  expect(header.chunk_count() < std::numeric_limits<std::uint32_t>::max(), "chunks",
         "fewer than 2^32 - 1", header.chunk_count());
  expect(header.unique <= header.chunk_count() && (header.unique > 0 || header.chunk_count() == 0),
         "dictionary entries", "1 for a chunk, and " + at_most(header.chunk_count()),
         header.unique);
}

std::vector<std::uint8_t> read_widths(std::span<const std::uint8_t> stream, std::size_t count) {
  const std::uint8_t* first = &stream[kFixedHeaderBytes];
  std::vector<std::uint8_t> widths(first, first + count);
  for (std::size_t i = 0; i < count; ++i) {
    expect(widths[i] <= kMaxWidth, "width", at_most(kMaxWidth), widths[i]);
    expect(i == 0 || widths[i - 1] < widths[i], "widths", "ascending ones", widths[i]);
  }
  return widths;
}

}  // namespace

unsigned StreamHeader::mode_bits() const noexcept { return index_width(widths.size()); }
unsigned StreamHeader::element_bytes() const noexcept { return element_bytes_for(bits); }
std::uint64_t StreamHeader::cut_rows() const noexcept { return along_output ? columns : rows; }
std::uint64_t StreamHeader::cut_columns() const noexcept { return along_output ? rows : columns; }
std::uint64_t StreamHeader::chunk_count() const noexcept {
  return cut_rows() * ((cut_columns() + chunk - 1) / chunk);
}
std::uint64_t StreamHeader::tile_chunks() const noexcept {
  return kTileChunks / packet_length * packet_length;
}
std::uint64_t StreamHeader::tile_count() const noexcept {
  return (chunk_count() + tile_chunks() - 1) / tile_chunks();
}
std::uint64_t StreamHeader::header_bytes() const noexcept {
  return kFixedHeaderBytes + widths.size();
}
std::uint64_t StreamHeader::dictionary_bits() const noexcept {
  return std::uint64_t{unique} * chunk * bits;
}

StreamHeader read_header(std::span<const std::uint8_t> stream) {
  check_identity(stream);
  check_length_and_checksum(stream);
  StreamHeader header = read_fixed(stream);
  const std::uint8_t widths = stream[kAtWidthCount];
  check_ranges(header, widths);
  expect(stream.size() >= kFixedHeaderBytes + widths + kChecksumBytes, "bytes for its widths",
         std::to_string(widths), stream.size() - kFixedHeaderBytes - kChecksumBytes);
  header.widths = read_widths(stream, widths);
  const auto check_header = find_codec(header.codec)->check_header;
  if (check_header != nullptr) check_header(header);
  return header;
}

void write_header(std::uint8_t* out, const StreamHeader& header, std::uint64_t bytes) noexcept {
  std::copy(kMagic.begin(), kMagic.end(), out);
  out[kAtVersion] = kFormatVersion;
  out[kAtCodec] = static_cast<std::uint8_t>(header.codec);
  out[kAtBits] = static_cast<std::uint8_t>(header.bits);
  out[kAtFlags] = static_cast<std::uint8_t>((header.is_signed ? kSigned : 0) |
                                            (header.along_output ? kAlongOutput : 0) |
                                            (header.reindexed ? kReindexed : 0));
  out[kAtChunk] = static_cast<std::uint8_t>(header.chunk);
  out[kAtWidthCount] = static_cast<std::uint8_t>(header.widths.size());
  store(out + kAtPacketLength, static_cast<std::uint16_t>(header.packet_length));
  store(out + kAtUnique, header.unique);
  store(out + kAtRows, header.rows);
  store(out + kAtColumns, header.columns);
  store(out + kAtBytes, bytes);
  std::copy(header.widths.begin(), header.widths.end(), out + kFixedHeaderBytes);
}

void fix_checksum(std::span<std::uint8_t> stream) {
  if (stream.size() < kChecksumBytes) return;
  const std::size_t end = stream.size() - kChecksumBytes;
  store(stream.data() + end, xxh64(stream.data(), end));
}

}  // namespace meadow
