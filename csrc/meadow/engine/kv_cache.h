// The keys and values of all tokens so far, for every layer, in F32. The rows of one head lie one
// after another, so that attention reads memory in order.
#pragma once

#include <atomic>
#include <cstddef>
#include <vector>

#include "meadow/base/raw_vector.h"
#include "meadow/engine/config.h"

namespace meadow {

class KvCache {
 public:
  // Throws InvalidArgument unless 1 <= capacity <= config.positions.
  KvCache(const ModelConfig& config, std::size_t capacity);

  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] std::size_t length() const noexcept { return length_; }
  // Reserved bytes; the system provides the memory when a token first needs it.
  [[nodiscard]] std::size_t bytes() const noexcept;

  // Forgets all tokens but the first `length`.
  void truncate(std::size_t length);
  // Called after the keys and values of `count` more tokens were written.
  void extend(std::size_t count) noexcept { length_ += count; }

  // [kv_heads, capacity, head_dim]
  [[nodiscard]] float* keys(std::size_t layer) noexcept { return layers_[layer].keys.data(); }
  [[nodiscard]] float* values(std::size_t layer) noexcept { return layers_[layer].values.data(); }

 private:
  struct Layer {
    RawVector<float> keys;
    RawVector<float> values;
  };

  std::size_t capacity_;
  std::atomic<std::size_t> length_{0};  // other threads may read it during a call
  std::vector<Layer> layers_;
};

}  // namespace meadow
