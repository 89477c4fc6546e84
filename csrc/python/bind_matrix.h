// The class that every maker of a matrix returns.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "meadow/matrix/matrix.h"

namespace meadow::python {

// A form that the core does not know; it is decoded before it is multiplied.
struct DecodedFrom {
  std::string form;
  pybind11::dict header;
  pybind11::dict parts;
};

// A matrix and the Python objects whose memory it reads.
class HeldMatrix {
 public:
  HeldMatrix(std::shared_ptr<const Matrix> matrix, pybind11::object owner)
      : matrix_(std::move(matrix)), owner_(std::move(owner)) {}
  HeldMatrix(const HeldMatrix& decoded, DecodedFrom from)
      : matrix_(decoded.matrix_), owner_(decoded.owner_), from_(std::move(from)) {}

  [[nodiscard]] const Matrix& matrix() const noexcept { return *matrix_; }
  [[nodiscard]] std::shared_ptr<const Matrix> shared() const noexcept { return matrix_; }
  // How the weight is stored: the dtype of a dense one, else the name of a packed form.
  [[nodiscard]] std::string form() const {
    return from_ ? from_->form : std::string(matrix_->form());
  }
  [[nodiscard]] const std::optional<DecodedFrom>& from() const noexcept { return from_; }

 private:
  std::shared_ptr<const Matrix> matrix_;
  pybind11::object owner_;
  std::optional<DecodedFrom> from_;
};

}  // namespace meadow::python
