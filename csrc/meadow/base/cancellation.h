// How a long call ends early. The core does not know who may want that: the caller sets a hook for
// its thread, and long loops call the hook now and then. Without a hook nothing is called.
#pragma once

#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <thread>

namespace meadow {

// Thrown when a call was asked to end. A hook may throw this or an exception of its own.
class Cancelled : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "the call was cancelled"; }
};

// During its lifetime, long work that this thread starts calls `poll` at most once per `interval`,
// and only on this thread, never on a helper. An exception from `poll` ends the work on all its
// threads and is thrown by the call. Scopes nest: only the innermost one polls.
class CancellationScope {
 public:
  using Clock = std::chrono::steady_clock;
  // Well below the second after which a person grows impatient, well above the cost of a poll.
  static constexpr std::chrono::milliseconds kInterval{50};

  explicit CancellationScope(std::function<void()> poll, Clock::duration interval = kInterval);
  ~CancellationScope();
  CancellationScope(const CancellationScope&) = delete;
  CancellationScope& operator=(const CancellationScope&) = delete;

  // The scope of the call that this thread works for; null if there is none.
  static CancellationScope* current() noexcept;

  // On the thread that made the scope: polls if the interval has passed, passes on the exception
  // that `poll` throws, and throws the same one in every later call. On a helper: throws Cancelled
  // once `poll` has thrown.
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

// During its lifetime, the thread works for the call of the given scope (null: for no call).
class WorkingFor {
 public:
  explicit WorkingFor(CancellationScope* scope) noexcept;
  ~WorkingFor();
  WorkingFor(const WorkingFor&) = delete;
  WorkingFor& operator=(const WorkingFor&) = delete;

 private:
  CancellationScope* before_;
};

// Reads the clock, which takes 20 to 30 ns: call it once per 10 us of work or more.
inline void throw_if_cancelled() {
  if (CancellationScope* scope = CancellationScope::current()) scope->throw_if_cancelled();
}

}  // namespace meadow
