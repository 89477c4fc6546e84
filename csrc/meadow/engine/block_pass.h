// One block of tokens on its way through the layers.
#pragma once

#include <algorithm>
#include <cstddef>

#include "meadow/base/thread_pool.h"
#include "meadow/engine/attention.h"
#include "meadow/engine/config.h"
#include "meadow/engine/kv_cache.h"
#include "meadow/engine/scratch.h"
#include "meadow/kernels/vector/vector.h"

namespace meadow {

// The data that every step for a block of tokens needs.
struct BlockPass {
  const ModelConfig& config;
  const kernels::VectorKernels& kernels;
  KvCache& cache;
  Scratch& scratch;
  std::size_t tokens;
  std::size_t start;  // position of the first of them
  Dataflow dataflow;
  unsigned threads;
};

// Visits every token, on several threads if there are many elements. Tokens do not depend on each
// other, so results do not depend on the number of threads.
template <typename Visit>
void for_each_token(const BlockPass& pass, std::size_t elements_of_token, const Visit& visit) {
  // Waking a thread costs as much as some 10^4 elements.
  constexpr std::size_t kElements = 1 << 14;
  const std::size_t of_task = std::max<std::size_t>(kElements / (1 + elements_of_token), 1);
  const auto visit_block = [&](Block block) {
    for (std::size_t token = block.begin; token < block.end; ++token) visit(token);
  };
  if (pass.tokens <= of_task) return visit_block({0, pass.tokens});
  parallel_for(block_count(pass.tokens, of_task), pass.threads,
               [&](std::size_t n) { visit_block(nth_block(n, pass.tokens, of_task)); });
}

}  // namespace meadow
