// Memory that others own, a mapped file perhaps, before products stream through it.
#pragma once

#include <cstddef>

namespace meadow {

// Asks for huge pages under it. A file is then read from the disk 2 MiB at a time and mapped so,
// with fewer translations. Only advice, on Linux; nothing where the system does not take it.
void prefer_huge_pages(const void* memory, std::size_t bytes) noexcept;

}  // namespace meadow
