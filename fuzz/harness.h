// Shared by the targets: reading parameters from the front of an input, and failing with a reason.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <vector>

namespace meadow::fuzz {

// Aborts, so that the engine keeps the input.
[[noreturn]] inline void fail(const char* property) {
  std::fprintf(stderr, "property violated: %s\n", property);
  std::abort();
}

inline void require(bool holds, const char* property) {
  if (!holds) fail(property);
}

// Reads parameters from the front of an input; past its end they are zero.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_(data, size) {}

  template <typename Value>
  Value take() {
    Value value{};
    const std::size_t bytes = left_.size() < sizeof value ? left_.size() : sizeof value;
    if (bytes != 0) std::memcpy(&value, left_.data(), bytes);
    left_ = left_.subspan(bytes);
    return value;
  }

  // One byte, brought into low ... high.
  unsigned take_in(unsigned low, unsigned high) {
    return low + take<std::uint8_t>() % (high - low + 1);
  }

  // All whole elements that are left, in memory of exactly their size, so that AddressSanitizer
  // detects a read past the last one.
  template <typename Element>
  std::vector<Element> take_rest(std::size_t at_most) {
    std::size_t count = left_.size() / sizeof(Element);
    if (count > at_most) count = at_most;
    std::vector<Element> elements(count);
    if (count != 0) std::memcpy(elements.data(), left_.data(), count * sizeof(Element));
    elements.shrink_to_fit();
    left_ = {};
    return elements;
  }

 private:
  std::span<const std::uint8_t> left_;
};

}  // namespace meadow::fuzz
