#include "meadow/engine/config.h"

#include <cmath>

#include "meadow/base/error.h"

namespace meadow {
namespace {

// No product of two sizes overflows 64 bits, and no model that could exist is refused.
constexpr std::size_t kLargest = (std::size_t{1} << 31) - 1;
constexpr std::size_t kMostLayers = std::size_t{1} << 16;

[[noreturn]] void refuse(const std::string& field, const std::string& expected,
                         const std::string& found) {
  invalid("config " + field + ": expected " + expected + ", found " + found);
}

void check_size(const std::string& field, std::size_t value, std::size_t most = kLargest) {
  if (value >= 1 && value <= most) return;
  refuse(field, "1 to " + std::to_string(most), std::to_string(value));
}

void check_finite(const std::string& field, float value, bool from_zero) {
  if (std::isfinite(value) && (!from_zero || value >= 0)) return;
  refuse(field, from_zero ? "a finite number of at least 0" : "a finite number",
         std::to_string(value));
}

void check_count(const std::string& field, std::size_t found, std::size_t expected) {
  if (found == expected) return;
  refuse(field, std::to_string(expected) + " values", std::to_string(found));
}

void check_sizes(const ModelConfig& config) {
  check_size("layers", config.layers, kMostLayers);
  check_size("hidden", config.hidden);
  check_size("heads", config.heads);
  check_size("kv_heads", config.kv_heads);
  check_size("head_dim", config.head_dim);
  check_size("heads * head_dim", config.query_width());
  check_size("intermediate", config.intermediate);
  check_size("vocab", config.vocab);
  check_size("positions", config.positions);
  if (config.position_offset > kLargest) {
    refuse("position_offset", "at most " + std::to_string(kLargest),
           std::to_string(config.position_offset));
  }
  if (config.heads % config.kv_heads != 0) {
    refuse("kv_heads", "a divisor of " + std::to_string(config.heads) + " heads",
           std::to_string(config.kv_heads));
  }
}

void check_rotary(const RotaryConfig& rotary, const ModelConfig& config) {
  if (rotary.dim == 0 || rotary.dim % 2 != 0 || rotary.dim > config.head_dim) {
    refuse("rotary_dim", "an even number from 2 to head_dim " + std::to_string(config.head_dim),
           std::to_string(rotary.dim));
  }
  if (rotary.kinds() == 0) refuse("rotary_scale", "one value or more", "none");
  check_count("rotary_frequencies", rotary.frequencies.size(), rotary.kinds() * (rotary.dim / 2));
  for (const float frequency : rotary.frequencies) {
    check_finite("rotary_frequencies", frequency, false);
  }
  for (const float scale : rotary.scales) check_finite("rotary_scale", scale, false);
  check_count("rotary_of_layer", rotary.of_layer.size(), config.layers);
  for (const int kind : rotary.of_layer) {
    if (kind >= RotaryConfig::kNoKind && kind < static_cast<int>(rotary.kinds())) continue;
    refuse("rotary_of_layer", "-1 (none) or a kind below " + std::to_string(rotary.kinds()),
           std::to_string(kind));
  }
}

}  // namespace

void check_config(const ModelConfig& config) {
  check_sizes(config);
  check_count("windows", config.windows.size(), config.layers);
  check_finite("norm_eps", config.norm_eps, true);
  check_finite("attention_scale", config.attention_scale, false);
  check_finite("attention_softcap", config.attention_softcap, true);
  check_finite("logit_softcap", config.logit_softcap, true);
  check_finite("embedding_scale", config.embedding_scale, false);
  if (config.parallel && config.norm_placement != NormPlacement::kPre) {
    refuse("norm_placement", "'pre' where attention and MLP are parallel", "another");
  }
  if (config.position == PositionKind::kRotary) check_rotary(config.rotary, config);
}

}  // namespace meadow
