#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <stdexcept>
#include <thread>

#include "meadow/base/thread_pool.h"
#include "support.h"

using namespace meadow;

TEST_CASE("pool: every task runs once") {
  for (const unsigned threads : {0U, 1U, 2U, 7U}) {
    for (const std::size_t count : {0UL, 1UL, 2UL, 1000UL}) {
      std::vector<std::atomic<int>> runs(count);
      parallel_for(count, threads, [&](std::size_t i) { ++runs[i]; });
      for (const auto& one : runs) REQUIRE(one == 1);
    }
  }
}

TEST_CASE("pool: an exception reaches the caller, and the pool goes on") {
  const auto failing = [](std::size_t i) {
    if (i == 17) throw std::runtime_error("seventeen");
  };
  CHECK_THROWS_WITH(parallel_for(100, 4, failing), "seventeen");
  std::atomic<int> sum{0};
  parallel_for(10, 4, [&](std::size_t i) { sum += static_cast<int>(i); });
  CHECK(sum == 45);
}

TEST_CASE("pool: nested calls and several callers at once") {
  std::atomic<int> inner{0};
  const auto nest = [&] {
    parallel_for(8, 3, [&](std::size_t) { parallel_for(8, 3, [&](std::size_t) { ++inner; }); });
  };
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) callers.emplace_back(nest);
  for (std::thread& caller : callers) caller.join();
  CHECK(inner == 4 * 64);
}

// ThreadSanitizer and qemu's user mode start no threads in the child of a process that had some.
#if !defined(__SANITIZE_THREAD__)
TEST_CASE("pool: a forked child makes its own") {
  if (std::getenv("MEADOW_IN_QEMU") != nullptr) return;
  std::atomic<int> before{0};
  parallel_for(8, 4, [&](std::size_t) { ++before; });
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<int> runs{0};
    parallel_for(64, 4, [&](std::size_t) { ++runs; });
    _exit(runs == 64 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
}
#endif

TEST_CASE("pool: a foolish number of threads is cut") {
  CHECK(usable_threads(1) == 1);
  CHECK(usable_threads(0) == hardware_threads());
  CHECK(usable_threads(1000000) <= std::max(8U, hardware_threads()));
}

TEST_CASE("pool: a block of any size is counted without overflow") {
  CHECK(block_count(10, ~std::size_t{0}) == 1);
  CHECK(block_count(0, ~std::size_t{0}) == 0);
}

TEST_CASE("pool: blocks cover a range without gaps") {
  for (const std::size_t size : {0UL, 1UL, 9UL, 10UL, 11UL}) {
    std::size_t next = 0;
    for (std::size_t n = 0; n < block_count(size, 5); ++n) {
      const Block block = nth_block(n, size, 5);
      CHECK(block.begin == next);
      CHECK(block.end > block.begin);
      next = block.end;
    }
    CHECK(next == size);
  }
}
