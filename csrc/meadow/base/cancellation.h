// How a long call ends early. The core does not know who may want that: who calls it for long sets
// a hook for its thread, and long loops ask it now and then. Without a hook nothing is asked.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <thread>

namespace meadow {

// A call was asked to end. A hook may throw this or an exception of its own.
class Cancelled : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "the call was cancelled"; }
};

// While it lives, long work that this thread starts calls `poll` at most every `interval`, on this
// thread only, never on a helper. What `poll` throws ends the work, on all its threads, and comes
// out of the call. Scopes nest: the innermost is asked.
class CancellationScope {
 public:
  using Clock = std::chrono::steady_clock;
  // Far below the second after which a person wonders, far above what a poll may cost.
  static constexpr std::chrono::milliseconds kInterval{50};

  explicit CancellationScope(std::function<void()> poll, Clock::duration interval = kInterval);
  ~CancellationScope();
  CancellationScope(const CancellationScope&) = delete;
  CancellationScope& operator=(const CancellationScope&) = delete;

  // Of the call that this thread works for; null where nobody asked to be heard.
  static CancellationScope* current() noexcept;

  // On the thread that made the scope: asks if it is time, throws what `poll` throws, and once it
  // did always the same. On a helper: throws Cancelled after that.
  void throw_if_cancelled();

 private:
  void ask();

  std::function<void()> poll_;
  Clock::duration interval_;
  Clock::time_point next_;
  std::thread::id owner_;
  std::exception_ptr reason_;
  std::atomic<bool> cancelled_{false};
  CancellationScope* outer_;
};

// While it lives, the thread works for the call of that scope (or of none: null).
class WorkingFor {
 public:
  explicit WorkingFor(CancellationScope* scope) noexcept;
  ~WorkingFor();
  WorkingFor(const WorkingFor&) = delete;
  WorkingFor& operator=(const WorkingFor&) = delete;

 private:
  CancellationScope* before_;
};

// Costs a look at the clock, 20 to 30 ns: for every 10 us of work or more.
inline void throw_if_cancelled() {
  if (CancellationScope* scope = CancellationScope::current()) scope->throw_if_cancelled();
}

}  // namespace meadow
