// Tiles decode alone; threads, ISAs, memory that is not aligned and the caller's floating-point
// environment change no byte.
#include <cmath>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "blob_support.h"

using namespace meadow;
using test::bytes_of;
using test::EveryIsa;

namespace {

// Several tiles each, the last one short; rows that do not divide 65,536.
std::vector<std::pair<Bytes, Bytes>> blobs_of_tiles() {
  std::vector<std::pair<Bytes, Bytes>> made;
  const Bytes scaled = bytes_of(test::scaled_bf16(1000 * 333, 333, 1));
  made.emplace_back(scaled,
                    encode_floats({scaled, "BF16", 333}, FloatType::kBF16, Effort::kBalanced, 2));
  made.emplace_back(scaled, encode_floats({scaled, "F16", 0}, FloatType::kF16, Effort::kSmall, 2));
  const Bytes words = test::any_bytes(4 * 150001, 2);
  made.emplace_back(words, encode_floats({words, "F32", 0}, FloatType::kF32, Effort::kFast, 2));
  const Bytes codes = test::skewed_codes(7 * 40000, 3, 2.0);
  const Layout layout = test::segments(7, {{0, 3, 8}, {3, 4, 8}});
  made.emplace_back(codes, encode_records({codes, "ANY", 0}, layout, Effort::kBalanced, 2));
  const Layout cut = test::groups(2, {1, 8, 7});
  made.emplace_back(scaled, encode_records({scaled, "BF16", 0}, cut, Effort::kHuffman, 2));
  return made;
}

}  // namespace

TEST_CASE("every range of tiles decodes alone to its part") {
  for (const auto& [bytes, blob] : blobs_of_tiles()) {
    const BlobView view = parse_blob(blob);
    const std::size_t step = std::size_t{view.head.tile_records} * view.head.layout.record_bytes;
    CAPTURE(view.head.dtype);
    CAPTURE(view.head.tile_records);
    REQUIRE(view.tiles.size() >= 2);
    for (std::size_t first = 0; first <= view.tiles.size(); ++first) {
      for (std::size_t last = first; last <= view.tiles.size(); ++last) {
        const std::size_t begin = std::min(first * step, bytes.size());
        const std::size_t end = std::min(last * step, bytes.size());
        Bytes part(end - begin);
        decode_tiles(view, first, last, part, 2);
        REQUIRE(std::equal(part.begin(), part.end(),
                           bytes.begin() + static_cast<std::ptrdiff_t>(begin)));
      }
    }
  }
}

TEST_CASE("ranges and memory that do not fit are refused") {
  const auto [bytes, blob] = blobs_of_tiles()[0];
  const BlobView view = parse_blob(blob);
  const std::size_t tiles = view.tiles.size();
  Bytes out(bytes.size());
  const auto kind = [&](std::size_t first, std::size_t last, std::size_t size) {
    return test::kind_of_failure(
        [&] { decode_tiles(view, first, last, std::span(out).first(size), 1); });
  };
  CHECK(kind(2, 1, 0) == ErrorKind::kInvalidArgument);
  CHECK(kind(0, tiles + 1, bytes.size()) == ErrorKind::kInvalidArgument);
  CHECK(kind(tiles + 1, tiles + 1, 0) == ErrorKind::kInvalidArgument);
  CHECK(kind(0, tiles, bytes.size() - 1) == ErrorKind::kInvalidArgument);
  CHECK(kind(0, 1, bytes.size()) == ErrorKind::kInvalidArgument);
}

TEST_CASE("threads and ISAs change no byte of a blob, and none of what it decodes to") {
  const auto expected = blobs_of_tiles();
  EveryIsa().run([&] {
    const auto found = blobs_of_tiles();
    for (std::size_t n = 0; n < expected.size(); ++n) {
      REQUIRE(found[n].second == expected[n].second);
      REQUIRE(test::decoded(expected[n].second, 1) == expected[n].first);
      REQUIRE(test::decoded(expected[n].second, 5) == expected[n].first);
    }
  });
  const Bytes bytes = bytes_of(test::scaled_bf16(1000 * 333, 333, 1));
  for (const unsigned threads : {1U, 3U, 8U}) {
    REQUIRE(encode_floats({bytes, "BF16", 333}, FloatType::kBF16, Effort::kBalanced, threads) ==
            expected[0].second);
  }
}

TEST_CASE("tensors decode to any address") {
  for (const auto& [bytes, blob] : blobs_of_tiles()) {
    for (std::size_t offset = 0; offset < 9; ++offset) {
      Bytes out(bytes.size() + offset, 0x5A);
      decode_blob(parse_blob(blob), std::span(out).subspan(offset), 2);
      REQUIRE(std::equal(bytes.begin(), bytes.end(),
                         out.begin() + static_cast<std::ptrdiff_t>(offset)));
      REQUIRE(std::all_of(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(offset),
                          [](std::uint8_t byte) { return byte == 0x5A; }));
    }
  }
}

TEST_CASE("blobs are read from any address") {
  for (const auto& [bytes, blob] : blobs_of_tiles()) {
    for (std::size_t offset = 1; offset < 9; ++offset) {
      Bytes moved(blob.size() + offset);
      std::copy(blob.begin(), blob.end(), moved.begin() + static_cast<std::ptrdiff_t>(offset));
      Bytes out(bytes.size());
      decode_blob(parse_blob(std::span(moved).subspan(offset)), out, 2);
      REQUIRE(out == bytes);
    }
  }
}

TEST_CASE("zero bytes may follow a blob, others may not") {
  Bytes blob = test::small_blobs()[0].second;
  const Bytes expected = test::decoded(blob);
  blob.insert(blob.end(), 63, 0);
  CHECK(test::decoded(blob) == expected);
  CHECK(parse_blob(blob).bytes == blob.size() - 63);
  blob.back() = 1;
  CHECK(test::kind_of_failure([&] { parse_blob(blob); }) == ErrorKind::kCorrupt);
}

#if defined(__x86_64__)
// F16 around the border of its denormals, each column with a scale of its own.
std::vector<std::uint16_t> halves_near_denormals(std::size_t count, std::size_t columns) {
  auto random = test::generator(4);
  std::uniform_real_distribution<double> uniform(1.0, 2.0);
  std::vector<std::uint16_t> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const int exponent = -16 + static_cast<int>(i % columns * 7 % 16);
    const double value = uniform(random);
    values[i] = exponent < -14
                    ? static_cast<std::uint16_t>(std::ldexp(value, exponent + 24))
                    : static_cast<std::uint16_t>((exponent + 15) << 10 |
                                                 static_cast<int>((value - 1.0) * 1024.0));
  }
  return values;
}

TEST_CASE("a thread that flushes denormals codes the same bytes") {
  const Bytes bytes = bytes_of(halves_near_denormals(64 * 512, 64));
  const auto encode = [&] {
    return encode_floats({bytes, "F16", 64}, FloatType::kF16, Effort::kBalanced, 1);
  };
  const Bytes expected = encode();
  REQUIRE(parse_blob(expected).head.columns == 64);
  REQUIRE(parse_blob(expected).head.layout.content == FloatType::kF16);
  const unsigned before = _mm_getcsr();
  _mm_setcsr(before | 0x8040);  // flush to zero, denormals are zero
  const Bytes flushed = encode();
  _mm_setcsr(before);
  CHECK(flushed == expected);
}
#endif
