// Shared by the targets for blobs and codes.
#pragma once

#include "harness.h"
#include "meadow/base/error.h"
#include "meadow/kernels/isa.h"

namespace meadow::fuzz {

inline bool is_format_error(const Error& error) {
  return error.kind() == ErrorKind::kTruncated || error.kind() == ErrorKind::kCorrupt ||
         error.kind() == ErrorKind::kNewerVersion;
}

// Runs `test` under every ISA; the best one comes last and stays selected.
template <typename Test>
void for_each_isa(const Test& test) {
  for (const Isa isa : available_isas()) {
    select_isa(isa_name(isa));
    test();
  }
}

}  // namespace meadow::fuzz
