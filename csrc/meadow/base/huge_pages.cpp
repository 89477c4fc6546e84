#include "meadow/base/huge_pages.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace meadow {

void* allocate_streamed(std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  const std::size_t unit = bytes >= 2 * kHugePage ? kHugePage : kLine;
  if (bytes > SIZE_MAX - unit) throw std::bad_alloc();
  void* memory =
      std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit + (bytes == 0 ? unit : 0));
  if (memory == nullptr) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  if (unit == kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);  // without it pages are small
#endif
  return memory;
}

void free_streamed(void* memory) noexcept { std::free(memory); }

}  // namespace meadow
