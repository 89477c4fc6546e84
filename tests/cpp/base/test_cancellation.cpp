#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include "meadow/base/cancellation.h"
#include "meadow/base/thread_pool.h"
#include "support.h"

using namespace meadow;
using namespace std::chrono_literals;

namespace {

struct Stop : std::runtime_error {
  Stop() : std::runtime_error("stop") {}
};

// Throws at its n-th call, counted from 1; 0: never.
class StopAt {
 public:
  explicit StopAt(int n) : n_(n) {}
  void operator()() {
    REQUIRE(std::this_thread::get_id() == owner_);
    if (++calls_ == n_) throw Stop();
  }
  [[nodiscard]] int calls() const { return calls_; }

 private:
  std::thread::id owner_ = std::this_thread::get_id();
  int n_;
  int calls_ = 0;
};

void wait_until_cancelled() {
  while (true) {
    throw_if_cancelled();
    std::this_thread::sleep_for(1ms);
  }
}

void check_that_the_pool_works() {
  std::atomic<int> sum{0};
  parallel_for(100, 4, [&](std::size_t i) { sum += static_cast<int>(i); });
  CHECK(sum == 4950);
}

}  // namespace

TEST_CASE("cancellation: without a scope nothing is asked") {
  CHECK(CancellationScope::current() == nullptr);
  CHECK_NOTHROW(throw_if_cancelled());
}

TEST_CASE("cancellation: the hook is asked no oftener than its interval") {
  StopAt hook(1);
  const CancellationScope scope(std::ref(hook), 1h);
  for (int i = 0; i < 1000; ++i) throw_if_cancelled();
  parallel_for(1000, 2, [](std::size_t) { throw_if_cancelled(); });
  CHECK(hook.calls() == 0);
}

TEST_CASE("cancellation: what the hook threw is thrown ever after, and it is asked no more") {
  StopAt hook(2);
  {
    const CancellationScope scope(std::ref(hook), 0s);
    CHECK_NOTHROW(throw_if_cancelled());
    for (int i = 0; i < 3; ++i) CHECK_THROWS_AS(throw_if_cancelled(), Stop);
    CHECK_THROWS_AS(parallel_for(10, 2, [](std::size_t) {}), Stop);
    CHECK(hook.calls() == 2);
  }
  CHECK_NOTHROW(throw_if_cancelled());
}

TEST_CASE("cancellation: the innermost scope is asked") {
  StopAt outer_hook(1);
  const CancellationScope outer(std::ref(outer_hook), 0s);
  {
    StopAt hook(0);
    const CancellationScope inner(std::ref(hook), 0s);
    CHECK_NOTHROW(throw_if_cancelled());
    CHECK(hook.calls() == 1);
  }
  CHECK(CancellationScope::current() == &outer);
  CHECK_THROWS_AS(throw_if_cancelled(), Stop);
}

TEST_CASE("cancellation: no further task starts, whatever the number of threads") {
  constexpr std::size_t kCount = 1000000;
  for (int round = 0; round < 5; ++round) {
    for (unsigned threads = 1; threads <= 8; ++threads) {
      StopAt hook(5);
      std::atomic<std::size_t> runs{0};
      {
        const CancellationScope scope(std::ref(hook), 0s);
        const auto slow = [&](std::size_t) {
          ++runs;
          std::this_thread::sleep_for(10us);
        };
        CHECK_THROWS_AS(parallel_for(kCount, threads, slow), Stop);
      }
      CHECK(runs < kCount);
      check_that_the_pool_works();
    }
  }
}

TEST_CASE("cancellation: reaches the tasks of helpers while the caller waits for them") {
  for (int round = 0; round < 5; ++round) {
    const auto caller = std::this_thread::get_id();
    std::atomic<bool> helped{false};
    StopAt hook(2);
    const CancellationScope scope(
        [&] {
          if (helped) hook();
        },
        0s);
    const auto endless_for_helpers = [&](std::size_t) {
      if (std::this_thread::get_id() != caller) {
        helped = true;
        wait_until_cancelled();
      }
      while (!helped) std::this_thread::sleep_for(1ms);
    };
    CHECK_THROWS_AS(parallel_for(2, 2, endless_for_helpers), Stop);
  }
  check_that_the_pool_works();
}

TEST_CASE("cancellation: reaches nested work on every thread") {
  for (unsigned threads = 1; threads <= 8; ++threads) {
    StopAt hook(20);
    const CancellationScope scope(std::ref(hook), 0s);
    const auto nested = [&](std::size_t) {
      parallel_for(4, threads, [](std::size_t) { wait_until_cancelled(); });
    };
    CHECK_THROWS_AS(parallel_for(8, threads, nested), Stop);
  }
  check_that_the_pool_works();
}

TEST_CASE("cancellation: of one caller leaves the others alone") {
  std::atomic<bool> begun{false};
  std::atomic<int> runs{0};
  std::thread other([&] {
    StopAt never(0);
    const CancellationScope scope(std::ref(never), 0s);
    parallel_for(300, 3, [&](std::size_t) {
      begun = true;
      throw_if_cancelled();
      std::this_thread::sleep_for(1ms);
      ++runs;
    });
  });
  while (!begun) std::this_thread::sleep_for(1ms);
  StopAt hook(3);
  const CancellationScope scope(std::ref(hook), 0s);
  CHECK_THROWS_AS(parallel_for(10, 3, [](std::size_t) { wait_until_cancelled(); }), Stop);
  other.join();
  CHECK(runs == 300);
}

TEST_CASE("cancellation: a task's own error is not taken for one") {
  StopAt never(0);
  const CancellationScope scope(std::ref(never), 0s);
  const auto failing = [](std::size_t i) {
    if (i == 17) throw std::runtime_error("seventeen");
  };
  CHECK_THROWS_WITH(parallel_for(100, 4, failing), "seventeen");
  CHECK_NOTHROW(throw_if_cancelled());
}

TEST_CASE("cancellation: a hook may use the pool, whoever has it") {
  int sums = 0;
  const CancellationScope scope(
      [&] {
        const WorkingFor nobody(nullptr);
        check_that_the_pool_works();
        ++sums;
      },
      0s);
  parallel_for(50, 4, [](std::size_t) { std::this_thread::sleep_for(100us); });
  throw_if_cancelled();
  CHECK(sums > 1);
}

TEST_CASE("cancellation: blocks of one thread cover their range, and ask between them") {
  for (const std::size_t size : {0UL, 1UL, 65536UL, 65537UL, 1000000UL}) {
    StopAt hook(0);
    const CancellationScope scope(std::ref(hook), 0s);
    std::size_t next = 7;
    for_each_block({7, 7 + size}, [&](Block block) {
      CHECK(block.begin == next);
      next = block.end;
    });
    CHECK(next == 7 + size);
    CHECK(hook.calls() == std::max(0, static_cast<int>(block_count(size, 65536)) - 1));
  }
}
