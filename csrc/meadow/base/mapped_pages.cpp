#include "meadow/base/mapped_pages.h"

#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace meadow {

#if defined(__linux__) && defined(MADV_HUGEPAGE)
void prefer_huge_pages(const void* memory, std::size_t bytes) noexcept {
  constexpr std::size_t kFewest = 1 << 20;  // smaller memory may share pages with others
  if (bytes < kFewest) return;
  static const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  const std::uintptr_t begin = address / page * page;
  const std::uintptr_t end = (address + bytes + page - 1) / page * page;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): the page that the memory begins in
  static_cast<void>(madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE));
}
#else
void prefer_huge_pages(const void* /*memory*/, std::size_t /*bytes*/) noexcept {}
#endif

}  // namespace meadow
