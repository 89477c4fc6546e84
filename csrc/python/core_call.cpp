#include "core_call.h"

#include <atomic>

namespace meadow::python {
namespace {

namespace py = pybind11;

// The number of calls of `cancel_running`.
std::atomic<std::uint64_t> cancellations{0};

// Python runs signal handlers only there: other threads need not wait for the GIL to find none.
bool is_main_thread() {
  const py::object main = py::module_::import("threading").attr("main_thread")();
  return py::getattr(main, "ident", py::none()).equal(py::int_(PyThread_get_thread_ident()));
}

}  // namespace

CoreCall::CoreCall()
    : hears_signals_(is_main_thread()),
      generation_(cancellations.load(std::memory_order_relaxed)),
      scope_([this] { poll(); }) {}

void CoreCall::poll() const {
  if (hears_signals_) {
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
  if (cancellations.load(std::memory_order_relaxed) != generation_) throw Cancelled();
}

void cancel_running() noexcept { cancellations.fetch_add(1, std::memory_order_relaxed); }

}  // namespace meadow::python
