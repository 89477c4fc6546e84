#include <pybind11/numpy.h>

#include <memory>
#include <string>

#include "arrays.h"
#include "bind.h"
#include "bind_matrix.h"
#include "core_call.h"
#include "meadow/base/error.h"
#include "meadow/matrix/integer.h"
#include "meadow/number/quantize_q8.h"

namespace meadow::python {
namespace {

InputForm input_form(const std::string& activations) {
  if (activations == "int8") return InputForm::kInt8;
  if (activations == "none") return InputForm::kFloats;
  invalid("activations: expected int8 or none, found " + activations);
}

template <typename T>
const T* elements(const py::array& array, std::size_t expected, const char* what,
                  const char* dtype) {
  require_plain(array, what);
  if (!array.dtype().is(py::dtype::of<T>())) {
    wrong_dtype(std::string(what) + ": expected " + dtype + ", found " +
                std::string(py::str(array.dtype())));
  }
  if (static_cast<std::size_t>(array.size()) != expected) {
    invalid(std::string(what) + ": expected " + std::to_string(expected) + " elements, found " +
            std::to_string(array.size()));
  }
  return static_cast<const T*>(array.data());
}

IntegerWeight weight_of(const py::array& codes, std::size_t per_scale) {
  const auto [rows, columns] = matrix_shape(codes, "codes");
  return {elements<std::int8_t>(codes, rows * columns, "codes", "int8"),
          rows,
          columns,
          per_scale,
          nullptr,
          nullptr};
}

HeldMatrix made(const IntegerWeight& weight, bool packed, const std::string& activations,
                unsigned threads) {
  const InputForm taken = input_form(activations);
  const auto widths = packed ? PlaneWidths::kPacked : PlaneWidths::kDense;
  std::shared_ptr<const Matrix> matrix;
  {
    const CoreCall call;
    matrix = integer_matrix(weight, widths, taken, threads);
  }
  return {std::move(matrix), py::none()};
}

HeldMatrix integer_matrix_of(const py::array& codes, const py::array& scales, std::size_t per_scale,
                             bool packed, const std::string& activations, unsigned threads) {
  IntegerWeight weight = weight_of(codes, per_scale);
  const std::size_t count = per_scale == 0 ? 1 : weight.rows * scales_of_row(weight);
  weight.scales = elements<float>(scales, count, "scales", "float32");
  return made(weight, packed, activations, threads);
}

HeldMatrix q8_matrix_of(const py::array& codes, const py::array& row_scales,
                        const py::array& coded_scales, bool packed, const std::string& activations,
                        unsigned threads) {
  IntegerWeight weight = weight_of(codes, kQ8Group);
  weight.scales = elements<float>(row_scales, weight.rows, "row_scales", "float32");
  const std::size_t count = weight.rows * block_count(weight.columns, weight.per_scale);
  weight.coded_scales = elements<std::uint8_t>(coded_scales, count, "coded_scales", "uint8");
  return made(weight, packed, activations, threads);
}

py::tuple quantize_q8_array(const py::array& weights, const std::string& name, unsigned threads) {
  const auto [rows, columns] = matrix_shape(weights, name.c_str());
  const auto* values = elements<float>(weights, rows * columns, name.c_str(), "float32");
  py::array_t<std::int8_t> codes({rows, columns});
  py::array_t<float> row_scales(static_cast<py::ssize_t>(rows));
  py::array_t<std::uint8_t> coded({rows, block_count(columns, kQ8Group)});
  const Q8 out{codes.mutable_data(), row_scales.mutable_data(), coded.mutable_data()};
  kernels::SquareSums sums{};
  {
    const CoreCall call;
    sums = quantize_q8(values, rows, columns, name, out, threads);
  }
  return py::make_tuple(codes, row_scales, coded, sums.weights, sums.errors);
}

}  // namespace

void bind_integer(py::module_& module) {
  module.def("integer_matrix", integer_matrix_of, py::arg("codes"), py::arg("scales"),
             py::arg("per_scale"), py::arg("packed") = true, py::arg("activations") = "int8",
             py::arg("threads") = 0);
  module.def("quantize_q8", quantize_q8_array, py::arg("weights"), py::arg("name"),
             py::arg("threads") = 0);
  module.def("q8_matrix", q8_matrix_of, py::arg("codes"), py::arg("row_scales"),
             py::arg("coded_scales"), py::arg("packed") = false, py::arg("activations") = "int8",
             py::arg("threads") = 0);
}

}  // namespace meadow::python
