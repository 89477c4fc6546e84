// Weights by name, handed out to those who multiply with them: each once, its shape checked.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "meadow/engine/linear.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

using Matrices = std::map<std::string, std::shared_ptr<const Matrix>>;
using Vectors = std::map<std::string, std::vector<float>>;

// Throws InvalidArgument for a matrix that is missing, and for a shape that is another.
class WeightTaker {
 public:
  WeightTaker(Matrices matrices, Vectors vectors);

  // Stays where it is; null where there is none.
  [[nodiscard]] const Matrix* find(const std::string& name) const;

  std::shared_ptr<const Matrix> matrix(const std::string& name, std::size_t rows,
                                       std::size_t columns);
  // One of which a token reads one row: there may be more than `least_rows`.
  std::shared_ptr<const Matrix> table(const std::string& name, std::size_t least_rows,
                                      std::size_t columns);
  // Empty where there is none.
  std::vector<float> vector(const std::string& name, std::size_t size);
  // The matrix of that name, and its bias, `name`.bias, if there is one.
  Linear linear(const std::string& name, std::size_t rows, std::size_t columns);

  // Throws InvalidArgument unless all were taken.
  void finish() const;

 private:
  std::shared_ptr<const Matrix> take(const std::string& name, const std::string& shape);

  Matrices matrices_;
  Vectors vectors_;
};

// As messages write it: [rows, columns].
std::string shape_text(std::size_t rows, std::size_t columns);

}  // namespace meadow
