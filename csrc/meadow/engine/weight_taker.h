// Hands out weights by name to the code that multiplies with them, each once, with a checked shape.
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

// Throws InvalidArgument for a missing matrix and for a wrong shape.
class WeightTaker {
 public:
  WeightTaker(Matrices matrices, Vectors vectors);

  // Looks without taking; null if there is none.
  [[nodiscard]] const Matrix* find(const std::string& name) const;

  std::shared_ptr<const Matrix> matrix(const std::string& name, std::size_t rows,
                                       std::size_t columns);
  // Takes a matrix of which a token reads one row: it may have more than `least_rows`.
  std::shared_ptr<const Matrix> table(const std::string& name, std::size_t least_rows,
                                      std::size_t columns);
  // Takes a vector; empty if there is none.
  std::vector<float> vector(const std::string& name, std::size_t size);
  // Takes the matrix of that name and its bias, `name`.bias, if there is one.
  Linear linear(const std::string& name, std::size_t rows, std::size_t columns);

  // Throws InvalidArgument unless all weights were taken.
  void finish() const;

 private:
  std::shared_ptr<const Matrix> take(const std::string& name, const std::string& shape);

  Matrices matrices_;
  Vectors vectors_;
};

// The shape as messages show it: [rows, columns].
std::string shape_text(std::size_t rows, std::size_t columns);

}  // namespace meadow
