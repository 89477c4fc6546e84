#include "meadow/base/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "meadow/base/cores.h"
#include "meadow/base/float_environment.h"

namespace meadow {
namespace {

thread_local bool inside_task = false;

class InsideTask {
 public:
  InsideTask() noexcept : before_(std::exchange(inside_task, true)) {}
  ~InsideTask() { inside_task = before_; }
  InsideTask(const InsideTask&) = delete;
  InsideTask& operator=(const InsideTask&) = delete;

 private:
  bool before_;
};

void relax() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// A sleeping thread takes 50 us or more to wake, as long as decoding a tile; so before it goes to
// sleep, a waiting thread spins for a little longer than the usual pause between two loops.
template <typename Condition>
void spin_until(const Condition& holds) noexcept {
  constexpr std::chrono::microseconds kLongest{100};
  constexpr int kLooks = 64;  // between two readings of the clock
  const auto end = std::chrono::steady_clock::now() + kLongest;
  do {
    for (int i = 0; i < kLooks; ++i) {
      if (holds()) return;
      relax();
    }
  } while (std::chrono::steady_clock::now() < end);
}

// One call of parallel_for.
struct Job {
  const std::function<void(std::size_t)>* task = nullptr;
  std::size_t count = 0;
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  CancellationScope* scope = CancellationScope::current();

  void work() noexcept {
    const DefaultFloatEnvironment environment;
    const InsideTask inside;
    const WorkingFor caller(scope);
    for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      attempt([&] {
        throw_if_cancelled();
        (*task)(i);
      });
    }
  }

  // A hook may itself call parallel_for, which must not wait for the pool that this job holds.
  void ask() noexcept {
    const InsideTask inside;
    attempt([] { throw_if_cancelled(); });
  }

 private:
  template <typename Step>
  void attempt(const Step& step) noexcept {
    try {
      step();
    } catch (...) {
      const std::scoped_lock lock(mutex);
      if (!failure) failure = std::current_exception();
      next.store(count);
    }
  }
};

// Lives until the process ends: workers sleep between jobs and nobody joins them.
class ThreadPool {
 public:
  // False if another caller has the pool.
  bool try_run(Job& job, std::size_t helpers) {
    const std::unique_lock turn(turn_, std::try_to_lock);
    if (!turn.owns_lock()) return false;
    post(job, helpers);
    job.work();
    wait_for_helpers(job);
    return true;
  }

 private:
  void post(Job& job, std::size_t helpers) {
    {
      const std::scoped_lock lock(mutex_);
      try {
        while (workers_.size() < helpers) workers_.emplace_back([this] { serve(); });
      } catch (const std::system_error&) {
        helpers = workers_.size();  // the system gives no more threads: use the existing ones
      }
      has_cores_ = helpers < hardware_threads();
      job_ = &job;
      wanted_ = helpers;
    }
    wake_.notify_all();
  }

  void wait_for_helpers(Job& job) {
    const auto idle = [this] { return busy_ == 0; };
    std::unique_lock lock(mutex_);
    wanted_ = 0;
    look_for(idle, lock);
    while (job.scope != nullptr && !idle_.wait_for(lock, CancellationScope::kInterval, idle)) {
      lock.unlock();
      job.ask();
      lock.lock();
    }
    idle_.wait(lock, idle);
    job_ = nullptr;
  }

  // Called before a thread goes to sleep.
  template <typename Condition>
  void look_for(const Condition& holds, std::unique_lock<std::mutex>& lock) {
    if (!has_cores_ || holds()) return;
    lock.unlock();
    spin_until(holds);
    lock.lock();
  }

  [[noreturn]] void serve() {
    const auto wanted = [this] { return wanted_ > 0; };
    std::unique_lock lock(mutex_);
    while (true) {
      look_for(wanted, lock);
      wake_.wait(lock, wanted);
      --wanted_;
      ++busy_;
      Job* job = job_;
      lock.unlock();
      job->work();
      lock.lock();
      if (--busy_ == 0) idle_.notify_one();
    }
  }

  std::mutex turn_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::vector<std::thread> workers_;
  Job* job_ = nullptr;
  bool has_cores_ = false;  // one for each thread of the last job
  // Written with the mutex held, read without it.
  std::atomic<std::size_t> wanted_{0};
  std::atomic<std::size_t> busy_{0};
};

// Held by a pointer, because a forked child has none of its parent's threads: it must leave the old
// pool alone (joining would wait for ever) and make a new one.
std::atomic<ThreadPool*> pool{nullptr};

ThreadPool& shared_pool() {
  static const int registered = pthread_atfork(nullptr, nullptr, [] { pool.store(nullptr); });
  static_cast<void>(registered);
  ThreadPool* existing = pool.load();
  if (existing != nullptr) return *existing;
  auto made = std::make_unique<ThreadPool>();
  if (pool.compare_exchange_strong(existing, made.get())) return *made.release();
  return *existing;
}

}  // namespace

void parallel_for(std::size_t count, unsigned threads,
                  const std::function<void(std::size_t)>& task) {
  const std::size_t most = std::min<std::size_t>(usable_threads(threads), count);
  const std::size_t helpers = most == 0 ? 0 : most - 1;
  Job job;
  job.task = &task;
  job.count = count;
  if (helpers == 0 || inside_task || !shared_pool().try_run(job, helpers)) job.work();
  if (!job.failure) return;
  throw_if_cancelled();  // throws the hook's exception, whatever helpers threw because of it
  std::rethrow_exception(job.failure);
}

}  // namespace meadow
