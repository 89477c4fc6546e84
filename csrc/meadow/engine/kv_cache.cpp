#include "meadow/engine/kv_cache.h"

#include <string>

#include "meadow/base/error.h"

namespace meadow {

KvCache::KvCache(const ModelConfig& config, std::size_t capacity) : capacity_(capacity) {
  if (capacity == 0 || capacity > config.positions) {
    invalid("cache capacity: expected 1 to " + std::to_string(config.positions) +
            " tokens, the positions of the model, found " + std::to_string(capacity));
  }
  layers_.resize(config.layers);
  for (Layer& layer : layers_) {
    layer.keys.resize(config.key_width() * capacity);
    layer.values.resize(config.key_width() * capacity);
  }
}

std::size_t KvCache::bytes() const noexcept {
  std::size_t floats = 0;
  for (const Layer& layer : layers_) floats += layer.keys.size() + layer.values.size();
  return floats * sizeof(float);
}

void KvCache::truncate(std::size_t length) {
  if (length > length_) {
    invalid("cache truncate: expected a length of at most " + std::to_string(length_) + ", found " +
            std::to_string(length));
  }
  length_ = length;
}

}  // namespace meadow
