// The weights of a model, each in its place. Their shapes are checked against the config once,
// here; after that nothing looks at a name or a shape again.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "meadow/engine/config.h"
#include "meadow/engine/feed_forward.h"
#include "meadow/engine/linear.h"
#include "meadow/engine/weight_taker.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

struct Norm {
  std::vector<float> weight;  // [width]; empty: not scaled
  std::vector<float> bias;    // [width]; empty: nothing added

  [[nodiscard]] bool is_empty() const noexcept { return weight.empty() && bias.empty(); }
};

struct LayerWeights {
  Norm attention_norm;       // [hidden]; before attention, or after it if norms are "post"
  Linear q;                  // [heads * head_dim, hidden]
  Linear k;                  // [kv_heads * head_dim, hidden]
  Linear v;                  // [kv_heads * head_dim, hidden]
  Norm q_norm;               // [head_dim], RMS of every head; empty: queries are not normalised
  Norm k_norm;               // [head_dim]
  Linear o;                  // [hidden, heads * head_dim]
  Norm attention_post_norm;  // [hidden], sandwich
  Norm mlp_norm;             // [hidden]
  std::unique_ptr<const FeedForward> feed_forward;
  Norm mlp_post_norm;  // [hidden], sandwich
};

struct ModelWeights {
  std::shared_ptr<const Matrix> embedding;  // [vocab, width]
  std::shared_ptr<const Matrix> positions;  // [positions + offset or more, hidden], if learned
  Linear project_in;                        // [hidden, width], if width is not hidden: OPT-350m
  std::vector<LayerWeights> layers;
  Norm final_norm;     // [hidden]; empty: no norm at all
  Linear project_out;  // [head width, hidden], or none
  Linear head;         // [vocab, hidden or head width]; tied: the embedding itself

  std::size_t parameters = 0;  // values of all matrices; a shared one counts once
  // The bytes of all weights, including vectors, that decoding one token reads: one row of the
  // embedding and one of the positions, and everything else once.
  std::size_t bytes_per_token = 0;
};

// Throws InvalidArgument for a name that is missing or unknown, and for a shape that disagrees with
// the config. `config` has been checked.
ModelWeights take_weights(const ModelConfig& config, Matrices matrices, Vectors vectors,
                          const MakeFeedForward& make_feed_forward = dense_feed_forward);

}  // namespace meadow
