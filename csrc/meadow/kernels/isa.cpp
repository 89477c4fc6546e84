#include "meadow/kernels/isa.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <array>
#include <atomic>
#include <cstdlib>
#include <optional>

#include "meadow/base/error.h"

namespace meadow {
namespace {

#if defined(__x86_64__)
// Clang before 15 does not know "f16c" in __builtin_cpu_supports. Leaf 1, ECX bit 29; the check for
// "avx2" covers whether the operating system saves the registers.
bool has_f16c() noexcept {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_F16C) != 0;
}

// These ask for every flag that csrc/meadow/CMakeLists.txt builds the ISA's files with, and for no
// other. __builtin_cpu_supports also asks whether the operating system saves the registers.
bool has_avx2() noexcept {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c() &&
         __builtin_cpu_supports("bmi2");
}

bool has_avx512() noexcept {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
         __builtin_cpu_supports("avx512vnni");
}
#endif

bool always() noexcept { return true; }

struct IsaEntry {
  Isa isa;
  std::string_view name;
  bool (*supported)() noexcept;  // null: not built for this architecture
};

constexpr std::array<IsaEntry, kIsaCount> kIsas = {{
    {Isa::kScalar, "scalar", always},
#if defined(__aarch64__)
    {Isa::kNeon, "neon", always},
#else
    {Isa::kNeon, "neon", nullptr},
#endif
#if defined(__x86_64__)
    {Isa::kAvx2, "avx2", has_avx2},
    {Isa::kAvx512, "avx512", has_avx512},
#else
    {Isa::kAvx2, "avx2", nullptr},
    {Isa::kAvx512, "avx512", nullptr},
#endif
}};

constexpr bool in_order() noexcept {
  for (std::size_t i = 0; i < kIsaCount; ++i) {
    if (kIsas[i].isa != static_cast<Isa>(i) || kIsas[i].name.empty()) return false;
  }
  return true;
}
static_assert(in_order(), "one entry for every Isa, in its order");

bool supported(const IsaEntry& entry) noexcept {
  return entry.supported != nullptr && entry.supported();
}

std::optional<Isa> available(std::string_view name) noexcept {
  for (const IsaEntry& entry : kIsas) {
    if (entry.name == name && supported(entry)) return entry.isa;
  }
  return std::nullopt;
}

std::string names_of_available() {
  std::string names;
  for (const Isa isa : available_isas()) {
    names += (names.empty() ? "" : ", ") + std::string(isa_name(isa));
  }
  return names;
}

Isa parse(std::string_view name, std::string_view origin) {
  if (const std::optional<Isa> isa = available(name)) return *isa;
  invalid(std::string(origin) + ": expected one of " + names_of_available() + ", found '" +
          std::string(name) + "'");
}

// Empty if MEADOW_ISA is unset or empty.
std::string_view name_in_environment() noexcept {
  const char* name = std::getenv("MEADOW_ISA");
  return name != nullptr ? name : "";
}

Isa best_available() noexcept {
  Isa best = Isa::kScalar;
  for (const IsaEntry& entry : kIsas) {
    if (supported(entry)) best = entry.isa;
  }
  return best;
}

constexpr int kUndecided = -1;
std::atomic<int> selected{kUndecided};

// Another thread may have decided meanwhile; its choice stands.
Isa decide() noexcept {
  int value = kUndecided;
  const Isa first = available(name_in_environment()).value_or(best_available());
  const bool decided = selected.compare_exchange_strong(value, static_cast<int>(first));
  return decided ? first : static_cast<Isa>(value);
}

}  // namespace

std::string_view isa_name(Isa isa) noexcept { return kIsas[static_cast<std::size_t>(isa)].name; }

std::vector<Isa> available_isas() {
  std::vector<Isa> found;
  for (const IsaEntry& entry : kIsas) {
    if (supported(entry)) found.push_back(entry.isa);
  }
  return found;
}

Isa active_isa() noexcept {
  const int value = selected.load(std::memory_order_relaxed);
  return value == kUndecided ? decide() : static_cast<Isa>(value);
}

void resolve_isa() {
  const std::string_view name = name_in_environment();
  if (!name.empty()) parse(name, "MEADOW_ISA");
  active_isa();
}

void select_isa(std::string_view name) { selected.store(static_cast<int>(parse(name, "ISA"))); }

}  // namespace meadow
