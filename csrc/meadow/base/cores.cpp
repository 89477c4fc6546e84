#include "meadow/base/cores.h"

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

namespace meadow {
namespace {

namespace fs = std::filesystem;

// Quota and period in microseconds; nothing if the quota is "max", -1, or not there.
std::optional<unsigned> cores_of(const std::string& quota, const std::string& period) noexcept {
  constexpr long long kMost = 1LL << 40;  // of microseconds
  try {
    const long long time = std::stoll(quota);
    const long long every = std::stoll(period);
    if (time <= 0 || every <= 0 || time > kMost) return std::nullopt;
    return static_cast<unsigned>(std::min<long long>((time + every - 1) / every, 1 << 16));
  } catch (...) {  // no number
    return std::nullopt;
  }
}

std::string first_word(const fs::path& file) {
  std::string word;
  std::ifstream(file) >> word;
  return word;
}

std::optional<unsigned> quota_of(const fs::path& group) {
  std::ifstream file(group / "cpu.max");  // "150000 100000" or "max 100000"
  std::string quota;
  std::string period;
  if (file >> quota >> period) return cores_of(quota, period);
  return cores_of(first_word(group / "cpu.cfs_quota_us"), first_word(group / "cpu.cfs_period_us"));
}

std::optional<unsigned> smaller(std::optional<unsigned> a, std::optional<unsigned> b) noexcept {
  if (!a || !b) return a ? a : b;
  return std::min(*a, *b);
}

// A container may see its own group as the root: then the path does not exist below `top`, and the
// root is looked at instead.
std::optional<unsigned> smallest_quota(const fs::path& top, const fs::path& group) {
  std::optional<unsigned> least = quota_of(top);
  fs::path folder = top;
  for (const fs::path& part : group.relative_path()) {
    if (part == "..") break;  // a group outside of what this process sees
    folder /= part;
    least = smaller(least, quota_of(folder));
  }
  return least;
}

bool names_cpu(const std::string& controllers) {
  return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

unsigned allowed_cores() noexcept {
#ifdef __linux__
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    return static_cast<unsigned>(std::max(1, CPU_COUNT(&allowed)));
  }
#endif
  return std::max(1U, std::thread::hardware_concurrency());
}

std::optional<unsigned> own_quota() noexcept {
  try {
    return quota_cores("/sys/fs/cgroup", "/proc/self/cgroup");
  } catch (...) {  // nothing can be read: no quota is known
    return std::nullopt;
  }
}

}  // namespace

std::optional<unsigned> quota_cores(const fs::path& root, const fs::path& groups) {
  std::optional<unsigned> least;
  std::ifstream file(groups);
  // A line is "0::/path" in version 2, "4:cpu,cpuacct:/path" in version 1.
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const fs::path group = line.substr(second + 1);
    if (controllers.empty()) {
      least = smaller(least, smallest_quota(root, group));
    } else if (names_cpu(controllers)) {
      least = smaller(least, smallest_quota(root / controllers, group));
      if (controllers != "cpu") least = smaller(least, smallest_quota(root / "cpu", group));
    }
  }
  return least;
}

unsigned hardware_threads() noexcept {
  static const std::optional<unsigned> quota = own_quota();
  const unsigned cores = allowed_cores();
  return quota ? std::min(cores, std::max(1U, *quota)) : cores;
}

unsigned usable_threads(unsigned wanted) noexcept {
  constexpr unsigned kAlways = 8;
  const unsigned cores = hardware_threads();
  return wanted == 0 ? cores : std::min(wanted, std::max(cores, kAlways));
}

}  // namespace meadow
