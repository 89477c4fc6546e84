// Round trips of both codecs, and where the bits go.
#include "meadow/base/bits.h"
#include "meadow/codec/decoder.h"
#include "meadow/codec/dictionary.h"
#include "meadow/codec/packet_search.h"
#include "meadow/codec/packets.h"
#include "support.h"

using namespace meadow;

namespace {

using Stream = Bytes;

std::vector<Stream> all_streams(const ChunkedCodes& source) {
  return {pack_dictionary(source),
          pack_packets(source, {false, 0, {}}),
          pack_packets(source, {true, 0, {}}),
          pack_packets(source, {true, 5, {}}),
          pack_packets(source, {false, 4096, {}}),
          pack_packets(source, {true, 0, {2, 5, 32}})};
}

void check_ledger(const StreamView& view) {
  const StreamLedger ledger = ledger_of(view, 1);
  REQUIRE(ledger.header + ledger.dictionary + ledger.modes + ledger.indices + ledger.padding ==
          8 * view.bytes);
  REQUIRE(ledger.padding < 8 * (view.tiles.size() + 1));
}

void check_round_trips(const CodeMatrix& codes, unsigned chunk) {
  for (const bool along_output : {false, true}) {
    const ChunkedCodes source(codes, chunk, along_output, 2);
    for (const Stream& stream : all_streams(source)) {
      const StreamView view = parse_stream(stream);
      const Stream again = decode_codes(view, 3);
      REQUIRE(again.size() == codes.bytes());
      REQUIRE(std::equal(again.begin(), again.end(), codes.data));
      verify_stream(stream, source);
      check_ledger(view);
    }
    const ChunkedCodes alone(codes, chunk, along_output, 1);
    const std::vector<Stream> expected = all_streams(source);
    const std::vector<Stream> found = all_streams(alone);
    for (std::size_t i = 0; i < expected.size(); ++i)
      REQUIRE(test::same_bits(found[i], expected[i]));
  }
}

}  // namespace

TEST_CASE("round trips: chunk sizes, element widths, ragged rows, both directions") {
  for (const unsigned bytes : {1U, 2U, 4U}) {
    for (const auto& [rows, columns] :
         {std::pair<std::size_t, std::size_t>{0, 7}, {7, 0}, {1, 1}, {3, 50}, {64, 33}}) {
      const Stream codes = test::skewed_codes(rows * columns * bytes, bytes, 1.5);
      for (const unsigned chunk : {1U, 2U, 3U, 4U, 7U, 8U, 16U}) {
        check_round_trips({codes.data(), rows, columns, bytes, 8 * bytes, bytes == 2}, chunk);
      }
    }
  }
}

TEST_CASE("round trips over several tiles") {
  const Stream codes = test::skewed_codes(700 * 401, 9, 3.0);
  for (const unsigned chunk : {1U, 2U, 3U}) check_round_trips(test::int8_matrix(codes, 700), chunk);
}

TEST_CASE("a constant weight needs no index bits") {
  const Stream codes(512 * 512, 3);
  const ChunkedCodes source(test::int8_matrix(codes, 512), 4, false, 2);
  CHECK(ledger_of(parse_stream(pack_dictionary(source)), 1).indices == 0);
  CHECK(ledger_of(parse_stream(pack_packets(source, {})), 1).modes == 0);
  check_round_trips(test::int8_matrix(codes, 512), 4);
}

TEST_CASE("the search's plan costs what the stream then holds, and no other plan is cheaper") {
  const Stream codes = test::skewed_codes(300 * 500, 11, 4.0);
  const ChunkedCodes source(test::int8_matrix(codes, 300), 2, false, 2);
  const RawVector<std::uint32_t>& indices = source.chunks().indices;
  const PacketPlan best = plan_packets(indices, 0, {}, 2);
  const StreamLedger ledger = ledger_of(parse_stream(pack_packets(source, {false, 0, {}})), 1);
  CHECK(ledger.modes + ledger.indices == best.bits);
  const unsigned widest = index_width(source.chunks().unique());
  for (unsigned length = 1; length <= 64; ++length) {
    const PacketPlan plan = plan_packets(indices, length, {}, 2);
    const StreamLedger spent =
        ledger_of(parse_stream(pack_packets(source, {false, length, {}})), 1);
    CHECK(spent.modes + spent.indices == plan.bits);
    if ((length & (length - 1)) == 0) CHECK(plan.bits >= best.bits);
    for (unsigned narrow = 0; narrow < widest; ++narrow) {
      const std::vector<std::uint8_t> two = {static_cast<std::uint8_t>(narrow),
                                             static_cast<std::uint8_t>(widest)};
      CHECK(plan_packets(indices, length, two, 2).bits >= plan.bits);
    }
  }
}

TEST_CASE("re-indexing gives frequent chunks small indices") {
  // Value 9 first, value 5 most often: 9 is entry 0 as it appears, entry 1 by frequency.
  const Stream codes = {9, 5, 5, 5, 5, 9, 5, 7};
  const ChunkedCodes source(test::int8_matrix(codes, 1), 1, false, 1);
  const Stream by_appearance = pack_packets(source, {false, 0, {}});
  const Stream by_count = pack_packets(source, {true, 0, {}});
  CHECK(unpack_dictionary(parse_stream(by_appearance)) == Stream{9, 5, 7});
  CHECK(unpack_dictionary(parse_stream(by_count)) == Stream{5, 9, 7});
}

TEST_CASE("1272 distinct pairs of a 768x3072 matrix: 11-bit indices, 1.452x all counted") {
  auto random = test::generator(12);
  Stream codes(768 * 3072);
  for (std::size_t i = 0; i < codes.size() / 2; ++i) {
    const auto pair = static_cast<unsigned>(i < 1272 ? i : random() % 1272);
    codes[2 * i] = static_cast<std::uint8_t>(pair % 36);
    codes[2 * i + 1] = static_cast<std::uint8_t>(pair / 36);
  }
  const ChunkedCodes source(test::int8_matrix(codes, 768), 2, false, 2);
  const Stream stream = pack_dictionary(source);
  const StreamView view = parse_stream(stream);
  CHECK(view.header.unique == 1272);
  CHECK(view.header.widths[0] == 11);
  const double ratio = static_cast<double>(codes.size()) / static_cast<double>(stream.size());
  CHECK(ratio == doctest::Approx(1.452).epsilon(0.0004));
  verify_stream(stream, source);
}

TEST_CASE("elements wider than their bits need are refused: a stream would not give them back") {
  const Stream codes(64, 1);
  for (const auto& [bytes, bits] : {std::pair{2U, 8U}, {4U, 16U}, {4U, 1U}}) {
    const CodeMatrix wide{codes.data(), 4, 64 / (4 * bytes), bytes, bits, false};
    CHECK(test::kind_of_failure([&] { ChunkedCodes(wide, 2, false, 1); }) ==
          ErrorKind::kInvalidArgument);
  }
}

TEST_CASE("packet options that make no sense are refused") {
  const Stream codes = test::skewed_codes(1000, 13, 5.0);
  const ChunkedCodes source(test::int8_matrix(codes, 10), 2, false, 1);
  for (const PacketOptions& options :
       {PacketOptions{true, 4097, {}}, PacketOptions{true, 4, {5, 5, 32}},
        PacketOptions{true, 4, std::vector<std::uint8_t>(33, 32)}, PacketOptions{true, 4, {9, 3}},
        PacketOptions{true, 4, {1}}, PacketOptions{true, 4, {33}}}) {
    CHECK(test::kind_of_failure([&] { pack_packets(source, options); }) ==
          ErrorKind::kInvalidArgument);
  }
}
