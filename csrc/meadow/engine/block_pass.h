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

// What every step for a block of tokens needs to know.
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

// Visits every token, on several threads if their elements are many. Tokens do not depend on each
// other, so neither do results on the number of threads.
template <typename Visit>
void for_each_token(const BlockPass& pass, std::size_t elements_of_token, const Visit& visit) {
  // What waking a thread costs is worth some 10^4 elements.
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
