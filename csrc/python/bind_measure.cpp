#include <cstdint>
#include <span>
#include <string>

#include "arrays.h"
#include "bind.h"
#include "core_call.h"
#include "meadow/base/error.h"
#include "meadow/measure/read.h"

namespace py = pybind11;

namespace meadow::python {
namespace {

constexpr std::size_t kWord = sizeof(std::uint64_t);

std::uint64_t read_stream(const py::buffer& buffer, unsigned threads) {
  const py::buffer_info info = buffer.request();
  const auto bytes = flat_bytes(info, "buffer");
  const bool aligned = reinterpret_cast<std::uintptr_t>(bytes.data()) % kWord == 0;
  if (!aligned || bytes.size() % kWord != 0) {
    invalid("buffer: expected whole 8-byte words at an address that is a multiple of 8, found " +
            std::to_string(bytes.size()) + " bytes" + (aligned ? "" : " at another address"));
  }
  const auto* words = reinterpret_cast<const std::uint64_t*>(bytes.data());
  const CoreCall call;
  return read_words({words, bytes.size() / kWord}, threads);
}

}  // namespace

void bind_measure(py::module_& module) {
  module.def("read_stream", read_stream, py::arg("buffer"), py::arg("threads") = 0);
}

}  // namespace meadow::python
