// The kinds of errors that a caller can act on.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace meadow {

enum class ErrorKind {
  kInvalidArgument,  // the caller's values are invalid, alone or together
  kWrongDtype,       // the operation does not accept values of this type
  kTruncated,        // a stream is shorter than it claims
  kCorrupt,          // a stream contradicts itself or its checksum
  kNewerVersion,     // a stream written by a later version of the format
};

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

[[noreturn]] inline void invalid(const std::string& message) {
  throw Error(ErrorKind::kInvalidArgument, message);
}
[[noreturn]] inline void wrong_dtype(const std::string& message) {
  throw Error(ErrorKind::kWrongDtype, message);
}
[[noreturn]] inline void truncated(const std::string& message) {
  throw Error(ErrorKind::kTruncated, message);
}
[[noreturn]] inline void corrupt(const std::string& message) {
  throw Error(ErrorKind::kCorrupt, message);
}

// Builds its message only when it throws Corrupt, so it may be used in a loop.
inline void corrupt_unless(bool holds, const char* what, const char* expected,
                           std::uint64_t found) {
  if (holds) return;
  corrupt(std::string(what) + ": expected " + expected + ", found " + std::to_string(found));
}

}  // namespace meadow
