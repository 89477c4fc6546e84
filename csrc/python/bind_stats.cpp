#include <pybind11/stl.h>

#include <string>

#include "arrays.h"
#include "bind.h"
#include "core_call.h"
#include "meadow/base/error.h"
#include "meadow/stats/histogram.h"

namespace meadow::python {
namespace {

py::array symbol_counts(const py::array& codes, unsigned bits, unsigned threads) {
  require_plain(codes, "codes");
  const char kind = codes.dtype().kind();
  if (kind != 'i' && kind != 'u') {
    wrong_dtype("codes: expected signed or unsigned integers, found dtype " +
                std::string(py::str(codes.dtype())));
  }
  const auto count = static_cast<std::size_t>(codes.size());
  const auto bytes = static_cast<unsigned>(codes.itemsize());
  const void* data = codes.data();
  Counts counts;
  {
    const CoreCall call;
    counts = count_symbols(data, count, bytes, bits, threads);
  }
  return adopt(std::move(counts));
}

py::tuple field_counts(const py::array& values, const std::string& dtype, unsigned threads) {
  require_plain(values, "values");
  const FloatType type = float_type(dtype);
  require_float_bits(values, type);
  const auto count = static_cast<std::size_t>(values.size());
  const void* data = values.data();
  std::vector<Counts> tables;
  {
    const CoreCall call;
    tables = count_fields(data, count, type, threads);
  }
  py::tuple out(tables.size());
  for (std::size_t i = 0; i < tables.size(); ++i) out[i] = adopt(std::move(tables[i]));
  return out;
}

double entropy_of(const py::array& counts) {
  require_plain(counts, "counts");
  const auto size = static_cast<std::size_t>(counts.size());
  const py::ssize_t bytes = counts.itemsize();
  if (counts.dtype().kind() != 'u' || (bytes != 8 && bytes != 4)) {
    wrong_dtype("counts: expected uint64 or uint32, found dtype " +
                std::string(py::str(counts.dtype())));
  }
  const void* data = counts.data();
  const CoreCall call;
  if (bytes == 8) return entropy(std::span(static_cast<const std::uint64_t*>(data), size));
  return entropy(std::span(static_cast<const std::uint32_t*>(data), size));
}

}  // namespace

void bind_stats(py::module_& module) {
  module.def("symbol_counts", symbol_counts, py::arg("codes"), py::arg("bits"),
             py::arg("threads") = 0);
  module.def("field_counts", field_counts, py::arg("values"), py::arg("dtype"),
             py::arg("threads") = 0);
  module.def("entropy", entropy_of, py::arg("counts"));
}

}  // namespace meadow::python
