#include "meadow/base/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace meadow {
namespace {

void print(const FailedCheck& check) {
  std::fprintf(stderr, "%s:%d: expected %s\n", check.file, check.line, check.condition);
}

std::atomic<CheckHandler> current{print};

}  // namespace

CheckHandler set_check_handler(CheckHandler handler) noexcept { return current.exchange(handler); }

void fail_check(const FailedCheck& check) {
  current.load()(check);
  std::abort();
}

}  // namespace meadow
