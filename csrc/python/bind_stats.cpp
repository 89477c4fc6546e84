#include <pybind11/stl.h>

#include <string>

#include "arrays.h"
#include "bind.h"
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
    const py::gil_scoped_release release;
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
    const py::gil_scoped_release release;
    tables = count_fields(data, count, type, threads);
  }
  py::tuple out(tables.size());
  for (std::size_t i = 0; i < tables.size(); ++i) out[i] = adopt(std::move(tables[i]));
  return out;
}

double entropy_of(const py::array& counts) {
  require_plain(counts, "counts");
  const auto size = static_cast<std::size_t>(counts.size());
  if (counts.dtype().kind() == 'u' && counts.itemsize() == 8) {
    return entropy(std::span(static_cast<const std::uint64_t*>(counts.data()), size));
  }
  if (counts.dtype().kind() == 'u' && counts.itemsize() == 4) {
    return entropy(std::span(static_cast<const std::uint32_t*>(counts.data()), size));
  }
  wrong_dtype("counts: expected uint64 or uint32, found dtype " +
              std::string(py::str(counts.dtype())));
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
