#include "meadow/kernels/isa.h"

#include <algorithm>

#include "support.h"

using namespace meadow;

static_assert(noexcept(active_isa()));

TEST_CASE("scalar is always there, and what is active is available") {
  const std::vector<Isa> available = available_isas();
  CHECK(available.front() == Isa::kScalar);
  CHECK(std::find(available.begin(), available.end(), active_isa()) != available.end());
}

TEST_CASE("select_isa switches, and refuses what is not there") {
  const std::string before(isa_name(active_isa()));
  select_isa("scalar");
  CHECK(active_isa() == Isa::kScalar);
  CHECK(test::kind_of_failure([] { select_isa("mmx"); }) == ErrorKind::kInvalidArgument);
  CHECK(active_isa() == Isa::kScalar);
  select_isa(before);
  CHECK(isa_name(active_isa()) == before);
}
