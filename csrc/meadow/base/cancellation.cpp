#include "meadow/base/cancellation.h"

#include <utility>

namespace meadow {
namespace {

thread_local CancellationScope* current_scope = nullptr;

}  // namespace

CancellationScope::CancellationScope(std::function<void()> poll, Clock::duration interval)
    : poll_(std::move(poll)),
      interval_(interval),
      next_(Clock::now() + interval),
      owner_(std::this_thread::get_id()),
      outer_(std::exchange(current_scope, this)) {}

CancellationScope::~CancellationScope() { current_scope = outer_; }

CancellationScope* CancellationScope::current() noexcept { return current_scope; }

void CancellationScope::throw_if_cancelled() {
  const bool cancelled = cancelled_.load(std::memory_order_relaxed);
  if (std::this_thread::get_id() != owner_) {
    if (cancelled) throw Cancelled();
    return;
  }
  if (cancelled) std::rethrow_exception(reason_);
  if (Clock::now() >= next_) ask();
}

void CancellationScope::ask() {
  try {
    poll_();
  } catch (...) {
    reason_ = std::current_exception();
    cancelled_.store(true, std::memory_order_relaxed);
    throw;
  }
  next_ = Clock::now() + interval_;
}

WorkingFor::WorkingFor(CancellationScope* scope) noexcept
    : before_(std::exchange(current_scope, scope)) {}

WorkingFor::~WorkingFor() { current_scope = before_; }

}  // namespace meadow
