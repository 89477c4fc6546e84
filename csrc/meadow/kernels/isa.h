// Which instruction sets this build has kernels for, which this CPU runs, and which is in use.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace meadow {

// In order of preference, worst first.
enum class Isa { kScalar, kNeon, kAvx2, kAvx512 };

std::string_view isa_name(Isa isa) noexcept;

// Built in and supported by this CPU and its operating system; never empty.
std::vector<Isa> available_isas();

// The best available one, or what MEADOW_ISA names, or what select_isa chose last.
Isa active_isa();

// Throws InvalidArgument for a name that is unknown or not available here.
void select_isa(std::string_view name);

}  // namespace meadow
