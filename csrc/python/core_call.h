// The scope of every call that may take long.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

#include "meadow/base/cancellation.h"

namespace meadow::python {

// Without the GIL during its lifetime. A thread that wants it back while the interpreter ends never
// gets it: it stops for good, as Python 3.14 does, because the thread exit of earlier versions
// unwinds through destructors and so ends the process with std::terminate.
class ReleasedGil {
 public:
  ReleasedGil();
  ~ReleasedGil();
  ReleasedGil(const ReleasedGil&) = delete;
  ReleasedGil& operator=(const ReleasedGil&) = delete;

 private:
  bool ends_interpreter_;  // this thread does
  PyThreadState* state_;
};

// During its lifetime, the GIL is released, and the core's work is ended by an exception from
// Python's signal handlers (Ctrl-C), or with Cancelled by `cancel_running`.
class CoreCall {
 public:
  CoreCall();
  CoreCall(const CoreCall&) = delete;
  CoreCall& operator=(const CoreCall&) = delete;

 private:
  void poll() const;

  bool hears_signals_;
  std::uint64_t generation_;
  ReleasedGil release_;
  CancellationScope scope_;
};

// Ends the calls that are running now, in all threads; later calls are not affected.
void cancel_running() noexcept;

}  // namespace meadow::python
