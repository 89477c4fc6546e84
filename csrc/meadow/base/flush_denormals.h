// During its lifetime, this thread's vector arithmetic reads denormals as zeros and returns none.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <cstdint>

namespace meadow {

class FlushDenormals {
 public:
  explicit FlushDenormals(bool wanted) noexcept : before_(read()) {
    if (wanted) write(before_ | kFlush);
  }
  ~FlushDenormals() { write(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr std::uint64_t kFlush = 0x8040;  // MXCSR: FTZ and DAZ
  static std::uint64_t read() noexcept { return _mm_getcsr(); }
  static void write(std::uint64_t bits) noexcept { _mm_setcsr(static_cast<std::uint32_t>(bits)); }
#elif defined(__aarch64__)
  static constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;  // FPCR: FZ
  static std::uint64_t read() noexcept {
    std::uint64_t bits = 0;
    asm volatile("mrs %0, fpcr" : "=r"(bits));  // NOLINT(portability-no-assembler)
    return bits;
  }
  static void write(std::uint64_t bits) noexcept {
    asm volatile("msr fpcr, %0" : : "r"(bits));  // NOLINT(portability-no-assembler)
  }
#else
  static constexpr std::uint64_t kFlush = 0;
  static std::uint64_t read() noexcept { return 0; }
  static void write(std::uint64_t) noexcept {}
#endif

  std::uint64_t before_;
};

}  // namespace meadow
