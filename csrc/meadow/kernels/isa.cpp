#include "meadow/kernels/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <array>
#include <atomic>
#include <cstdlib>

#include "meadow/base/error.h"

namespace meadow {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"scalar", "neon", "avx2", "avx512"};
constexpr int kUndecided = -1;
std::atomic<int> selected{kUndecided};

#if defined(__x86_64__)
// Clang before 15 does not know "f16c" in __builtin_cpu_supports. Leaf 1, ECX bit 29; that the
// operating system saves the registers is what "avx2" tells.
bool has_f16c() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}
#endif

// Every flag that csrc/meadow/CMakeLists.txt builds the ISA's files with, and no other.
// __builtin_cpu_supports also asks whether the operating system saves the registers.
bool supported(Isa isa) noexcept {
  switch (isa) {
    case Isa::kScalar:
      return true;
#if defined(__aarch64__)
    case Isa::kNeon:
      return true;
#endif
#if defined(__x86_64__)
    case Isa::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c() &&
             __builtin_cpu_supports("bmi2");
    case Isa::kAvx512:
      return supported(Isa::kAvx2) && __builtin_cpu_supports("avx512f") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vbmi") &&
             __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vnni");
#endif
    default:
      return false;
  }
}

std::string names_of_available() {
  std::string names;
  for (const Isa isa : available_isas()) {
    names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
  }
  return names;
}

Isa parse(std::string_view name, std::string_view origin) {
  for (const Isa isa : available_isas()) {
    if (isa_name(isa) == name) return isa;
  }
  invalid(std::string(origin) + ": expected one of " + names_of_available() + ", found '" +
          std::string(name) + "'");
}

Isa first_choice() {
  const char* wanted = std::getenv("MEADOW_ISA");
  if (wanted != nullptr && *wanted != '\0') return parse(wanted, "MEADOW_ISA");
  return available_isas().back();
}

}  // namespace

std::string_view isa_name(Isa isa) noexcept { return kNames[static_cast<std::size_t>(isa)]; }

std::vector<Isa> available_isas() {
  std::vector<Isa> found;
  for (const Isa isa : {Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512}) {
    if (supported(isa)) found.push_back(isa);
  }
  return found;
}

Isa active_isa() {
  int value = selected.load(std::memory_order_relaxed);
  if (value == kUndecided) {
    value = static_cast<int>(first_choice());
    selected.store(value, std::memory_order_relaxed);
  }
  return static_cast<Isa>(value);
}

void select_isa(std::string_view name) { selected.store(static_cast<int>(parse(name, "ISA"))); }

}  // namespace meadow
