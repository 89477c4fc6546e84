#include "meadow/engine/attention.h"

#include <algorithm>
#include <atomic>

#include "meadow/kernels/isa.h"
#include "meadow/kernels/vector/vector.h"

namespace meadow {
namespace {

// The scores of one task take half of a small first-level cache; keys pass through the other half.
constexpr std::size_t kTaskScores = (16 << 10) / sizeof(float);
constexpr std::size_t kMostTokens = 16;

// One head for a block of tokens, with the positions that at least one of them sees.
struct Task {
  std::size_t head;
  Block tokens;
  Block seen;

  [[nodiscard]] std::size_t token_count() const noexcept { return tokens.end - tokens.begin; }
  [[nodiscard]] std::size_t width() const noexcept { return seen.end - seen.begin; }
};

// The same for both orders, whatever the number of threads.
class Tasks {
 public:
  explicit Tasks(const AttentionShape& shape)
      : shape_(shape),
        block_(std::clamp<std::size_t>(kTaskScores / shape.most_seen(), 1, kMostTokens)) {}

  [[nodiscard]] std::size_t count() const noexcept { return shape_.heads * blocks(); }

  // Heads that share keys follow each other.
  [[nodiscard]] Task nth(std::size_t n) const noexcept {
    const Block tokens = nth_block(n % blocks(), shape_.tokens, block_);
    return {n / blocks(),
            tokens,
            {shape_.seen_by(tokens.begin).begin, shape_.seen_by(tokens.end - 1).end}};
  }

  // The number of scores that a task has room for, including unseen positions.
  [[nodiscard]] std::size_t most_scores() const noexcept {
    const std::size_t tokens = std::min(block_, shape_.tokens);
    return tokens * std::min(shape_.context(), shape_.most_seen() + tokens);
  }

 private:
  [[nodiscard]] std::size_t blocks() const noexcept { return block_count(shape_.tokens, block_); }

  AttentionShape shape_;
  std::size_t block_;
};

// The three steps of a task. Row r of its scores is token tokens.begin + r, column c is position
// seen.begin + c; scores of positions that a token does not see are not touched.
class Steps {
 public:
  Steps(const Attention& attention, const kernels::VectorKernels& kernels)
      : attention_(attention), kernels_(kernels) {}

  void multiply_keys(const Task& task, float* scores, std::size_t stride) const noexcept {
    for_each_token(task, [&](std::size_t token, Block seen) {
      float* row = row_of(task, token, seen, scores, stride);
      kernels_.dots(attention_.queries + vector_at(token, task.head),
                    rows_of(attention_.keys, task.head, seen), attention_.scale, row);
      if (attention_.softcap != 0) {
        kernels_.softcap(row, seen.end - seen.begin, attention_.softcap);
      }
    });
  }

  void softmax(const Task& task, float* scores, std::size_t stride) const noexcept {
    for_each_token(task, [&](std::size_t token, Block seen) {
      kernels_.softmax(row_of(task, token, seen, scores, stride), seen.end - seen.begin);
    });
  }

  // Rows that all tokens of the task see are read once for several tokens, still in the order of
  // positions.
  void multiply_values(const Task& task, const float* scores, std::size_t stride) const noexcept {
    const Block first = attention_.shape.seen_by(task.tokens.begin);
    const Block last = attention_.shape.seen_by(task.tokens.end - 1);
    const Block common = {std::max(first.begin, last.begin),
                          std::max(first.end, std::max(first.begin, last.begin))};
    for_each_token(task, [&](std::size_t token, Block seen) {
      std::fill_n(attention_.outputs + vector_at(token, task.head), attention_.shape.head_dim,
                  0.0F);
      add_values(task, token, 1, {seen.begin, std::min(common.begin, seen.end)}, scores, stride);
    });
    add_values(task, task.tokens.begin, task.token_count(), common, scores, stride);
    for_each_token(task, [&](std::size_t token, Block seen) {
      add_values(task, token, 1, {std::max(common.end, seen.begin), seen.end}, scores, stride);
    });
  }

 private:
  // Positions [rows.begin, rows.end) for `count` tokens, if there are any.
  void add_values(const Task& task, std::size_t token, std::size_t count, Block rows,
                  const float* scores, std::size_t stride) const noexcept {
    if (rows.begin >= rows.end) return;
    const std::size_t out_stride = attention_.shape.heads * attention_.shape.head_dim;
    kernels_.add_weighted({count, row_of(task, token, rows, scores, stride), stride,
                           attention_.outputs + vector_at(token, task.head), out_stride},
                          rows_of(attention_.values, task.head, rows));
  }

  template <typename Visit>
  void for_each_token(const Task& task, const Visit& visit) const noexcept {
    for (std::size_t token = task.tokens.begin; token < task.tokens.end; ++token) {
      visit(token, attention_.shape.seen_by(token));
    }
  }

  template <typename T>
  [[nodiscard]] static T* row_of(const Task& task, std::size_t token, Block seen, T* scores,
                                 std::size_t stride) noexcept {
    return scores + (token - task.tokens.begin) * stride + (seen.begin - task.seen.begin);
  }

