// A vector that leaves new elements uninitialised: large results are written once, by many threads,
// and filling them with zeros first would cost as much as the work itself.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace meadow {

template <typename T>
struct UninitializedAllocator : std::allocator<T> {
  template <typename U>
  struct rebind {
    using other = UninitializedAllocator<U>;
  };

  template <typename U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <typename U, typename... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
};

// For numbers only: RawVector<T>(n) and resize(n) leave them uninitialised.
template <typename T>
using RawVector = std::vector<T, UninitializedAllocator<T>>;

using Bytes = RawVector<std::uint8_t>;

}  // namespace meadow
