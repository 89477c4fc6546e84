// The core's own threads. OpenMP is not used because torch carries its own copy, and two run-times
// in one process compete for the cores.
#pragma once

#include <cstddef>
#include <functional>

#include "meadow/base/cancellation.h"
#include "meadow/base/cores.h"

namespace meadow {

// Runs task(0) ... task(count - 1) on at most usable_threads(threads) threads, including the
// caller's, with the floating-point environment of a new thread, and returns when all are done. The
// first exception that a task throws is thrown again here. Tasks must not depend on each other, nor
// on which thread runs them. A call from inside a task, or while another caller has the pool, runs
// its tasks on the calling thread alone. Between tasks, and while it waits for the others, the
// caller checks whether the call is cancelled; if so, no further task starts, and the hook's
// exception is thrown.
void parallel_for(std::size_t count, unsigned threads,
                  const std::function<void(std::size_t)>& task);

// A half-open range. Ranges are cut into blocks of a fixed size, so that the work of a block never
// depends on the number of threads.
struct Block {
  std::size_t begin;
  std::size_t end;
};

inline std::size_t block_count(std::size_t size, std::size_t block) noexcept {
  return size / block + (size % block != 0 ? 1 : 0);
}

inline Block nth_block(std::size_t n, std::size_t size, std::size_t block) noexcept {
  const std::size_t begin = n * block;
  return {begin, size - begin < block ? size : begin + block};
}

// Visits a range on this thread, block after block, and checks between blocks whether the call is
// cancelled: for loops over a whole weight, inside or outside a task.
template <typename Visit>
void for_each_block(Block range, const Visit& visit) {
  constexpr std::size_t kBlock = 1 << 16;
  const std::size_t size = range.end - range.begin;
  for (std::size_t n = 0; n < block_count(size, kBlock); ++n) {
    if (n != 0) throw_if_cancelled();
    const Block block = nth_block(n, size, kBlock);
    visit(Block{range.begin + block.begin, range.begin + block.end});
  }
}

}  // namespace meadow
