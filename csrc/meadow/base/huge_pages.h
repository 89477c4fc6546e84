// Memory for planes of weights, on huge pages where the system has them. With pages of 4 KiB a core
// that streams through memory waits for address translations, and prefetching stops at the end of
// every page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>
#include <vector>

namespace meadow {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Allocates at least `bytes`, aligned to a cache line, or to a huge page if they fill two or more.
// Throws std::bad_alloc.
void* allocate_streamed(std::size_t bytes);
void free_streamed(void* memory) noexcept;

template <typename T>
struct StreamedAllocator {
  using value_type = T;

  StreamedAllocator() = default;
  template <typename U>
  explicit StreamedAllocator(const StreamedAllocator<U>& /*other*/) noexcept {}

  T* allocate(std::size_t count) { return static_cast<T*>(allocate_streamed(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t /*count*/) noexcept { free_streamed(memory); }
  // Leaves new elements uninitialised, as RawVector does.
  template <typename U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <typename U, typename... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
  bool operator==(const StreamedAllocator& /*other*/) const noexcept { return true; }
};

// The bytes that a product streams through.
using StreamedBytes = std::vector<std::uint8_t, StreamedAllocator<std::uint8_t>>;

}  // namespace meadow
