#include "meadow/measure/read.h"

#include <vector>

#include "meadow/base/thread_pool.h"
#include "meadow/kernels/isa.h"
#include "meadow/kernels/stream/stream.h"

namespace meadow {
namespace {

// The words of a task: each stream has a little more than 2 MiB, so that a thread's streams neither
// share the sets of a cache nor reach the ends of their pages at the same time.
constexpr std::size_t kWordsOfStream = (1 << 18) + 512 + 72;
constexpr std::size_t kWordsOfTask = kernels::kStreams * kWordsOfStream;

}  // namespace

std::uint64_t read_words(std::span<const std::uint64_t> words, unsigned threads) {
  const kernels::StreamKernels& kernels = kernels::stream_kernels(active_isa());
  std::vector<std::uint64_t> sums(block_count(words.size(), kWordsOfTask));
  parallel_for(sums.size(), threads, [&](std::size_t n) {
    const Block block = nth_block(n, words.size(), kWordsOfTask);
    sums[n] = kernels.read(words.data() + block.begin, block.end - block.begin);
  });
  std::uint64_t sum = 0;
  for (const std::uint64_t one : sums) sum ^= one;
  return sum;
}

}  // namespace meadow