  [[nodiscard]] std::size_t vector_at(std::size_t token, std::size_t head) const noexcept {
    return (token * attention_.shape.heads + head) * attention_.shape.head_dim;
  }

  [[nodiscard]] kernels::HeadRows rows_of(const float* cache, std::size_t head,
                                          Block seen) const noexcept {
    const AttentionShape& shape = attention_.shape;
    const std::size_t kv_head = head / (shape.heads / shape.kv_heads);
    const std::size_t first = kv_head * attention_.capacity + seen.begin;
    return {cache + first * shape.head_dim, shape.head_dim, seen.end - seen.begin, shape.head_dim};
  }

  const Attention& attention_;
  const kernels::VectorKernels& kernels_;
};

// Below this number of multiply-adds, waking a thread costs more than it saves.
constexpr std::size_t kSerialWork = 1 << 16;

unsigned threads_for(const AttentionShape& shape, unsigned threads) {
  const std::size_t work = shape.heads * shape.tokens * shape.most_seen() * shape.head_dim;
  return work < kSerialWork ? 1 : threads;
}

void attend_fused(const Attention& attention, const Steps& steps, unsigned threads,
                  AttentionBuffers& buffers) {
  const Tasks tasks(attention.shape);
  const std::size_t workers = std::min<std::size_t>(usable_threads(threads), tasks.count());
  if (buffers.of_worker.size() < workers) buffers.of_worker.resize(workers);
  for (std::size_t worker = 0; worker < workers; ++worker) {
    RawVector<float>& scores = buffers.of_worker[worker];
    if (scores.size() < tasks.most_scores()) scores.resize(2 * tasks.most_scores());
  }
  std::atomic<std::size_t> next{0};
  parallel_for(workers, threads, [&](std::size_t worker) {
    float* scores = buffers.of_worker[worker].data();
    for (std::size_t n = next++; n < tasks.count(); n = next++) {
      throw_if_cancelled();
      const Task task = tasks.nth(n);
      steps.multiply_keys(task, scores, task.width());
      steps.softmax(task, scores, task.width());
      steps.multiply_values(task, scores, task.width());
    }
  });
}

std::size_t all_scores(const AttentionShape& shape) noexcept {
  return shape.heads * shape.tokens * shape.context();
}

void attend_unfused(const Attention& attention, const Steps& steps, unsigned threads,
                    AttentionBuffers& buffers) {
  const AttentionShape& shape = attention.shape;
  const Tasks tasks(shape);
  const std::size_t context = shape.context();
  buffers.scores.resize(all_scores(shape));
  const auto scores_of = [&](const Task& task) {
    return buffers.scores.data() + (task.head * shape.tokens + task.tokens.begin) * context;
  };
  const auto pass = [&](const auto& step) {
    parallel_for(tasks.count(), threads, [&](std::size_t n) {
      const Task task = tasks.nth(n);
      step(task, scores_of(task));
    });
  };
  pass([&](const Task& task, float* scores) { steps.multiply_keys(task, scores, context); });
  pass([&](const Task& task, float* scores) { steps.softmax(task, scores, context); });
  pass([&](const Task& task, float* scores) { steps.multiply_values(task, scores, context); });
}

}  // namespace

void attend(const Attention& attention, Dataflow dataflow, unsigned threads,
            AttentionBuffers& buffers) {
  const Steps steps(attention, kernels::vector_kernels(active_isa()));
  const unsigned used = threads_for(attention.shape, threads);
  if (dataflow == Dataflow::kTphs) return attend_fused(attention, steps, used, buffers);
  attend_unfused(attention, steps, used, buffers);
}

AttentionTraffic& AttentionTraffic::operator+=(const AttentionTraffic& other) noexcept {
  queries += other.queries;
  keys += other.keys;
  values += other.values;
  outputs += other.outputs;
  scores_written += other.scores_written;
  scores_read += other.scores_read;
  working_set = std::max(working_set, other.working_set);
  return *this;
}

AttentionTraffic attention_traffic(const AttentionShape& shape, Dataflow dataflow) {
  const Tasks tasks(shape);
  AttentionTraffic traffic;
  for (std::size_t n = 0; n < tasks.count(); ++n) {
    const Task task = tasks.nth(n);
    const std::size_t vectors = task.token_count() * shape.head_dim * sizeof(float);
    const std::size_t rows = task.width() * shape.head_dim * sizeof(float);
    std::size_t scores = 0;
    for (std::size_t token = task.tokens.begin; token < task.tokens.end; ++token) {
      const Block seen = shape.seen_by(token);
      scores += (seen.end - seen.begin) * sizeof(float);
    }
    traffic += {vectors, rows, rows, vectors, 0, 0, 0};
    if (dataflow == Dataflow::kTphs) continue;
    traffic += {0, 0, 0, 0, 2 * scores, 2 * scores, 0};  // Q.K writes, softmax does both, .V reads
  }
  traffic.working_set =
      (dataflow == Dataflow::kTphs ? tasks.most_scores() : all_scores(shape)) * sizeof(float);
  return traffic;
}

}  // namespace meadow
