// Converts between numpy arrays and the core's views of them.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "meadow/base/raw_vector.h"
#include "meadow/number/dtype.h"
#include "meadow/stats/chunks.h"

namespace meadow::python {

namespace py = pybind11;

// Throws unless `array` is C-contiguous and in native byte order. Every entry point calls it; the
// Python layer above converts other arrays.
void require_plain(const py::array& array, const char* what);

// Rows and columns of a 2-D array.
std::pair<std::size_t, std::size_t> matrix_shape(const py::array& array, const char* what);

// Contiguous bytes; the memory lives as long as `info`.
std::span<const std::uint8_t> flat_bytes(const py::buffer_info& info, const char* what);

// The core reads elements as words; a mapped file may hold them anywhere.
class AlignedBytes {
 public:
  explicit AlignedBytes(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
    if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(std::uint64_t) == 0) return;
    copy_.assign(bytes.begin(), bytes.end());
    bytes_ = copy_;
  }
  AlignedBytes(const AlignedBytes&) = delete;
  AlignedBytes& operator=(const AlignedBytes&) = delete;
  [[nodiscard]] std::span<const std::uint8_t> get() const noexcept { return bytes_; }

 private:
  Bytes copy_;
  std::span<const std::uint8_t> bytes_;
};

FloatType float_type(const std::string& dtype);
// Checks that the elements are as wide as `type`.
void require_float_bits(const py::array& values, FloatType type);

// A 2-D array of (u)int8, (u)int16 or (u)int32.
CodeMatrix code_matrix(const py::array& codes, unsigned bits);

// (u)int8/16/32, depending on the width and sign of the codes.
py::dtype code_dtype(unsigned element_bytes, bool is_signed);

// Passes a vector's memory to numpy without a copy.
template <typename T, typename Allocator>
py::array adopt(std::vector<T, Allocator>&& values, const py::dtype& dtype,
                std::vector<py::ssize_t> shape) {
  using Vector = std::vector<T, Allocator>;
  auto owned = std::make_unique<Vector>(std::move(values));
  const auto* data = owned->data();
  const py::capsule owner(owned.get(), [](void* p) { delete static_cast<Vector*>(p); });
  static_cast<void>(owned.release());  // the capsule has it
  return py::array(dtype, std::move(shape), data, owner);
}

template <typename T, typename Allocator>
py::array adopt(std::vector<T, Allocator>&& values) {
  const auto size = static_cast<py::ssize_t>(values.size());
  return adopt(std::move(values), py::dtype::of<T>(), {size});
}

}  // namespace meadow::python
