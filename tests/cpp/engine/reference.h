// The transformer once more, in double precision, a whole text at a time, as a textbook has it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model.h"

namespace meadow::test {

using Values = std::vector<double>;
using Rows = std::vector<Values>;  // one for each token

class Reference {
 public:
  explicit Reference(const Model& model) : model_(model), config_(model.config) {}

  // [tokens, vocab]
  [[nodiscard]] Rows logits(const std::vector<std::int32_t>& tokens) const;

 private:
  [[nodiscard]] Rows embedded(const std::vector<std::int32_t>& tokens) const;
  [[nodiscard]] Rows attention(const Rows& x, std::size_t layer) const;
  [[nodiscard]] Values head_attention(const Rows& q, const Rows& k, const Rows& v,
                                      std::size_t token, std::size_t head, std::size_t layer) const;
  [[nodiscard]] Rows mlp(const Rows& x, std::size_t layer) const;
  [[nodiscard]] Rows after_layer(const Rows& x, std::size_t layer) const;

  [[nodiscard]] Values row(const std::string& table, std::size_t index) const;
  [[nodiscard]] Rows linear(const std::string& name, const Rows& x) const;
  [[nodiscard]] Rows norm(const std::string& name, const Rows& x) const;
  // Norm, if there is a weight, and rotation of every head.
  [[nodiscard]] Rows finished_heads(const Rows& x, const std::string& norm,
                                    std::size_t layer) const;
  void rotate(Values& head, std::size_t position, std::size_t layer) const;

  const Model& model_;
  const ModelConfig& config_;
};

}  // namespace meadow::test
