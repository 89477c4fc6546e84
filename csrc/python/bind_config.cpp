#include <pybind11/stl.h>

#include <map>
#include <string>

#include "bind.h"
#include "core_call.h"
#include "meadow/base/check.h"
#include "meadow/base/thread_pool.h"
#include "meadow/kernels/isa.h"

namespace py = pybind11;

namespace meadow::python {
namespace {

std::vector<std::string> names_of_available() {
  std::vector<std::string> names;
  for (const Isa isa : available_isas()) names.emplace_back(isa_name(isa));
  return names;
}

std::map<std::string, std::string> build_info() {
  return {{"compiler", std::string("C++ ") + __VERSION__},
          {"standard", std::to_string(__cplusplus)},
          {"assertions", kDebugChecks ? "on" : "off"},
          {"pybind11", PYBIND11_TOSTRING(PYBIND11_VERSION_MAJOR) "." PYBIND11_TOSTRING(
                           PYBIND11_VERSION_MINOR)}};
}

}  // namespace

void bind_config(py::module_& module) {
  resolve_isa();  // reports a wrong MEADOW_ISA at import, not in the middle of work
  module.def("isa_available", names_of_available);
  module.def("isa_active", [] { return std::string(isa_name(active_isa())); });
  module.def("isa_select", [](const std::string& name) { select_isa(name); }, py::arg("name"));
  module.def("build_info", build_info);
  module.def("hardware_threads", hardware_threads);
  module.def("cancel_running", cancel_running);
}

}  // namespace meadow::python
