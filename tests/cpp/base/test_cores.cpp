// Quotas of control groups, in folders laid out as the kernel does.
#include <doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "meadow/base/cores.h"

namespace meadow {
namespace {

namespace fs = std::filesystem;

class Groups {
 public:
  explicit Groups(const std::string& lines) : folder_(fs::temp_directory_path() / "meadow_groups") {
    fs::remove_all(folder_);
    write("groups", lines);
  }
  ~Groups() { fs::remove_all(folder_); }
  Groups(const Groups&) = delete;
  Groups& operator=(const Groups&) = delete;

  Groups& write(const fs::path& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name) << text << '\n';
    return *this;
  }
  [[nodiscard]] std::optional<unsigned> quota() const {
    return quota_cores(folder_, folder_ / "groups");
  }

 private:
  fs::path folder_;
};

TEST_CASE("the smallest quota of a group and those above it counts, rounded up") {
  Groups groups("0::/user/box");
  CHECK(!groups.quota());
  CHECK(groups.write("user/box/cpu.max", "max 100000").quota() == std::nullopt);
  CHECK(groups.write("user/cpu.max", "350000 100000").quota() == 4U);
  CHECK(groups.write("user/box/cpu.max", "150000 100000").quota() == 2U);
  CHECK(groups.write("user/box/cpu.max", "1000 100000").quota() == 1U);
}

TEST_CASE("a container that sees its group as the root has the quota of the root") {
  Groups groups("0::/../other");
  CHECK(groups.write("cpu.max", "200000 100000").quota() == 2U);
  Groups hidden("0::/docker/1234");
  CHECK(hidden.write("cpu.max", "300000 100000").quota() == 3U);
}

TEST_CASE("quotas of version 1 count too") {
  Groups groups("5:memory:/box\n4:cpu,cpuacct:/box\n0::/");
  CHECK(!groups.write("cpu,cpuacct/box/cpu.cfs_quota_us", "-1")
             .write("cpu,cpuacct/box/cpu.cfs_period_us", "100000")
             .quota());
  CHECK(groups.write("cpu,cpuacct/box/cpu.cfs_quota_us", "250000").quota() == 3U);
}

TEST_CASE("what is no quota is ignored") {
  for (const char* text :
       {"", "none", "0 100000", "100000 0", "-5 100000", "99999999999999999999 1"}) {
    CAPTURE(text);
    Groups groups("no line of a group\n0::/");
    CHECK(!groups.write("cpu.max", text).quota());
  }
}

TEST_CASE("there is at least one core") { CHECK(hardware_threads() >= 1); }

}  // namespace
}  // namespace meadow
