// Attention of new tokens over a cache, one head at a time, in either of two orders with the same
// results, bit for bit:
//
// - tphs, MEADOW's token-parallel head-sequential order: a task computes Q.K, softmax and .V of one
//   head for a block of tokens, and its scores never leave the core's cache;
// - gemm, the unfused order: all scores of all heads go to a buffer, then softmax over the buffer,
//   then .V.
//
// The output of a token depends only on its query and on the keys and values it sees, not on the
// order, the blocks or the threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "meadow/base/raw_vector.h"
#include "meadow/base/thread_pool.h"

namespace meadow {

enum class Dataflow { kTphs, kGemm };

struct AttentionShape {
  std::size_t heads;
  std::size_t kv_heads;
  std::size_t head_dim;
  std::size_t tokens;  // new ones
  std::size_t start;   // position of the first of them; keys 0 ... start + tokens - 1 are present
  std::size_t window;  // 0: all; w: a token sees itself and the w - 1 before it

  [[nodiscard]] std::size_t context() const noexcept { return start + tokens; }
  // The most positions that a token sees.
  [[nodiscard]] std::size_t most_seen() const noexcept {
    return window == 0 || context() < window ? context() : window;
  }
  // The positions a token sees.
  [[nodiscard]] Block seen_by(std::size_t token) const noexcept {
    const std::size_t end = start + token + 1;
    return {window == 0 || end < window ? 0 : end - window, end};
  }
};

struct Attention {
  AttentionShape shape;
  float scale;
  float softcap;         // 0: none
  std::size_t capacity;  // of the cache
  const float* queries;  // [tokens, heads, head_dim]
  const float* keys;     // [kv_heads, capacity, head_dim]
  const float* values;   // [kv_heads, capacity, head_dim]
  float* outputs;        // [tokens, heads, head_dim]
};

// Scores between the steps; reused from one call to the next.
struct AttentionBuffers {
  std::vector<RawVector<float>> of_worker;  // tphs: the scores of one task each
  RawVector<float> scores;                  // gemm: [heads, tokens, context]
};

void attend(const Attention& attention, Dataflow dataflow, unsigned threads,
            AttentionBuffers& buffers);

// The bytes that attention moves between its steps, counted task by task, as attend() divides them.
struct AttentionTraffic {
  std::uint64_t queries = 0;         // read
  std::uint64_t keys = 0;            // read
  std::uint64_t values = 0;          // read
  std::uint64_t outputs = 0;         // written
  std::uint64_t scores_written = 0;  // to the buffer that all cores share: none in tphs
  std::uint64_t scores_read = 0;
  std::uint64_t working_set = 0;  // scores held at once: by one core in tphs, by all in gemm

  AttentionTraffic& operator+=(const AttentionTraffic& other) noexcept;
};

AttentionTraffic attention_traffic(const AttentionShape& shape, Dataflow dataflow);

}  // namespace meadow
