// Checks of preconditions that a caller inside the core owes, not a user: they are compiled into
// the builds for sanitizers and fuzzing (MEADOW_DEBUG_CHECKS) and cost nothing in the others. What
// a user may get wrong is an Error instead, in every build.
#pragma once

namespace meadow {

#ifdef MEADOW_DEBUG_CHECKS
constexpr bool kDebugChecks = true;
#else
constexpr bool kDebugChecks = false;
#endif

struct FailedCheck {
  const char* condition;
  const char* file;
  int line;
};

// Told of a check that fails. It may throw; where it returns, the process is aborted. The first one
// only aborts, with a message on stderr.
using CheckHandler = void (*)(const FailedCheck& check);

// Returns the one before.
CheckHandler set_check_handler(CheckHandler handler) noexcept;

[[noreturn]] void fail_check(const FailedCheck& check);

}  // namespace meadow

#ifdef MEADOW_DEBUG_CHECKS
#define MEADOW_DCHECK(condition)                       \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::meadow::fail_check({#condition, __FILE__, __LINE__}))
#else
// The condition must compile, and is not evaluated.
#define MEADOW_DCHECK(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#endif
