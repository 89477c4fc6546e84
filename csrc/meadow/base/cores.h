// How many cores this process may use.
#pragma once

#include <filesystem>
#include <optional>

namespace meadow {

// The cores that this process may run on, or fewer if a quota of its control group (as containers
// have) gives it less time than that: a quota of 1.5 cores counts as two. The quota is read once.
unsigned hardware_threads() noexcept;

// The number of threads for a caller that asks for `wanted` (0: all cores). The most is the number
// of cores, or eight if there are fewer, so that tests find several threads on any machine.
unsigned usable_threads(unsigned wanted) noexcept;

// The smallest quota of the groups that `groups` (/proc/self/cgroup) names and of those above them,
// in cores and rounded up; nothing if none has a quota. `root` is /sys/fs/cgroup. Reads cpu.max of
// version 2 and cpu.cfs_quota_us of version 1.
std::optional<unsigned> quota_cores(const std::filesystem::path& root,
                                    const std::filesystem::path& groups);

}  // namespace meadow
