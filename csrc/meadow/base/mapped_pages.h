// Prepares memory that others own, such as a mapped file, for products to stream through.
#pragma once

#include <cstddef>

namespace meadow {

// Asks for huge pages: a file is then read from disk and mapped 2 MiB at a time, which needs fewer
// translations. This is only advice, on Linux; it does nothing where the system does not take it.
void prefer_huge_pages(const void* memory, std::size_t bytes) noexcept;

}  // namespace meadow
