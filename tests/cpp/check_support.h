// Checks of preconditions (meadow/base/check.h) as exceptions.
#pragma once

#include <stdexcept>
#include <string>

#include "meadow/base/check.h"

namespace meadow::test {

struct CheckFailure : std::logic_error {
  using std::logic_error::logic_error;
};

// While one lives, a check that fails throws CheckFailure.
class ThrowingChecks {
 public:
  ThrowingChecks() : before_(set_check_handler(fail)) {}
  ~ThrowingChecks() { set_check_handler(before_); }
  ThrowingChecks(const ThrowingChecks&) = delete;
  ThrowingChecks& operator=(const ThrowingChecks&) = delete;

 private:
  static void fail(const FailedCheck& check) {
    throw CheckFailure(std::string(check.file) + ":" + std::to_string(check.line) + ": " +
                       check.condition);
  }

  CheckHandler before_;
};

// Whether a check failed in the call.
template <typename Call>
bool fails_check(const Call& call) {
  const ThrowingChecks checks;
  try {
    call();
  } catch (const CheckFailure&) {
    return true;
  }
  return false;
}

}  // namespace meadow::test
