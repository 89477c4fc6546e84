// Integer weights to planes and back: every code, and how wide the fields are.
#include "meadow/codec/integer_planes.h"

#include <array>

#include "every_isa.h"
#include "kernels/integer_support.h"
#include "meadow/codec/integer_widths.h"

using namespace meadow;
using namespace meadow::test;

namespace {

void require_round_trip(const std::vector<std::int8_t>& codes, std::size_t columns) {
  const std::size_t rows = codes.size() / columns;
  for (const PlaneWidths widths : {PlaneWidths::kDense, PlaneWidths::kPacked}) {
    const auto planes = encode_integer_planes(codes.data(), rows, columns, widths, 2);
    EveryIsa().run([&] {
      std::vector<std::int8_t> found(codes.size(), 99);
      decode_integer_planes(planes, found.data(), 2);
      REQUIRE(found == codes);
      const std::size_t first = (rows - 1) / 16 * 16 + (rows - 1) % 16 / 2;
      std::vector<std::int8_t> last((rows - first) * columns, 99);
      decode_integer_rows(planes, {first, rows}, last.data());
      REQUIRE(std::equal(last.begin(), last.end(), codes.end() - std::ptrdiff_t(last.size())));
    });
  }
}

std::vector<std::int8_t> between(int low, int high, std::size_t count) {
  std::vector<std::int8_t> codes(count);
  for (std::size_t i = 0; i < count; ++i) {
    codes[i] = static_cast<std::int8_t>(low + int(i * 7919 % std::size_t(high - low + 1)));
  }
  return codes;
}

IntegerPlanes packed(const std::vector<std::int8_t>& codes, std::size_t columns) {
  return encode_integer_planes(codes.data(), codes.size() / columns, columns, PlaneWidths::kPacked,
                               1);
}

}  // namespace

TEST_CASE("every code comes back from integer planes") {
  for (const std::size_t columns : {1, 4, 31, 32, 33, 96, 257, 700}) {
    for (const double spread : {0.0, 0.3, 1.0, 3.0, 7.0, 15.0, 30.0, 90.0}) {
      for (const double centre : {0.0, -100.0, 90.0}) {
        CAPTURE(columns);
        CAPTURE(spread);
        require_round_trip(integer_codes(21 * columns, spread, centre, 3), columns);
      }
    }
  }
}

TEST_CASE("a range that fits a width is stored at that width without escapes") {
  for (unsigned width = 2; width <= 8; ++width) {
    for (const int low : {-128, -60, -1, 0}) {
      const int high = low + (1 << width) - 1;
      if (high > 127) continue;
      CAPTURE(width);
      CAPTURE(low);
      const auto codes = between(low, high, std::size_t{16} * 512);
      const auto planes = packed(codes, 512);
      CHECK(planes.heads()[0].width == width);
      CHECK(planes.heads()[0].escapes == 0);
      CHECK(planes.bytes() == codes.size() * width / 8 + sizeof(StripHead));
      require_round_trip(codes, 512);
    }
  }
}

TEST_CASE("codes at the far end of the range need several escapes, gaps some that add nothing") {
  std::vector<std::int8_t> codes(16 * 640, -127);
  codes[639] = 127;
  codes[640 * 15 + 5] = -128;
  const auto planes = packed(codes, 640);
  CHECK(planes.heads()[0].width == 2);
  // 20 bridge up to column 639; -128 is in the range; 127 is 251 above it, 63 each time.
  CHECK(planes.heads()[0].escapes == 40);  // filled up to two for each of 20 blocks
  require_round_trip(codes, 640);
}

TEST_CASE("INT4 is dense at four bits, anything else at eight") {
  const auto int4 = between(-8, 7, 32 * 64);
  CHECK(encode_integer_planes(int4.data(), 32, 64, PlaneWidths::kDense, 1).heads()[1].width == 4);
  const auto wider = between(-8, 8, 32 * 64);
  CHECK(encode_integer_planes(wider.data(), 32, 64, PlaneWidths::kDense, 1).heads()[1].width == 8);
}

TEST_CASE("the chosen range costs no more than any other") {
  const auto codes = integer_codes(16 * 768, 12, 3, 17);
  CodeCounts counts{};
  for (const std::int8_t code : codes) ++counts[static_cast<std::size_t>(code + 128)];
  const FieldRange best = cheapest_range(counts);
  CHECK(best.width == 6);
  CHECK(best.low < -16);
  CHECK(best.low + 63 > 16);
  CHECK(best.low + 32 > 0);  // it follows the centre
}

TEST_CASE("planes need codes, and rows whose sums fit") {
  const std::int8_t code = 0;
  const auto encode = [&](std::size_t rows, std::size_t columns) {
    encode_integer_planes(&code, rows, columns, PlaneWidths::kPacked, 1);
  };
  CHECK(kind_of_failure([&] { encode(0, 4); }) == ErrorKind::kInvalidArgument);
  CHECK(kind_of_failure([&] { encode(4, 0); }) == ErrorKind::kInvalidArgument);
  CHECK(kind_of_failure([&] { encode(1, kernels::kMostIntegerColumns + 1); }) ==
        ErrorKind::kInvalidArgument);
}
