#include "engine_config.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "meadow/base/error.h"

namespace meadow::python {
namespace {

template <typename T>
using Choices = std::vector<std::pair<const char*, T>>;

class ConfigReader {
 public:
  explicit ConfigReader(const py::dict& values) : values_(values) {}

  template <typename T>
  T number(const char* key, const char* expected) {
    const py::object value = take(key);
    if (py::isinstance<py::bool_>(value)) refuse(key, expected, value);
    try {
      return value.cast<T>();
    } catch (const py::cast_error&) {
      refuse(key, expected, value);
    }
  }

  std::size_t size(const char* key) {
    return number<std::size_t>(key, "a whole number of at least 0");
  }
  float real(const char* key) { return number<float>(key, "a number"); }

  bool flag(const char* key) {
    const py::object value = take(key);
    if (!py::isinstance<py::bool_>(value)) refuse(key, "True or False", value);
    return value.cast<bool>();
  }

  template <typename T>
  T choice(const char* key, const Choices<T>& choices) {
    const py::object value = take(key);
    std::string expected;
    for (const auto& [name, meaning] : choices) {
      if (value.equal(py::str(name))) return meaning;
      expected += (expected.empty() ? "'" : ", '") + std::string(name) + "'";
    }
    refuse(key, "one of " + expected, value);
  }

  template <typename T>
  std::vector<T> list(const char* key, const char* expected) {
    const py::object value = take(key);
    try {
      return value.cast<std::vector<T>>();
    } catch (const py::cast_error&) {
      refuse(key, expected, value);
    }
  }

  // [kinds, dim / 2] in F32
  std::vector<float> frequencies(const char* key, std::size_t kinds) {
    const py::object value = take(key);
    if (!py::isinstance<py::array>(value)) refuse(key, "a float32 array", value);
    const auto array = value.cast<py::array>();
    require_plain(array, key);
    if (!array.dtype().is(py::dtype::of<float>())) refuse(key, "float32", array.dtype());
    if (array.ndim() != 2 || static_cast<std::size_t>(array.shape(0)) != kinds) {
      refuse(key, "shape [" + std::to_string(kinds) + ", rotary_dim / 2]", array.attr("shape"));
    }
    const auto* data = static_cast<const float*>(array.data());
    return {data, data + array.size()};
  }

  void finish() const {
    for (const auto& [key, value] : values_) {
      const std::string name = py::str(key);
      if (taken_.count(name) == 0) invalid("config: expected no key '" + name + "', found one");
    }
  }

 private:
  [[noreturn]] static void refuse(const std::string& key, const std::string& expected,
                                  const py::object& found) {
    invalid("config " + key + ": expected " + expected + ", found " + std::string(py::repr(found)));
  }

  py::object take(const char* key) {
    if (!values_.contains(key)) {
      invalid("config: expected a key '" + std::string(key) + "', found none");
    }
    taken_.insert(key);
    return values_[key];
  }

  const py::dict& values_;
  std::set<std::string> taken_;
};

void read_sizes(ConfigReader& reader, ModelConfig& config) {
  config.layers = reader.size("layers");
  config.hidden = reader.size("hidden");
  config.heads = reader.size("heads");
  config.kv_heads = reader.size("kv_heads");
  config.head_dim = reader.size("head_dim");
  config.intermediate = reader.size("intermediate");
  config.vocab = reader.size("vocab");
  config.positions = reader.size("positions");
}

void read_parts(ConfigReader& reader, ModelConfig& config) {
  config.norm =
      reader.choice<NormKind>("norm", {{"layer", NormKind::kLayer}, {"rms", NormKind::kRms}});
  config.norm_eps = reader.real("norm_eps");
  config.norm_placement =
      reader.choice<NormPlacement>("norm_placement", {{"pre", NormPlacement::kPre},
                                                      {"post", NormPlacement::kPost},
                                                      {"sandwich", NormPlacement::kSandwich}});
  using kernels::Nonlinearity;
  config.nonlinearity =
      reader.choice<Nonlinearity>("activation", {{"relu", Nonlinearity::kRelu},
                                                 {"gelu", Nonlinearity::kGelu},
                                                 {"gelu_tanh", Nonlinearity::kGeluTanh},
                                                 {"silu", Nonlinearity::kSilu}});
  config.input_rounding = reader.choice<InputRounding>(
      "activations", {{"F32", InputRounding::kNone}, {"BF16", InputRounding::kBF16}});
  config.gated = reader.flag("gated");
  config.parallel = reader.flag("parallel");
}

void read_positions(ConfigReader& reader, ModelConfig& config) {
  config.position = reader.choice<PositionKind>("position", {{"none", PositionKind::kNone},
                                                             {"learned", PositionKind::kLearned},
                                                             {"rotary", PositionKind::kRotary}});
  config.position_offset = reader.size("position_offset");
  RotaryConfig& rotary = config.rotary;
  rotary.dim = reader.size("rotary_dim");
  rotary.interleaved = reader.flag("rotary_interleaved");
  rotary.scales = reader.list<float>("rotary_scale", "a list of numbers");
  rotary.frequencies = reader.frequencies("rotary_frequencies", rotary.kinds());
  rotary.of_layer = reader.list<int>("rotary_of_layer", "a list of whole numbers");
}

void read_attention(ConfigReader& reader, ModelConfig& config) {
  config.attention_scale = reader.real("attention_scale");
  config.windows = reader.list<std::size_t>("windows", "a list of whole numbers of at least 0");
  config.attention_softcap = reader.real("attention_softcap");
  config.logit_softcap = reader.real("logit_softcap");
  config.embedding_scale = reader.real("embedding_scale");
}

}  // namespace

ModelConfig model_config(const py::dict& values) {
  ConfigReader reader(values);
  ModelConfig config;
  read_sizes(reader, config);
  read_parts(reader, config);
  read_positions(reader, config);
  read_attention(reader, config);
  reader.finish();
  return config;
}

}  // namespace meadow::python
