// Damaged blobs: every prefix and every flipped bit is noticed, and with mended checksums nothing
// outside of the blob is touched.
#include "blob_support.h"

using namespace meadow;

namespace {

bool is_format_error(ErrorKind kind) {
  return kind == ErrorKind::kTruncated || kind == ErrorKind::kCorrupt ||
         kind == ErrorKind::kNewerVersion;
}

// Verdict and bytes of a blob whose checksums may have been mended; nothing but Corrupt is thrown.
Bytes decoded_or_refused(const Bytes& blob, unsigned threads) {
  const Bytes exact(blob);
  try {
    const BlobView view = parse_blob(exact);
    if (view.head.nbytes() > (1 << 20)) return {1};
    Bytes out(static_cast<std::size_t>(view.head.nbytes()));
    decode_blob(view, out, threads);
    verify_blob(view, threads);
    return out;
  } catch (const Error& error) {
    REQUIRE(is_format_error(error.kind()));
    return {0, static_cast<std::uint8_t>(error.kind())};
  }
}

void check_alike(const Bytes& blob) {
  std::vector<Bytes> found;
  test::EveryIsa().run([&] {
    found.push_back(decoded_or_refused(blob, 1));
    found.push_back(decoded_or_refused(blob, 3));
  });
  for (const Bytes& one : found) REQUIRE(one == found[0]);
}

std::size_t head_bytes(const Bytes& blob) { return load<std::uint32_t>(&blob[test::kAtHeadBytes]); }

}  // namespace

TEST_CASE("every prefix is truncated") {
  for (const auto& [name, blob] : test::small_blobs()) {
    CAPTURE(name);
    for (std::size_t size = 0; size < blob.size(); ++size) {
      const Bytes prefix(blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(size));
      REQUIRE(test::kind_of_failure([&] { parse_blob(prefix); }) == ErrorKind::kTruncated);
    }
  }
}

TEST_CASE("every flipped bit of a head is noticed before anything is decoded") {
  for (const auto& [name, blob] : test::small_blobs()) {
    CAPTURE(name);
    for (std::size_t bit = 0; bit < 8 * head_bytes(blob); ++bit) {
      CAPTURE(bit);
      Bytes flipped = blob;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      const ErrorKind kind = test::kind_of_failure([&] { parse_blob(flipped); });
      REQUIRE(is_format_error(kind));
      const unsigned version = flipped[4];
      REQUIRE((kind == ErrorKind::kNewerVersion) == (version > kBlobVersion));
    }
  }
}

TEST_CASE("every flipped byte of a tile is noticed by its checksum") {
  for (const auto& [name, blob] : test::small_blobs()) {
    CAPTURE(name);
    for (std::size_t at = head_bytes(blob); at < blob.size(); ++at) {
      Bytes flipped = blob;
      flipped[at] ^= static_cast<std::uint8_t>(1 + at % 255);
      const BlobView view = parse_blob(flipped);
      REQUIRE(test::kind_of_failure([&] { verify_blob(view, 1); }) == ErrorKind::kCorrupt);
      Bytes out(static_cast<std::size_t>(view.head.nbytes()));
      REQUIRE(test::kind_of_failure([&] { decode_blob(view, out, 2); }) == ErrorKind::kCorrupt);
    }
  }
}

TEST_CASE("with mended checksums a flipped byte decodes to something else, or is refused") {
  for (const auto& [name, blob] : test::small_blobs()) {
    CAPTURE(name);
    const Bytes expected = test::decoded(blob);
    unsigned refused = 0;
    for (std::size_t at = head_bytes(blob); at < blob.size(); ++at) {
      CAPTURE(at - head_bytes(blob));
      for (const unsigned flip : {1U, 0xFFU}) {
        CAPTURE(flip);
        const auto changed = static_cast<std::uint8_t>(blob[at] ^ flip);
        const Bytes flipped = test::with(blob, at, changed);
        const Bytes found = decoded_or_refused(flipped, 1);
        if (name != "grid") REQUIRE(found != expected);  // other scales may have the same products
        refused += found.size() == 2 ? 1 : 0;
        if (at % 4 == flip % 4) check_alike(flipped);
      }
    }
    if (name == "rans" || name == "huffman") CHECK(refused > 100);
  }
}

TEST_CASE("with mended checksums a flipped byte of a head does no harm") {
  for (const auto& [name, blob] : test::small_blobs()) {
    CAPTURE(name);
    for (std::size_t at = 0; at < head_bytes(blob) - 8; ++at) {
      for (const unsigned value : {0U, 1U, 2U, 3U, 0x7FU, 0x80U, 0xFFU, blob[at] ^ 1U}) {
        check_alike(test::with(blob, at, static_cast<std::uint8_t>(value)));
      }
    }
  }
}

TEST_CASE("random damage with mended checksums does no harm") {
  auto random = test::generator(5);
  for (const auto& [name, blob] : test::small_blobs()) {
    CAPTURE(name);
    for (int round = 0; round < 300; ++round) {
      Bytes damaged = blob;
      for (unsigned i = 0; i <= random() % 6; ++i) {
        damaged[5 + random() % (damaged.size() - 5)] = static_cast<std::uint8_t>(random());
      }
      fix_blob_checksums(damaged);
      check_alike(damaged);
    }
  }
}

TEST_CASE("any damage of tiles with codes of their own is refused, or decodes on every ISA alike") {
  const Bytes bytes = test::tiles_that_differ();
  const Layout plain = test::segments(1, {{0, 1, 8}});
  const Bytes blob = encode_records({bytes, "U8", 0}, plain, Effort::kBalanced, 1);
  REQUIRE(parse_blob(blob).head.codes[0].coding() == Coding::kTiled);
  for (std::size_t size = 0; size < blob.size(); ++size) {
    const Bytes prefix(blob.begin(), blob.begin() + static_cast<std::ptrdiff_t>(size));
    REQUIRE(test::kind_of_failure([&] { parse_blob(prefix); }) == ErrorKind::kTruncated);
  }
  for (std::size_t at = 5; at < blob.size(); ++at) {
    if (at >= head_bytes(blob) - 8 && at < head_bytes(blob)) continue;
    for (const unsigned value : {0U, 4U, 0xFFU, blob[at] ^ 1U}) {
      check_alike(test::with(blob, at, static_cast<std::uint8_t>(value)));
    }
  }
}
