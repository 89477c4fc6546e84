// Random numbers that are the same on every platform for the same seed.
#pragma once

#include <array>
#include <cstdint>

namespace meadow {

// xoshiro256** 1.0 (D. Blackman, S. Vigna, "Scrambled linear pseudorandom number generators",
// 2018), with its state filled from the seed by SplitMix64, as its authors advise. Integers only.
class RandomNumbers {
 public:
  explicit RandomNumbers(std::uint64_t seed) noexcept;

  std::uint64_t next() noexcept;
  // In [0, 1), a multiple of 2^-53.
  double next_unit() noexcept { return static_cast<double>(next() >> 11U) * 0x1p-53; }

 private:
  std::array<std::uint64_t, 4> state_;
};

}  // namespace meadow
