#include "meadow/engine/scratch.h"

#include <algorithm>

namespace meadow {
namespace {

void make_room(RawVector<float>& values, std::size_t count) {
  if (values.size() >= count) return;
  values = RawVector<float>();  // its old contents need not be moved
  values.resize(count);
}

// The width of the vectors before `project_in` and after `project_out`.
std::size_t narrow_width(const ModelWeights& weights) {
  std::size_t width = 0;
  if (weights.project_in) width = weights.project_in.columns();
  if (weights.project_out) width = std::max(width, weights.project_out.rows());
  return width;
}

}  // namespace

void Scratch::reserve(const ModelConfig& config, const ModelWeights& weights, std::size_t tokens) {
  for (RawVector<float>* of_hidden : {&x, &normed, &projected}) {
    make_room(*of_hidden, tokens * config.hidden);
  }
  for (RawVector<float>* of_query : {&queries, &attended}) {
    make_room(*of_query, tokens * config.query_width());
  }
  for (RawVector<float>* of_key : {&keys, &values}) make_room(*of_key, tokens * config.key_width());
  for (const LayerWeights& layer : weights.layers) {
    make_room(feed_forward, layer.feed_forward->scratch_size(tokens));
  }
  make_room(narrow, tokens * narrow_width(weights));
  if (config.position == PositionKind::kRotary) {
    const std::size_t angles = config.rotary.kinds() * tokens * (config.rotary.dim / 2);
    make_room(cosines, angles);
    make_room(sines, angles);
  }
}

}  // namespace meadow
