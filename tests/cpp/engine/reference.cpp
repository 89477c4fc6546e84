#include "engine/reference.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace meadow::test {
namespace {

std::string named(std::size_t layer, const std::string& name) {
  return "layers." + std::to_string(layer) + "." + name;
}

double activated(kernels::Nonlinearity nonlinearity, double x) {
  using kernels::Nonlinearity;
  const double root = std::sqrt(2 / std::numbers::pi);
  switch (nonlinearity) {
    case Nonlinearity::kRelu:
      return std::max(x, 0.0);
    case Nonlinearity::kGelu:
      return x * std::erfc(-x / std::numbers::sqrt2) / 2;
    case Nonlinearity::kGeluTanh:
      return x * (1 + std::tanh(root * (x + 0.044715 * x * x * x))) / 2;
    default:
      return x / (1 + std::exp(-x));
  }
}

double capped(double x, float cap) { return cap == 0 ? x : cap * std::tanh(x / double{cap}); }

Values rms(const Values& x, double eps) {
  double squares = 0;
  for (const double value : x) squares += value * value;
  Values out = x;
  for (double& value : out) value /= std::sqrt(squares / static_cast<double>(x.size()) + eps);
  return out;
}

Values centred(const Values& x) {
  double sum = 0;
  for (const double value : x) sum += value;
  Values out = x;
  for (double& value : out) value -= sum / static_cast<double>(x.size());
  return out;
}

Rows sum(const Rows& a, const Rows& b) {
  Rows out = a;
  for (std::size_t t = 0; t < a.size(); ++t) {
    for (std::size_t i = 0; i < a[t].size(); ++i) out[t][i] += b[t][i];
  }
  return out;
}

}  // namespace

Values Reference::row(const std::string& table, std::size_t index) const {
  const Table& found = model_.tables.at(table);
  const float* first = found.values.data() + index * found.columns;
  return {first, first + found.columns};
}

Rows Reference::linear(const std::string& name, const Rows& x) const {
  const Table& table = model_.tables.at(name);
  const auto bias = model_.vectors.find(name + ".bias");
  Rows out(x.size(), Values(table.rows));
  for (std::size_t t = 0; t < x.size(); ++t) {
    for (std::size_t r = 0; r < table.rows; ++r) {
      double& y = out[t][r];
      if (bias != model_.vectors.end()) y = bias->second[r];
      const Values weights = row(name, r);
      for (std::size_t c = 0; c < table.columns; ++c) y += weights[c] * x[t][c];
    }
  }
  return out;
}

Rows Reference::norm(const std::string& name, const Rows& x) const {
  const auto weight = model_.vectors.find(name + ".weight");
  const auto bias = model_.vectors.find(name + ".bias");
  Rows out;
  for (const Values& values : x) {
    Values y = rms(config_.norm == NormKind::kLayer ? centred(values) : values, config_.norm_eps);
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (weight != model_.vectors.end()) y[i] *= weight->second[i];
      if (bias != model_.vectors.end()) y[i] += bias->second[i];
    }
    out.push_back(y);
  }
  return out;
}

Rows Reference::embedded(const std::vector<std::int32_t>& tokens) const {
  Rows x;
  for (const std::int32_t token : tokens) {
    x.push_back(row("embedding", static_cast<std::size_t>(token)));
    for (double& value : x.back()) value *= config_.embedding_scale;
  }
  if (model_.tables.count("project_in") != 0) x = linear("project_in", x);
  if (config_.position != PositionKind::kLearned) return x;
  Rows positions;
  for (std::size_t t = 0; t < x.size(); ++t) {
    positions.push_back(row("positions", t + config_.position_offset));
  }
  return sum(x, positions);
}

void Reference::rotate(Values& head, std::size_t position, std::size_t layer) const {
  const RotaryConfig& rotary = config_.rotary;
  if (config_.position != PositionKind::kRotary) return;
  if (rotary.of_layer[layer] == RotaryConfig::kNoKind) return;
  const auto kind = static_cast<std::size_t>(rotary.of_layer[layer]);
  const std::size_t half = rotary.dim / 2;
  for (std::size_t i = 0; i < half; ++i) {
    const double angle =
        static_cast<double>(position) * double{rotary.frequencies[kind * half + i]};
    const double cosine = std::cos(angle) * double{rotary.scales[kind]};
    const double sine = std::sin(angle) * double{rotary.scales[kind]};
    double& a = head[rotary.interleaved ? 2 * i : i];
    double& b = head[rotary.interleaved ? 2 * i + 1 : i + half];
    const double first = a * cosine - b * sine;
    b = b * cosine + a * sine;
    a = first;
  }
}

