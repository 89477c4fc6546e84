#include "meadow/engine/weight_taker.h"

#include <utility>

#include "meadow/base/error.h"

namespace meadow {
namespace {

[[noreturn]] void refuse_unknown(const std::string& kind, const std::string& name) {
  invalid("weights: expected no " + kind + " '" + name + "' in a model of this config, found one");
}

}  // namespace

std::string shape_text(std::size_t rows, std::size_t columns) {
  std::string shape(1, '[');
  return shape.append(std::to_string(rows) + ", " + std::to_string(columns) + "]");
}

WeightTaker::WeightTaker(Matrices matrices, Vectors vectors)
    : matrices_(std::move(matrices)), vectors_(std::move(vectors)) {}

const Matrix* WeightTaker::find(const std::string& name) const {
  const auto found = matrices_.find(name);
  return found == matrices_.end() ? nullptr : found->second.get();
}

std::shared_ptr<const Matrix> WeightTaker::matrix(const std::string& name, std::size_t rows,
                                                  std::size_t columns) {
  auto taken = take(name, shape_text(rows, columns));
  if (taken->rows() != rows || taken->columns() != columns) {
    invalid("weights: '" + name + "': expected shape " + shape_text(rows, columns) + ", found " +
            shape_text(taken->rows(), taken->columns()));
  }
  return taken;
}

std::shared_ptr<const Matrix> WeightTaker::table(const std::string& name, std::size_t least_rows,
                                                 std::size_t columns) {
  auto taken = take(name, shape_text(least_rows, columns));
  if (taken->rows() < least_rows || taken->columns() != columns) {
    invalid("weights: '" + name + "': expected at least " + std::to_string(least_rows) +
            " rows of " + std::to_string(columns) + ", found shape " +
            shape_text(taken->rows(), taken->columns()));
  }
  return taken;
}

std::vector<float> WeightTaker::vector(const std::string& name, std::size_t size) {
  const auto found = vectors_.find(name);
  if (found == vectors_.end()) return {};
  std::vector<float> taken = std::move(found->second);
  vectors_.erase(found);
  if (taken.size() != size) {
    invalid("weights: '" + name + "': expected " + std::to_string(size) + " values, found " +
            std::to_string(taken.size()));
  }
  return taken;
}

Linear WeightTaker::linear(const std::string& name, std::size_t rows, std::size_t columns) {
  auto taken = matrix(name, rows, columns);
  return {std::move(taken), vector(name + ".bias", rows)};
}

void WeightTaker::finish() const {
  if (!matrices_.empty()) refuse_unknown("matrix", matrices_.begin()->first);
  if (!vectors_.empty()) refuse_unknown("vector", vectors_.begin()->first);
}

std::shared_ptr<const Matrix> WeightTaker::take(const std::string& name, const std::string& shape) {
  const auto found = matrices_.find(name);
  if (found == matrices_.end() || found->second == nullptr) {
    invalid("weights: expected a matrix '" + name + "' of shape " + shape + ", found none");
  }
  auto taken = std::move(found->second);
  matrices_.erase(found);
  return taken;
}

}  // namespace meadow
