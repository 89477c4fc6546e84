// The class that every maker of a matrix returns.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string>
#include <utility>

#include "meadow/matrix/matrix.h"

namespace meadow::python {

// A matrix and the Python objects whose memory it reads.
class HeldMatrix {
 public:
  HeldMatrix(std::shared_ptr<const Matrix> matrix, std::string form, pybind11::object owner)
      : matrix_(std::move(matrix)), form_(std::move(form)), owner_(std::move(owner)) {}

  [[nodiscard]] const Matrix& matrix() const noexcept { return *matrix_; }
  [[nodiscard]] std::shared_ptr<const Matrix> shared() const noexcept { return matrix_; }
  // How the weight is stored: a dtype for dense ones, else the name of a packed form.
  [[nodiscard]] const std::string& form() const noexcept { return form_; }

 private:
  std::shared_ptr<const Matrix> matrix_;
  std::string form_;
  pybind11::object owner_;
};

}  // namespace meadow::python
