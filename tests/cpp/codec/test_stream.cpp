// What a decoder must reject: every prefix, every flipped bit, and lies that a right checksum
// covers.
#include "meadow/base/checksum.h"
#include "meadow/codec/decoder.h"
#include "meadow/codec/dictionary.h"
#include "meadow/codec/packets.h"
#include "meadow/codec/stream_codecs.h"
#include "support.h"

using namespace meadow;

namespace {

using Stream = Bytes;

const Stream& small_codes() {
  static const Stream codes = test::skewed_codes(24 * 50, 1, 3.0);
  return codes;
}

std::vector<Stream> small_streams() {
  const ChunkedCodes source(test::int8_matrix(small_codes(), 24), 2, false, 1);
  return {pack_dictionary(source), pack_packets(source, {true, 4, {}})};
}

bool is_format_error(ErrorKind kind) {
  return kind == ErrorKind::kTruncated || kind == ErrorKind::kCorrupt ||
         kind == ErrorKind::kNewerVersion;
}

ErrorKind decode_failure(const Stream& stream) {
  return test::kind_of_failure([&] { decode_codes(parse_stream(stream), 1); });
}

Stream with_byte(Stream stream, std::size_t at, std::uint8_t value) {
  stream[at] = value;
  fix_checksum(stream);
  return stream;
}

}  // namespace

TEST_CASE("every prefix is truncated") {
  for (const Stream& stream : small_streams()) {
    for (std::size_t size = 0; size < stream.size(); ++size) {
      const Stream prefix(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(size));
      REQUIRE(test::kind_of_failure([&] { parse_stream(prefix); }) == ErrorKind::kTruncated);
    }
  }
}

TEST_CASE("every flipped bit is noticed") {
  for (const Stream& stream : small_streams()) {
    for (std::size_t bit = 0; bit < 8 * stream.size(); ++bit) {
      Stream flipped = stream;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      REQUIRE(is_format_error(test::kind_of_failure([&] { parse_stream(flipped); })));
    }
  }
}

TEST_CASE("bytes behind the end are noticed") {
  Stream stream = small_streams()[0];
  stream.push_back(0);
  CHECK(test::kind_of_failure([&] { parse_stream(stream); }) == ErrorKind::kCorrupt);
}

TEST_CASE("with a right checksum, a changed byte gives an error or codes of the promised size") {
  for (const Stream& stream : small_streams()) {
    for (std::size_t at = 0; at < stream.size() - kChecksumBytes; ++at) {
      for (const std::uint8_t value : {0x00, 0x01, 0x7F, 0x80, 0xFF}) {
        const Stream changed = with_byte(stream, at, value);
        try {
          const StreamView view = parse_stream(changed);
          const Stream codes = decode_codes(view, 1);
          REQUIRE(codes.size() ==
                  view.header.rows * view.header.columns * view.header.element_bytes());
          ledger_of(view, 1);
        } catch (const Error& error) {
          REQUIRE(is_format_error(error.kind()));
        }
      }
    }
  }
}

TEST_CASE("particular lies of a header") {
  const std::vector<Stream> streams = small_streams();
  const std::vector<std::pair<std::size_t, std::uint8_t>> lies = {
      {0, 'X'}, {4, 0},  {5, 3},   {6, 0},  {6, 33}, {7, 8},    {8, 0},    {8, 17},  {9, 0},
      {9, 33},  {10, 0}, {11, 17}, {12, 1}, {19, 1}, {22, 255}, {30, 255}, {24, 51}, {40, 40}};
  for (const Stream& stream : streams) {
    for (const auto& [at, value] : lies) {
      CAPTURE(at);
      CHECK(decode_failure(with_byte(stream, at, value)) == ErrorKind::kCorrupt);
    }
    CHECK(decode_failure(with_byte(stream, 4, 2)) == ErrorKind::kNewerVersion);
  }
}

TEST_CASE("a mode without a width, and a filling that is not zero") {
  const ChunkedCodes source(test::int8_matrix(small_codes(), 24), 2, false, 1);
  const Stream stream = pack_packets(source, {true, 4, {1, 6, 12}});
  const StreamView view = parse_stream(stream);
  const auto tile = static_cast<std::size_t>(view.tiles[0].data() - stream.data());
  CHECK(decode_failure(with_byte(stream, tile, stream[tile] | 3)) == ErrorKind::kCorrupt);
  const std::size_t last = stream.size() - kChecksumBytes - 1;
  const ErrorKind kind = decode_failure(with_byte(stream, last, stream[last] | 0x80));
  CHECK(kind == ErrorKind::kCorrupt);
}

TEST_CASE("a weight without codes is decoded at once, however long its empty side is") {
  for (const bool along_output : {false, true}) {
    Stream stream = pack_dictionary(ChunkedCodes({nullptr, 0, 5, 1, 8, true}, 2, along_output, 1));
    const std::uint64_t columns = std::uint64_t{1} << 40;
    std::memcpy(&stream[24], &columns, sizeof columns);
    fix_checksum(stream);
    CHECK(decode_codes(parse_stream(stream), 1).empty());
  }
}

TEST_CASE("a dictionary stream with another width than its entries need") {
  const Stream stream =
      pack_dictionary(ChunkedCodes(test::int8_matrix(small_codes(), 24), 2, false, 1));
  CHECK(decode_failure(with_byte(stream, kFixedHeaderBytes, 32)) == ErrorKind::kCorrupt);
}

TEST_CASE("bits that fill the dictionary must be zero") {
  const Stream codes = {0, 1, 2, 3, 4, 5, 6};
  const ChunkedCodes source({codes.data(), 1, 7, 1, 3, false}, 1, false, 1);
  const Stream stream = pack_dictionary(source);
  const std::size_t last = kFixedHeaderBytes + 1 + 2;  // 7 entries of 3 bits end in the third byte
  CHECK(decode_failure(with_byte(stream, last, stream[last] | 0x80)) == ErrorKind::kCorrupt);
}

TEST_CASE("a ledger of tiles that have the wrong length is refused, not wrapped") {
  const Stream stream =
      pack_dictionary(ChunkedCodes(test::int8_matrix(small_codes(), 24), 2, false, 1));
  const StreamView view = parse_stream(stream);
  StreamView shortened = view;
  shortened.tiles[0] = view.tiles[0].first(1);
  shortened.bytes -= view.tiles[0].size() - 1;
  CHECK(test::kind_of_failure([&] { ledger_of(shortened, 1); }) == ErrorKind::kCorrupt);
}

TEST_CASE("a short stream that promises a huge weight is refused before memory is asked for") {
  Stream codes(64, 1);
  Stream stream = pack_dictionary(ChunkedCodes(test::int8_matrix(codes, 1), 16, false, 1));
  const std::uint64_t rows = std::uint64_t{1} << 31;
  std::memcpy(&stream[16], &rows, sizeof rows);
  fix_checksum(stream);
  CHECK(decode_failure(stream) == ErrorKind::kCorrupt);
}

TEST_CASE("every codec has a number and a name of its own") {
  REQUIRE(stream_codecs().size() >= 2);
  for (const StreamCodec& one : stream_codecs()) {
    CHECK(find_codec(one.codec) == &one);
    const auto named = [&](const StreamCodec& other) { return other.name == one.name; };
    CHECK(std::count_if(stream_codecs().begin(), stream_codecs().end(), named) == 1);
  }
  CHECK(find_codec(static_cast<Codec>(0)) == nullptr);
  CHECK(find_codec(static_cast<Codec>(255)) == nullptr);
}
