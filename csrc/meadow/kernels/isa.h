// Which instruction sets this build has kernels for, which this CPU runs, and which is in use.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace meadow {

// In order of preference, worst first.
enum class Isa { kScalar, kNeon, kAvx2, kAvx512 };
constexpr std::size_t kIsaCount = 4;

std::string_view isa_name(Isa isa) noexcept;

// Built in and supported by this CPU and its operating system, worst first; never empty.
std::vector<Isa> available_isas();

// What select_isa chose last; before that, what MEADOW_ISA names, or the best available one where
// it is unset or names none. The environment is read once, on first use.
Isa active_isa() noexcept;

// The same, for the start of a program: throws InvalidArgument if MEADOW_ISA names what is unknown
// or not available here, because active_isa cannot complain.
void resolve_isa();

// Throws InvalidArgument for a name that is unknown or not available here.
void select_isa(std::string_view name);

}  // namespace meadow
