// Checks of preconditions that callers inside the core must meet. They are compiled into the builds
// for sanitizers and fuzzing (MEADOW_DEBUG_CHECKS) and cost nothing in the others. A user's mistake
// is an Error instead, in every build.
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

// Called when a check fails. It may throw; if it returns, the process is aborted. The default
// handler writes a message to stderr and aborts.
using CheckHandler = void (*)(const FailedCheck& check);

// Returns the previous handler.
CheckHandler set_check_handler(CheckHandler handler) noexcept;

[[noreturn]] void fail_check(const FailedCheck& check);

}  // namespace meadow

#ifdef MEADOW_DEBUG_CHECKS
#define MEADOW_DCHECK(condition)                       \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::meadow::fail_check({#condition, __FILE__, __LINE__}))
#else
// The condition must compile but is not evaluated.
#define MEADOW_DCHECK(condition) static_cast<void>(sizeof(static_cast<bool>(condition)))
#endif
