// What is to hold under every ISA of this CPU.
#pragma once

#include <string>

#include "support.h"

namespace meadow::test {

// Selects one ISA after another, and at the end the one that was in use.
class EveryIsa {
 public:
  EveryIsa() = default;
  EveryIsa(const EveryIsa&) = delete;
  EveryIsa& operator=(const EveryIsa&) = delete;
  ~EveryIsa() { select_isa(isa_name(before_)); }

  template <typename Test>
  void run(const Test& test) const {
    for (const Isa isa : available_isas()) {
      CAPTURE(std::string(isa_name(isa)));
      select_isa(isa_name(isa));
      test();
    }
  }

 private:
  Isa before_ = active_isa();
};

}  // namespace meadow::test
