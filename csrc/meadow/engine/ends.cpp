#include "meadow/engine/ends.h"

#include <atomic>
#include <cmath>
#include <cstring>
#include <string>

#include "meadow/base/error.h"

namespace meadow {
namespace {

void add_positions(const BlockPass& pass, const Matrix& positions) {
  const ModelConfig& config = pass.config;
  float* row = pass.scratch.normed.data();  // not in use yet
  for_each_token(pass, config.hidden, [&](std::size_t token) {
    const std::size_t at = token * config.hidden;
    positions.read_row(pass.start + token + config.position_offset, row + at);
    pass.kernels.add(pass.scratch.x.data() + at, row + at, config.hidden);
  });
}

void project(const BlockPass& pass, const Linear& linear, std::size_t count, const float* from,
             float* to) {
  const LinearProduct product{&linear, from, to};
  multiply_all(pass, {&product, 1}, count);
  product.finish_all(pass, count);
}

// Final norm, to scratch.normed from its beginning.
void normalise_end(const BlockPass& pass, const Norm& norm, Block rows) {
  const std::size_t width = pass.config.hidden;
  for (std::size_t token = rows.begin; token < rows.end; ++token) {
    const float* x = pass.scratch.x.data() + token * width;
    float* to = pass.scratch.normed.data() + (token - rows.begin) * width;
    if (norm.is_empty()) {
      std::memcpy(to, x, width * sizeof(float));
    } else {
      apply_norm(pass, norm, x, to);
    }
  }
}

bool holds_nan(const float* values, std::size_t count) noexcept {
  bool found = false;
  for (std::size_t i = 0; i < count; ++i) found |= std::isnan(values[i]);
  return found;
}

// Completes the product, applies the softcap and checks for NaN.
void finish_logits(const BlockPass& pass, const LinearProduct& head, Block rows) {
  const ModelConfig& config = pass.config;
  constexpr std::size_t kNone = ~std::size_t{0};
  std::atomic<std::size_t> first{kNone};
  parallel_for(rows.end - rows.begin, pass.threads, [&](std::size_t n) {
    float* row = head.finish(pass, n);
    if (config.logit_softcap != 0) pass.kernels.softcap(row, config.vocab, config.logit_softcap);
    if (!holds_nan(row, config.vocab)) return;
    std::size_t before = first;
    while (n < before && !first.compare_exchange_weak(before, n)) {
    }
  });
  if (first == kNone) return;
  invalid("logits: expected numbers, found NaN at position " +
          std::to_string(pass.start + rows.begin + first) +
          ": the weights hold NaN or infinity, or the computation overflows F32");
}

}  // namespace

void embed(const BlockPass& pass, const ModelWeights& weights,
           std::span<const std::int32_t> tokens) {
  Scratch& scratch = pass.scratch;
  const std::size_t width = weights.embedding->columns();
  RawVector<float>& to = weights.project_in ? scratch.narrow : scratch.x;
  for_each_token(pass, width, [&](std::size_t token) {
    float* row = to.data() + token * width;
    weights.embedding->read_row(static_cast<std::size_t>(tokens[token]), row);
    if (pass.config.embedding_scale != 1.0F) {
      pass.kernels.scale(row, width, pass.config.embedding_scale);
    }
  });
  if (weights.project_in)
    project(pass, weights.project_in, pass.tokens, to.data(), scratch.x.data());
  if (weights.positions) add_positions(pass, *weights.positions);
  fill_rotary(pass);
}

void compute_logits(const BlockPass& pass, const ModelWeights& weights, Block rows, float* logits) {
  const std::size_t count = rows.end - rows.begin;
  normalise_end(pass, weights.final_norm, rows);
  const float* input = pass.scratch.normed.data();
  if (weights.project_out) {
    project(pass, weights.project_out, count, input, pass.scratch.narrow.data());
    input = pass.scratch.narrow.data();
  }
  const LinearProduct head{&weights.head, input, logits};
  multiply_all(pass, {&head, 1}, count);
  finish_logits(pass, head, rows);
}

}  // namespace meadow
