// Takes typed values off the front of a fuzzer's bytes; zeros when they run out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace meadow::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}

  template <typename T>
  T take() {
    T value{};
    const std::size_t count = std::min(size_, sizeof value);
    if (count > 0) std::memcpy(&value, data_, count);
    data_ += count;
    size_ -= count;
    return value;
  }

  // A number from low to high, both included.
  unsigned between(unsigned low, unsigned high) {
    return low + take<std::uint8_t>() % (high - low + 1);
  }

  // All that is left, as whole values.
  template <typename T>
  std::vector<T> rest() {
    std::vector<T> values(size_ / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), data_, values.size() * sizeof(T));
    size_ = 0;
    return values;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
};

inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace meadow::fuzz
