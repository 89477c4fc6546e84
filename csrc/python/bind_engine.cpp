#include <memory>
#include <string>
#include <utility>

#include "arrays.h"
#include "bind.h"
#include "bind_matrix.h"
#include "core_call.h"
#include "engine_config.h"
#include "made_by_functions.h"
#include "meadow/base/error.h"
#include "meadow/engine/transformer.h"

namespace meadow::python {
namespace {

LogitsOf logits_of(const std::string& logits) {
  if (logits == "last") return LogitsOf::kLast;
  if (logits == "all") return LogitsOf::kAll;
  if (logits == "none") return LogitsOf::kNone;
  invalid("logits: expected 'last', 'all' or 'none', found '" + logits + "'");
}

Dataflow dataflow_of(const std::string& dataflow) {
  if (dataflow == "tphs") return Dataflow::kTphs;
  if (dataflow == "gemm") return Dataflow::kGemm;
  invalid("dataflow: expected 'tphs' or 'gemm', found '" + dataflow + "'");
}

std::string name_of_key(const py::handle& key, const char* what) {
  if (!py::isinstance<py::str>(key)) {
    wrong_dtype(std::string(what) + ": expected strings as keys, found " +
                std::string(py::repr(py::type::of(key))));
  }
  return key.cast<std::string>();
}

Matrices matrices_of(const py::dict& values) {
  Matrices matrices;
  for (const auto& [key, value] : values) {
    const std::string name = name_of_key(key, "matrices");
    if (!py::isinstance<HeldMatrix>(value)) {
      wrong_dtype("matrices '" + name + "': expected a Matrix, found " +
                  std::string(py::repr(py::type::of(value))));
    }
    matrices[name] = value.cast<const HeldMatrix&>().shared();
  }
  return matrices;
}

Vectors vectors_of(const py::dict& values) {
  Vectors vectors;
  for (const auto& [key, value] : values) {
    const std::string name = name_of_key(key, "vectors");
    const std::string what = "vectors '" + name + "'";
    if (!py::isinstance<py::array>(value)) {
      wrong_dtype(what + ": expected a float32 array, found " +
                  std::string(py::repr(py::type::of(value))));
    }
    const auto array = py::reinterpret_borrow<py::array>(value);
    require_plain(array, what.c_str());
    if (!array.dtype().is(py::dtype::of<float>())) {
      wrong_dtype(what + ": expected float32, found " + std::string(py::str(array.dtype())));
    }
    if (array.ndim() != 1) {
      invalid(what + ": expected 1 dimension, found " + std::to_string(array.ndim()));
    }
    const auto* data = static_cast<const float*>(array.data());
    vectors[name].assign(data, data + array.size());
  }
  return vectors;
}

std::span<const std::int32_t> tokens_of(const py::array& tokens) {
  require_plain(tokens, "tokens");
  if (!tokens.dtype().is(py::dtype::of<std::int32_t>())) {
    wrong_dtype("tokens: expected int32, found " + std::string(py::str(tokens.dtype())));
  }
  if (tokens.ndim() != 1) {
    invalid("tokens: expected 1 dimension, found " + std::to_string(tokens.ndim()));
  }
  return {static_cast<const std::int32_t*>(tokens.data()), static_cast<std::size_t>(tokens.size())};
}

// A transformer and the matrices whose memory Python owns.
struct Engine {
  Engine(const py::dict& config, const py::dict& from_matrices, const py::dict& from_vectors)
      : matrices(from_matrices.attr("copy")()),
        transformer(model_config(config), matrices_of(matrices), vectors_of(from_vectors)) {}

  py::dict matrices;
  Transformer transformer;
};

struct Cache {
  Cache(std::shared_ptr<const Engine> made_for, std::size_t capacity)
      : engine(std::move(made_for)), state(engine->transformer, capacity) {}

  std::shared_ptr<const Engine> engine;  // lives at least as long
  DecodingState state;
};

py::object forward(const Engine& engine, const py::array& tokens, Cache& cache,
                   const std::string& logits, const std::string& dataflow, unsigned threads) {
  const auto ids = tokens_of(tokens);
  const LogitsOf wanted = logits_of(logits);
  const Dataflow order = dataflow_of(dataflow);
  RawVector<float> values;
  {
    const CoreCall call;
    values = engine.transformer.forward(ids, cache.state, wanted, order, threads);
  }
  if (wanted == LogitsOf::kNone) return py::none();
  std::vector<py::ssize_t> shape = {static_cast<py::ssize_t>(engine.transformer.config().vocab)};
  if (wanted == LogitsOf::kAll) shape.insert(shape.begin(), static_cast<py::ssize_t>(ids.size()));
  return adopt(std::move(values), py::dtype::of<float>(), std::move(shape));
}

py::dict attention_traffic_of(const Engine& engine, std::size_t tokens, std::size_t before,
                              const std::string& dataflow) {
  const AttentionTraffic traffic =
      engine.transformer.traffic(tokens, before, dataflow_of(dataflow));
  py::dict out;
  out["queries"] = traffic.queries;
  out["keys"] = traffic.keys;
  out["values"] = traffic.values;
  out["outputs"] = traffic.outputs;
  out["scores_written"] = traffic.scores_written;
  out["scores_read"] = traffic.scores_read;
  out["working_set"] = traffic.working_set;
  return out;
}

void bind_cache(py::module_& module) {
  py::class_<Cache>(module, "_Cache", made_by_functions())
      .def_property_readonly("length", [](const Cache& cache) { return cache.state.length(); })
      .def_property_readonly("capacity", [](const Cache& cache) { return cache.state.capacity(); })
      .def_property_readonly("nbytes", [](const Cache& cache) { return cache.state.bytes(); })
      .def(
          "truncate", [](Cache& cache, std::size_t length) { cache.state.truncate(length); },
          py::arg("length"));
  module.def(
      "Cache",
      [](std::shared_ptr<const Engine> engine, std::size_t capacity) {
        return std::make_unique<Cache>(std::move(engine), capacity);
      },
      py::arg("engine"), py::arg("capacity"));
}

}  // namespace

void bind_engine(py::module_& module) {
  py::class_<Engine, std::shared_ptr<Engine>>(module, "_Engine", made_by_functions())
      .def_property_readonly("vocab", [](const Engine& e) { return e.transformer.config().vocab; })
      .def_property_readonly("layers",
                             [](const Engine& e) { return e.transformer.config().layers; })
      .def_property_readonly("positions",
                             [](const Engine& e) { return e.transformer.config().positions; })
      .def_property_readonly("parameters",
                             [](const Engine& e) { return e.transformer.weights().parameters; })
      .def_property_readonly(
          "weight_bytes", [](const Engine& e) { return e.transformer.weights().bytes_per_token; })
      .def("forward", forward, py::arg("tokens"), py::arg("cache"), py::arg("logits") = "last",
           py::arg("dataflow") = "tphs", py::arg("threads") = 0)
      .def("attention_traffic", attention_traffic_of, py::arg("tokens"), py::arg("before") = 0,
           py::arg("dataflow") = "tphs");
  module.def(
      "Engine",
      [](const py::dict& config, const py::dict& matrices, const py::dict& vectors) {
        return std::make_shared<Engine>(config, matrices, vectors);
      },
      py::arg("config"), py::arg("matrices"), py::arg("vectors"));
  bind_cache(module);
}

}  // namespace meadow::python
