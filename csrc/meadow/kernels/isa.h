// The instruction sets that this build has kernels for, those that this CPU runs, and the one in
// use.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meadow {

// In order of preference, the worst first.
enum class Isa { kScalar, kNeon, kAvx2, kAvx512 };
constexpr std::size_t kIsaCount = 4;

std::string_view isa_name(Isa isa) noexcept;

// Built in and supported by this CPU and its operating system, worst first; never empty.
std::vector<Isa> available_isas();

// The last choice of select_isa; before that, the ISA that MEADOW_ISA names, or the best available
// one if it is unset or names none. The environment is read once, on first use.
Isa active_isa() noexcept;

// Call it at the start of a program: throws InvalidArgument if MEADOW_ISA names an ISA that is
// unknown or not available here, because active_isa cannot throw.
void resolve_isa();

// Throws InvalidArgument for an ISA that is unknown or not available here.
void select_isa(std::string_view name);

}  // namespace meadow
