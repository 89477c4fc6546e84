// Which planes hold each bit of a record once.
#include "meadow/blob/layout.h"

#include "blob_support.h"

using namespace meadow;
using test::groups;
using test::segments;

namespace {

bool is_refused(const Layout& layout) {
  try {
    require_partition(layout);
  } catch (const Error& error) {
    REQUIRE(error.kind() == ErrorKind::kInvalidArgument);
    return true;
  }
  return false;
}

}  // namespace

TEST_CASE("partitions are taken in any order") {
  CHECK_FALSE(is_refused(segments(1, {{0, 1, 8}})));
  CHECK_FALSE(is_refused(segments(18, {{2, 16, 8}, {0, 1, 8}, {1, 1, 8}})));
  CHECK_FALSE(is_refused(segments(kMostRecordBytes, {{0, kMostRecordBytes, 8}})));
  CHECK_FALSE(is_refused(groups(2, {1, 8, 7})));
  CHECK_FALSE(is_refused(groups(8, {8, 8, 8, 8, 8, 8, 8, 8})));
}

TEST_CASE("gaps, overlaps and planes outside of the record are refused") {
  CHECK(is_refused(segments(2, {{0, 1, 8}})));
  CHECK(is_refused(segments(2, {{0, 1, 8}, {0, 1, 8}})));
  CHECK(is_refused(segments(2, {{0, 2, 8}, {1, 1, 8}})));
  CHECK(is_refused(segments(2, {{0, 1, 8}, {2, 1, 8}})));
  CHECK(is_refused(groups(1, {4, 3})));
  Layout outside = groups(1, {4, 4});
  outside.planes[0].offset = 5;
  CHECK(is_refused(outside));
}

TEST_CASE("what would wrap around in 32 bits is refused") {
  CHECK(is_refused(segments(1, {{1U << 29, 1, 8}})));
  CHECK(is_refused(segments(1, {{0, (1U << 29) + 1, 8}})));
  Layout wrapped = groups(1, {8});
  wrapped.planes[0].offset = ~0U - 7;
  CHECK(is_refused(wrapped));
}

TEST_CASE("segments are of whole bytes, groups of one symbol of at most eight bits") {
  CHECK(is_refused(segments(1, {{0, 1, 4}})));
  CHECK(is_refused(segments(1, {{0, 1, 8}, {0, 0, 8}})));
  CHECK(is_refused(groups(2, {16})));
  CHECK(is_refused(groups(1, {8, 0})));
  for (const unsigned count : {0U, 2U, 1000U}) {
    Layout layout = groups(1, {8});
    layout.planes[0].count = count;
    CHECK(is_refused(layout));
  }
}

TEST_CASE("records and elements of other sizes are refused") {
  CHECK(is_refused(segments(0, {})));
  CHECK(is_refused(segments(1, {})));
  CHECK(is_refused(segments(kMostRecordBytes + 1, {{0, kMostRecordBytes + 1, 8}})));
  CHECK(is_refused(groups(3, {8, 8, 8})));
  CHECK(is_refused(groups(16, std::vector<unsigned>(16, 8))));
  Layout many = segments(65, {});
  for (unsigned at = 0; at < 65; ++at) many.planes.push_back({at, 1, 8});
  CHECK(is_refused(many));
}
