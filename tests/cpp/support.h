// Random material and bitwise comparison for the C++ tests.
#pragma once

#include <doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "meadow/base/error.h"
#include "meadow/kernels/isa.h"
#include "meadow/stats/chunks.h"

namespace meadow::test {

inline std::mt19937 generator(unsigned seed) { return std::mt19937(seed); }

template <typename T>
bool same_bits(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <typename T, typename Allocator>
bool same_bits(const std::vector<T, Allocator>& a, const std::vector<T, Allocator>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

// Codes from a heavy-tailed distribution: some chunks are frequent, many are rare.
inline Bytes skewed_codes(std::size_t count, unsigned seed, double spread) {
  auto random = generator(seed);
  std::student_t_distribution<double> student(3.0);
  Bytes codes(count);
  for (std::uint8_t& code : codes) {
    const double value = std::max(-127.0, std::min(127.0, student(random) * spread));
    code = static_cast<std::uint8_t>(static_cast<std::int8_t>(value));
  }
  return codes;
}

inline CodeMatrix int8_matrix(const Bytes& codes, std::size_t rows) {
  return {codes.data(), rows, rows == 0 ? 0 : codes.size() / rows, 1, 8, true};
}

template <typename Call>
ErrorKind kind_of_failure(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("expected an error, found none");
  return ErrorKind::kInvalidArgument;
}

}  // namespace meadow::test
