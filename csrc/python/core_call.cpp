#include "core_call.h"

#include <atomic>
#include <chrono>
#include <thread>

namespace meadow::python {
namespace {

namespace py = pybind11;

// The number of calls of `cancel_running`.
std::atomic<std::uint64_t> cancellations{0};

[[noreturn]] void park() noexcept {
  while (true) std::this_thread::sleep_for(std::chrono::hours(1));
}

bool is_finalizing() noexcept {
#if PY_VERSION_HEX >= 0x030D0000
  return Py_IsFinalizing() != 0;
#else
  return _Py_IsFinalizing() != 0;
#endif
}

// Python runs signal handlers only there: other threads need not wait for the GIL to find none.
bool is_main_thread() {
  if (is_finalizing()) return false;  // nothing can be imported any more
  const py::object main = py::module_::import("threading").attr("main_thread")();
  return py::getattr(main, "ident", py::none()).equal(py::int_(PyThread_get_thread_ident()));
}

}  // namespace

// Only the thread that ends the interpreter holds the GIL while that ends. pybind11's own states
// must exist before another thread acquires the GIL.
ReleasedGil::ReleasedGil()
    : ends_interpreter_(is_finalizing()),
      state_((py::detail::get_internals(), PyEval_SaveThread())) {}

ReleasedGil::~ReleasedGil() {
  if (is_finalizing() && !ends_interpreter_) park();
  try {
    PyEval_RestoreThread(state_);
  } catch (...) {  // pthread_exit: the interpreter began to end since the question above
    park();        // leaving this block would end the process
  }
}

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
