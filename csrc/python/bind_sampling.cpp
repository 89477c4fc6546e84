#include <memory>
#include <span>

#include "arrays.h"
#include "bind.h"
#include "core_call.h"
#include "meadow/base/error.h"
#include "meadow/engine/sampling.h"

namespace meadow::python {
namespace {

std::span<const float> floats(const py::array& array, py::ssize_t dimensions) {
  require_plain(array, "logits");
  if (!array.dtype().is(py::dtype::of<float>())) {
    wrong_dtype("logits: expected float32, found " + std::string(py::str(array.dtype())));
  }
  if (array.ndim() != dimensions) {
    invalid("logits: expected " + std::to_string(dimensions) + " dimensions, found " +
            std::to_string(array.ndim()));
  }
  return {static_cast<const float*>(array.data()), static_cast<std::size_t>(array.size())};
}

std::span<const std::int32_t> tokens(const py::array& array, const char* what) {
  require_plain(array, what);
  if (!array.dtype().is(py::dtype::of<std::int32_t>())) {
    wrong_dtype(std::string(what) + ": expected int32, found " +
                std::string(py::str(array.dtype())));
  }
  if (array.ndim() != 1) {
    invalid(std::string(what) + ": expected 1 dimension, found " + std::to_string(array.ndim()));
  }
  return {static_cast<const std::int32_t*>(array.data()), static_cast<std::size_t>(array.size())};
}

std::unique_ptr<Sampler> sampler(float temperature, std::size_t top_k, float top_p, float min_p,
                                 float repetition_penalty, std::uint64_t seed) {
  const SamplingOptions options{.repetition_penalty = repetition_penalty,
                                .temperature = temperature,
                                .top_k = top_k,
                                .top_p = top_p,
                                .min_p = min_p};
  return std::make_unique<Sampler>(options, seed);
}

std::size_t choose(Sampler& sampler, const py::array& logits, const py::array& previous) {
  return sampler.choose(floats(logits, 1), tokens(previous, "previous"));
}

py::array log_probabilities_of(const py::array& logits, const py::array& targets,
                               unsigned threads) {
  const auto values = floats(logits, 2);
  const auto wanted = tokens(targets, "targets");
  const auto vocabulary = static_cast<std::size_t>(logits.shape(1));
  std::vector<double> made;
  {
    const CoreCall call;
    made = log_probabilities(values, vocabulary, wanted, threads);
  }
  return adopt(std::move(made));
}

}  // namespace

void bind_sampling(py::module_& module) {
  py::class_<Sampler>(module, "Sampler")
      .def(py::init(&sampler), py::kw_only(), py::arg("temperature"), py::arg("top_k"),
           py::arg("top_p"), py::arg("min_p"), py::arg("repetition_penalty"), py::arg("seed"))
      .def("choose", choose, py::arg("logits"), py::arg("previous"));
  module.def("log_probabilities", log_probabilities_of, py::arg("logits"), py::arg("targets"),
             py::arg("threads") = 0);
}

}  // namespace meadow::python
