#include "bind_matrix.h"

#include <pybind11/numpy.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "arrays.h"
#include "bind.h"
#include "core_call.h"
#include "made_by_functions.h"
#include "meadow/base/error.h"
#include "meadow/base/raw_vector.h"
#include "meadow/blob/planes_blob.h"
#include "meadow/matrix/bf16_planes.h"
#include "meadow/matrix/f16_planes.h"

namespace meadow::python {
namespace {

DenseType dense_type(const std::string& dtype) {
  if (dtype == "F32") return DenseType::kF32;
  if (dtype == "BF16") return DenseType::kBF16;
  if (dtype == "F16") return DenseType::kF16;
  wrong_dtype("dtype: expected F32, BF16 or F16, found " + dtype);
}

std::size_t width_of(DenseType type) noexcept { return type == DenseType::kF32 ? 4 : 2; }

// Keeps a buffer's memory where it is.
py::capsule holder(std::unique_ptr<py::buffer_info> info) {
  py::capsule made(info.get(), [](void* p) { delete static_cast<py::buffer_info*>(p); });
  [[maybe_unused]] const py::buffer_info* held = info.release();  // by the capsule
  return made;
}

void require_elements(std::span<const std::uint8_t> bytes, std::size_t width, std::size_t rows,
                      std::size_t columns) {
  const bool fits = columns == 0 || rows <= bytes.size() / width / columns;
  if (!fits || bytes.size() != rows * columns * width) {
    invalid("values: expected " + std::to_string(rows) + " x " + std::to_string(columns) +
            " elements of " + std::to_string(width) + " bytes, found " +
            std::to_string(bytes.size()) + " bytes");
  }
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % width != 0) {
    invalid("values: expected aligned elements, found some at an unaligned address");
  }
}

HeldMatrix dense_matrix_of(const py::buffer& values, const std::string& dtype, std::size_t rows,
                           std::size_t columns) {
  const DenseType type = dense_type(dtype);
  auto info = std::make_unique<py::buffer_info>(values.request());
  const auto bytes = flat_bytes(*info, "values");
  require_elements(bytes, width_of(type), rows, columns);
  return {dense_matrix(type, bytes.data(), rows, columns), holder(std::move(info))};
}

HeldMatrix bf16_planes_matrix_of(const py::buffer& values, const std::string& dtype,
                                 std::size_t rows, std::size_t columns, unsigned threads) {
  const DenseType type = dense_type(dtype);
  const py::buffer_info info = values.request();
  const auto bytes = flat_bytes(info, "values");
  require_elements(bytes, width_of(type), rows, columns);
  std::unique_ptr<Matrix> made;
  {
    const CoreCall call;
    made = bf16_planes_matrix(type, bytes.data(), rows, columns, threads);
  }
  return {std::move(made), py::none()};
}

HeldMatrix f16_planes_matrix_of(const py::buffer& values, std::size_t rows, std::size_t columns,
                                unsigned threads) {
  const py::buffer_info info = values.request();
  const auto bytes = flat_bytes(info, "values");
  require_elements(bytes, sizeof(std::uint16_t), rows, columns);
  std::unique_ptr<Matrix> made;
  {
    const CoreCall call;
    made = f16_planes_matrix(reinterpret_cast<const std::uint16_t*>(bytes.data()), rows, columns,
                             threads);
  }
  return {std::move(made), py::none()};
}

HeldMatrix mapped_matrix_of(const py::buffer& blob) {
  auto info = std::make_unique<py::buffer_info>(blob.request());
  const PlanesView view = parse_planes_blob(flat_bytes(*info, "blob"));
  return {bf16_planes_matrix(view.planes, view.layout.rows, view.plane_bytes()),
          holder(std::move(info))};
}

InputRounding input_rounding(const std::string& name) {
  if (name == "F32") return InputRounding::kNone;
  if (name == "BF16") return InputRounding::kBF16;
  invalid("activations: expected F32 or BF16, found " + name);
}

py::array multiply_by(const HeldMatrix& held, const py::array& x, unsigned threads,
                      const std::string& activations) {
  const InputRounding rounding = input_rounding(activations);
  const Matrix& matrix = held.matrix();
  require_plain(x, "x");
  if (!x.dtype().is(py::dtype::of<float>())) {
    wrong_dtype("x: expected float32, found " + std::string(py::str(x.dtype())));
  }
  const auto [tokens, columns] = matrix_shape(x, "x");
  if (columns != matrix.columns()) {
    invalid("x: expected " + std::to_string(matrix.columns()) + " columns, found " +
            std::to_string(columns));
  }
  RawVector<float> y(tokens * matrix.rows());
  const Product product{&matrix, static_cast<const float*>(x.data()), y.data()};
  {
    const CoreCall call;
    multiply({&product, 1}, tokens, threads, rounding);
  }
  return adopt(std::move(y), py::dtype::of<float>(),
               {static_cast<py::ssize_t>(tokens), static_cast<py::ssize_t>(matrix.rows())});
}

py::array row_of(const HeldMatrix& held, std::size_t row) {
  const Matrix& matrix = held.matrix();
  if (row >= matrix.rows()) {
    invalid("row: expected a number below " + std::to_string(matrix.rows()) + ", found " +
            std::to_string(row));
  }
  RawVector<float> values(matrix.columns());
  matrix.read_row(row, values.data());
  return adopt(std::move(values));
}

}  // namespace

void bind_matrix(py::module_& module) {
  py::class_<HeldMatrix>(module, "Matrix", made_by_functions())
      .def_property_readonly("rows", [](const HeldMatrix& m) { return m.matrix().rows(); })
      .def_property_readonly("columns", [](const HeldMatrix& m) { return m.matrix().columns(); })
      .def_property_readonly("nbytes", [](const HeldMatrix& m) { return m.matrix().bytes(); })
      .def_property_readonly("form", &HeldMatrix::form)
      .def("multiply", multiply_by, py::arg("x"), py::arg("threads") = 0,
           py::arg("activations") = "F32")
      .def("row", row_of, py::arg("row"));
  module.def("dense_matrix", dense_matrix_of, py::arg("values"), py::arg("dtype"), py::arg("rows"),
             py::arg("columns"));
  module.def("bf16_planes_matrix", bf16_planes_matrix_of, py::arg("values"), py::arg("dtype"),
             py::arg("rows"), py::arg("columns"), py::arg("threads") = 0);
  module.def("f16_planes_matrix", f16_planes_matrix_of, py::arg("values"), py::arg("rows"),
             py::arg("columns"), py::arg("threads") = 0);
  module.def("mapped_matrix", mapped_matrix_of, py::arg("blob"));
}

}  // namespace meadow::python
