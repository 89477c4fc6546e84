#include "arrays.h"

#include <array>

#include "meadow/base/error.h"

namespace meadow::python {

void require_plain(const py::array& array, const char* what) {
  const std::string dtype = py::str(array.dtype());
  if ((array.flags() & py::array::c_style) == 0) {
    invalid(std::string(what) +
            ": expected a C-contiguous array, found a non-contiguous one of dtype " + dtype);
  }
  if ((array.flags() & py::detail::npy_api::NPY_ARRAY_ALIGNED_) == 0) {
    invalid(std::string(what) + ": expected aligned elements, found an array of dtype " + dtype +
            " at an unaligned address");
  }
  const char order = array.dtype().byteorder();
  if (order != '=' && order != '|') {
    invalid(std::string(what) + ": expected native byte order, found dtype " + dtype);
  }
}

std::pair<std::size_t, std::size_t> matrix_shape(const py::array& array, const char* what) {
  if (array.ndim() != 2) {
    invalid(std::string(what) + ": expected 2 dimensions [out, in], found " +
            std::to_string(array.ndim()));
  }
  return {static_cast<std::size_t>(array.shape(0)), static_cast<std::size_t>(array.shape(1))};
}

std::span<const std::uint8_t> flat_bytes(const py::buffer_info& info, const char* what) {
  if (info.ndim != 1 || info.itemsize != 1 || (info.size > 1 && info.strides[0] != 1)) {
    wrong_dtype(std::string(what) + ": expected contiguous bytes, found a buffer of another kind");
  }
  return {static_cast<const std::uint8_t*>(info.ptr), static_cast<std::size_t>(info.size)};
}

FloatType float_type(const std::string& dtype) {
  constexpr std::array<FloatType, 6> kAll = {FloatType::kF64,    FloatType::kF32,
                                             FloatType::kF16,    FloatType::kBF16,
                                             FloatType::kF8E4M3, FloatType::kF8E5M2};
  for (const FloatType type : kAll) {
    if (name_of(type) == dtype) return type;
  }
  wrong_dtype("dtype: expected F64, F32, F16, BF16, F8_E4M3 or F8_E5M2, found '" + dtype + "'");
}

// Floats are passed as such if numpy has the type, or as unsigned bit patterns.
bool holds_float_bits(const py::array& values, FloatType type) {
  const char kind = values.dtype().kind();
  if (type == FloatType::kF64) return kind == 'f';
  const bool known_to_numpy = type == FloatType::kF32 || type == FloatType::kF16;
  return kind == 'u' || (kind == 'f' && known_to_numpy);
}

void require_float_bits(const py::array& values, FloatType type) {
  if (!holds_float_bits(values, type) ||
      values.itemsize() != static_cast<py::ssize_t>(layout_of(type).bytes)) {
    wrong_dtype("values: expected floats or bit patterns of " +
                std::to_string(layout_of(type).bytes) + " bytes for " + std::string(name_of(type)) +
                ", found dtype " + std::string(py::str(values.dtype())));
  }
}

CodeMatrix code_matrix(const py::array& codes, unsigned bits) {
  require_plain(codes, "codes");
  const auto [rows, columns] = matrix_shape(codes, "codes");
  const char kind = codes.dtype().kind();
  const auto bytes = static_cast<unsigned>(codes.itemsize());
  if ((kind != 'i' && kind != 'u') || (bytes != 1 && bytes != 2 && bytes != 4)) {
    wrong_dtype("codes: expected int8, uint8, int16, uint16, int32 or uint32, found dtype " +
                std::string(py::str(codes.dtype())));
  }
  return {static_cast<const std::uint8_t*>(codes.data()), rows, columns, bytes, bits, kind == 'i'};
}

py::dtype code_dtype(unsigned element_bytes, bool is_signed) {
  return py::dtype((is_signed ? "i" : "u") + std::to_string(element_bytes));
}

}  // namespace meadow::python
