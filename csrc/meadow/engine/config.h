// The configuration of a decoder-only transformer: its sizes and the variant of each of its parts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "meadow/kernels/vector/vector.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

enum class NormKind { kLayer, kRms };

enum class NormPlacement {
  kPre,       // x + half(norm(x))
  kPost,      // norm(x + half(x)): OPT-350m
  kSandwich,  // x + post_norm(half(norm(x))): Gemma 2 and 3
};

enum class PositionKind { kNone, kLearned, kRotary };

// Rotary embeddings rotate the first `dim` floats of every query and key by position * frequency.
struct RotaryConfig {
  static constexpr int kNoKind = -1;

  std::size_t dim = 0;
  bool interleaved = false;        // pairs (2 i, 2 i + 1); otherwise (i, i + dim / 2)
  std::vector<float> frequencies;  // [kinds, dim / 2], radians per position, scaling applied
  std::vector<float> scales;       // [kinds], a factor on cosines and sines
  std::vector<int> of_layer;       // [layers], a kind, or kNoKind for a layer without positions

  [[nodiscard]] std::size_t kinds() const noexcept { return scales.size(); }
};

struct ModelConfig {
  std::size_t layers = 0;
  std::size_t hidden = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;  // divides heads
  std::size_t head_dim = 0;
  std::size_t intermediate = 0;
  std::size_t vocab = 0;
  std::size_t positions = 0;  // the longest context

  NormKind norm = NormKind::kRms;
  float norm_eps = 0;
  NormPlacement norm_placement = NormPlacement::kPre;
  kernels::Nonlinearity nonlinearity = kernels::Nonlinearity::kSilu;
  InputRounding input_rounding = InputRounding::kNone;  // for products with float weights
  bool gated = false;  // down(nonlinearity(gate(x)) * up(x)); otherwise down(nonlinearity(up(x)))
  bool parallel = false;  // attention and MLP read the same residual: GPT-NeoX

  PositionKind position = PositionKind::kNone;
  std::size_t position_offset = 0;  // added to a learned position: 2 in OPT
  RotaryConfig rotary;

  float attention_scale = 0;
  std::vector<std::size_t> windows;  // [layers], 0: all; w: a token and w - 1 before it are seen
  float attention_softcap = 0;       // 0: none
  float logit_softcap = 0;           // 0: none
  float embedding_scale = 1;

  [[nodiscard]] std::size_t query_width() const noexcept { return heads * head_dim; }
  [[nodiscard]] std::size_t key_width() const noexcept { return kv_heads * head_dim; }
  [[nodiscard]] std::size_t heads_per_key() const noexcept { return heads / kv_heads; }
};

// Throws InvalidArgument for sizes and choices that do not describe a model.
void check_config(const ModelConfig& config);

}  // namespace meadow
