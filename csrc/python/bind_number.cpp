#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string>

#include "arrays.h"
#include "bind.h"
#include "core_call.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/number/content.h"
#include "meadow/number/quantize.h"

namespace meadow::python {
namespace {

std::string content_dtype(const py::array& values, const std::string& dtype, unsigned threads) {
  require_plain(values, "values");
  const FloatType type = float_type(dtype);
  require_float_bits(values, type);
  const auto count = static_cast<std::size_t>(values.size());
  const void* data = values.data();
  const CoreCall call;
  return std::string(name_of(narrowest_type(data, count, type, threads)));
}

std::size_t inputs_per_scale(const std::string& granularity, std::size_t group,
                             std::size_t columns) {
  if (granularity == "tensor") return 0;
  if (granularity == "row") return std::max<std::size_t>(1, columns);
  if (granularity != "group") {
    invalid("granularity: expected tensor, row or group, found '" + granularity + "'");
  }
  if (group == 0) invalid("group: expected at least 1 input per scale, found 0");
  return std::min(group, std::max<std::size_t>(1, columns));
}

py::tuple quantize_array(const py::array& values, const std::string& dtype, unsigned bits,
                         bool symmetric, const std::string& granularity, std::size_t group,
                         const std::string& name, unsigned threads) {
  require_plain(values, name.c_str());
  const FloatType type = float_type(dtype);
  require_float_bits(values, type);
  const auto [rows, columns] = matrix_shape(values, name.c_str());
  const Weight weight{values.data(), type, rows, columns, name};
  const QuantizeSpec spec{bits, symmetric, inputs_per_scale(granularity, group, columns)};
  const std::size_t scale_rows = spec.per_scale == 0 ? 1 : rows;
  const std::size_t scale_columns = scales_per_row(weight, spec);

  py::array codes(code_dtype(1, symmetric), {rows, columns});
  py::array_t<float> scales({scale_rows, scale_columns});
  std::optional<py::array_t<std::int32_t>> zero_points;
  if (!symmetric) zero_points.emplace(std::vector<std::size_t>{scale_rows, scale_columns});
  const Quantized out{static_cast<std::uint8_t*>(codes.mutable_data()), scales.mutable_data(),
                      symmetric ? nullptr : zero_points->mutable_data()};
  kernels::SquareSums sums{};
  {
    const CoreCall call;
    sums = quantize(weight, spec, out, threads);
  }
  return py::make_tuple(codes, scales, zero_points, sums.weights, sums.errors);
}

void check_scales(const py::array& scales, std::size_t rows, std::size_t per_row) {
  const auto [found_rows, found_per_row] = matrix_shape(scales, "scales");
  if (found_rows == rows && found_per_row == per_row) return;
  invalid("scales: expected shape [" + std::to_string(rows) + ", " + std::to_string(per_row) +
          "], found [" + std::to_string(found_rows) + ", " + std::to_string(found_per_row) + "]");
}

using FloatArray = py::array_t<float, py::array::c_style>;
using IntArray = py::array_t<std::int32_t, py::array::c_style>;

py::array dequantize_array(const py::array& codes, const FloatArray& scales,
                           const std::optional<IntArray>& zero_points, std::size_t group,
                           unsigned threads) {
  const CodeMatrix matrix = code_matrix(codes, 8);
  if (matrix.element_bytes != 1 || matrix.is_signed != !zero_points.has_value()) {
    wrong_dtype("codes: expected int8 without zero points or uint8 with them, found dtype " +
                std::string(py::str(codes.dtype())));
  }
  const bool shared = scales.ndim() == 2 && scales.shape(0) == 1 && scales.shape(1) == 1;
  const std::size_t per_scale = shared && group >= matrix.columns ? 0 : group;
  if (!shared && group == 0) invalid("group: expected at least 1 input per scale, found 0");
  const std::size_t per_row = per_scale == 0 ? 1 : block_count(matrix.columns, per_scale);
  check_scales(scales, per_scale == 0 ? 1 : matrix.rows, per_row);
  if (zero_points) check_scales(*zero_points, per_scale == 0 ? 1 : matrix.rows, per_row);

  py::array_t<float> weights({matrix.rows, matrix.columns});
  const Quantized from{const_cast<std::uint8_t*>(matrix.data), const_cast<float*>(scales.data()),
                       zero_points ? const_cast<std::int32_t*>(zero_points->data()) : nullptr};
  float* out = weights.mutable_data();
  {
    const CoreCall call;
    dequantize(from, matrix.rows, matrix.columns, per_scale, out, threads);
  }
  return weights;
}

}  // namespace

void bind_number(py::module_& module) {
  module.def("content_dtype", content_dtype, py::arg("values"), py::arg("dtype"),
             py::arg("threads") = 0);
  module.def("quantize", quantize_array, py::arg("values"), py::arg("dtype"), py::arg("bits"),
             py::arg("symmetric"), py::arg("granularity"), py::arg("group"),
             py::arg("name") = "weight", py::arg("threads") = 0);
  module.def("dequantize", dequantize_array, py::arg("codes"), py::arg("scales"),
             py::arg("zero_points"), py::arg("group"), py::arg("threads") = 0);
}

}  // namespace meadow::python
