// Memory that starts at a cache line: otherwise every load of a full-line vector would touch two
// lines.
#pragma once

#include <cstddef>
#include <cstdint>

#include "meadow/base/raw_vector.h"

namespace meadow {

constexpr std::size_t kLineBytes = 64;

template <typename T>
class LineVector {
 public:
  LineVector() = default;
  explicit LineVector(std::size_t count) { grow(count); }
  ~LineVector() = default;
  // Not copyable: in a copy the memory, and so the first element, would start elsewhere in a line.
  LineVector(const LineVector&) = delete;
  LineVector& operator=(const LineVector&) = delete;
  LineVector(LineVector&&) noexcept = default;
  LineVector& operator=(LineVector&&) noexcept = default;

  // Makes room for `count` elements; the old contents are lost if it grows.
  void grow(std::size_t count) {
    const std::size_t needed = count + kLineBytes / sizeof(T);
    if (memory_.size() < needed) memory_ = RawVector<T>(needed);
  }

  [[nodiscard]] T* data() noexcept { return aligned(memory_.data()); }
  [[nodiscard]] const T* data() const noexcept {
    return aligned(
        const_cast<T*>(memory_.data()));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  }

 private:
  static T* aligned(T* at) noexcept {
    constexpr std::size_t kOfLine = kLineBytes / sizeof(T);
    const std::size_t past = reinterpret_cast<std::uintptr_t>(at) / sizeof(T) % kOfLine;
    return past == 0 ? at : at + (kOfLine - past);
  }

  RawVector<T> memory_;
};

}  // namespace meadow