Rows Reference::finished_heads(const Rows& x, const std::string& norm, std::size_t layer) const {
  const auto weight = model_.vectors.find(norm + ".weight");
  const std::size_t width = config_.head_dim;
  Rows out;
  for (std::size_t t = 0; t < x.size(); ++t) {
    Values finished;
    for (std::size_t at = 0; at < x[t].size(); at += width) {
      const auto first = x[t].begin() + static_cast<std::ptrdiff_t>(at);
      Values head(first, first + static_cast<std::ptrdiff_t>(width));
      if (weight != model_.vectors.end()) {
        head = rms(head, config_.norm_eps);
        for (std::size_t i = 0; i < width; ++i) head[i] *= weight->second[i];
      }
      rotate(head, t, layer);
      finished.insert(finished.end(), head.begin(), head.end());
    }
    out.push_back(finished);
  }
  return out;
}

Values Reference::head_attention(const Rows& q, const Rows& k, const Rows& v, std::size_t token,
                                 std::size_t head, std::size_t layer) const {
  const std::size_t width = config_.head_dim;
  const std::size_t q_at = head * width;
  const std::size_t k_at = head / config_.heads_per_key() * width;
  Values out(width);
  double total = 0;
  for (std::size_t t = 0; t <= token; ++t) {
    const std::size_t window = config_.windows[layer];
    if (window != 0 && token - t >= window) continue;
    double dot = 0;
    for (std::size_t i = 0; i < width; ++i) dot += q[token][q_at + i] * k[t][k_at + i];
    const double weight =
        std::exp(capped(dot * config_.attention_scale, config_.attention_softcap));
    total += weight;
    for (std::size_t i = 0; i < width; ++i) out[i] += weight * v[t][k_at + i];
  }
  for (double& value : out) value /= total;
  return out;
}

Rows Reference::attention(const Rows& x, std::size_t layer) const {
  const Rows q = finished_heads(linear(named(layer, "q"), x), named(layer, "q_norm"), layer);
  const Rows k = finished_heads(linear(named(layer, "k"), x), named(layer, "k_norm"), layer);
  const Rows v = linear(named(layer, "v"), x);
  Rows out(x.size());
  for (std::size_t t = 0; t < x.size(); ++t) {
    for (std::size_t head = 0; head < config_.heads; ++head) {
      const Values one = head_attention(q, k, v, t, head, layer);
      out[t].insert(out[t].end(), one.begin(), one.end());
    }
  }
  return linear(named(layer, "o"), out);
}

Rows Reference::mlp(const Rows& x, std::size_t layer) const {
  Rows up = linear(named(layer, "up"), x);
  const Rows gate = config_.gated ? linear(named(layer, "gate"), x) : up;
  for (std::size_t t = 0; t < up.size(); ++t) {
    for (std::size_t i = 0; i < up[t].size(); ++i) {
      const double active = activated(config_.nonlinearity, gate[t][i]);
      up[t][i] = config_.gated ? active * up[t][i] : active;
    }
  }
  return linear(named(layer, "down"), up);
}

Rows Reference::after_layer(const Rows& x, std::size_t layer) const {
  const std::string first = named(layer, "attention_norm");
  const std::string second = named(layer, "mlp_norm");
  if (config_.parallel) {
    return sum(x, sum(attention(norm(first, x), layer), mlp(norm(second, x), layer)));
  }
  if (config_.norm_placement == NormPlacement::kPost) {
    const Rows middle = norm(first, sum(x, attention(x, layer)));
    return norm(second, sum(middle, mlp(middle, layer)));
  }
  const bool sandwich = config_.norm_placement == NormPlacement::kSandwich;
  Rows half = attention(norm(first, x), layer);
  if (sandwich) half = norm(named(layer, "attention_post_norm"), half);
  const Rows middle = sum(x, half);
  half = mlp(norm(second, middle), layer);
  if (sandwich) half = norm(named(layer, "mlp_post_norm"), half);
  return sum(middle, half);
}

Rows Reference::logits(const std::vector<std::int32_t>& tokens) const {
  Rows x = embedded(tokens);
  for (std::size_t layer = 0; layer < config_.layers; ++layer) x = after_layer(x, layer);
  if (model_.vectors.count("final_norm.weight") + model_.vectors.count("final_norm.bias") != 0) {
    x = norm("final_norm", x);
  }
  if (model_.tables.count("project_out") != 0) x = linear("project_out", x);
  Rows out = linear("head", x);
  for (Values& values : out) {
    for (double& value : values) value = capped(value, config_.logit_softcap);
  }
  return out;
}

}  // namespace meadow::test
