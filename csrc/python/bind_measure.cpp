#include <cstdint>
#include <span>
#include <string>

#include "bind.h"
#include "core_call.h"
#include "meadow/base/error.h"
#include "meadow/measure/read.h"

namespace py = pybind11;

namespace meadow::python {
namespace {

std::uint64_t read_stream(const py::buffer& buffer, unsigned threads) {
  const py::buffer_info info = buffer.request();
  const auto nbytes = static_cast<std::size_t>(info.size * info.itemsize);
  if (info.ndim != 1 || (info.size > 1 && info.strides[0] != info.itemsize)) {
    wrong_dtype("buffer: expected bytes in a row, found a buffer of another kind");
  }
  if (nbytes % sizeof(std::uint64_t) != 0 ||
      reinterpret_cast<std::uintptr_t>(info.ptr) % alignof(std::uint64_t) != 0) {
    invalid("buffer: expected 8-byte words at an address that is a multiple of 8, found " +
            std::to_string(nbytes) + " bytes at another");
  }
  const auto* words = static_cast<const std::uint64_t*>(info.ptr);
  const CoreCall call;
  return read_words({words, nbytes / sizeof(std::uint64_t)}, threads);
}

}  // namespace

void bind_measure(py::module_& module) {
  module.def("read_stream", read_stream, py::arg("buffer"), py::arg("threads") = 0);
}

}  // namespace meadow::python
