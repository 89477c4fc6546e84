// Checks of preconditions: what they tell, and that they cost nothing where they are off.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "check_support.h"
#include "meadow/base/check.h"
#include "support.h"

using namespace meadow;
using namespace meadow::test;

TEST_CASE("checks: a condition is evaluated where checks are on, and only there") {
  int evaluated = 0;
  MEADOW_DCHECK(++evaluated == 1);
  CHECK(evaluated == (kDebugChecks ? 1 : 0));
}

TEST_CASE("checks: one that fails tells its condition and its place") {
  const ThrowingChecks checks;
  std::string told;
  try {
    fail_check({"rows < 3", "somewhere.cpp", 17});
  } catch (const CheckFailure& failure) {
    told = failure.what();
  }
  CHECK(told == "somewhere.cpp:17: rows < 3");
}

TEST_CASE("checks: without a handler the process ends with a message") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);
    dup2(ends[1], STDERR_FILENO);
    fail_check({"rows < 3", "somewhere.cpp", 17});
  }
  close(ends[1]);
  std::string message;
  char buffer[256];
  for (ssize_t count = 1; count > 0;) {
    count = read(ends[0], buffer, sizeof buffer);
    if (count > 0) message.append(buffer, static_cast<std::size_t>(count));
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGABRT);
  // An emulator says after it that the process has ended.
  CHECK(message.starts_with("somewhere.cpp:17: expected rows < 3\n"));
}
