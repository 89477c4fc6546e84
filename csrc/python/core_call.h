// What surrounds every call that may take long.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

#include "meadow/base/cancellation.h"

namespace meadow::python {

// While it lives, the GIL is free, and the core's work ends by Ctrl-C, that is by what Python's
// signal handlers raise, or with Cancelled by `cancel_running`.
class CoreCall {
 public:
  CoreCall();
  CoreCall(const CoreCall&) = delete;
  CoreCall& operator=(const CoreCall&) = delete;

 private:
  void poll() const;

  bool hears_signals_;
  std::uint64_t generation_;
  pybind11::gil_scoped_release release_;
  CancellationScope scope_;
};

// Ends the calls that are running now, in all threads; those that begin later are not touched.
void cancel_running() noexcept;

}  // namespace meadow::python
