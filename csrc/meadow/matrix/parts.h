// Takes a matrix apart, and makes it again over memory that somebody else owns: for copies, other
// processes and exporters. Everything is checked when it is made; products rely on that afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "meadow/matrix/integer.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

enum class PartType { kU8, kU16, kU32, kF32 };

std::string_view name_of(PartType type) noexcept;
std::size_t width_of(PartType type) noexcept;

// A contiguous array of elements. Records, such as escapes, are bytes.
struct MatrixPart {
  std::string name;
  PartType type;
  const void* data;
  std::size_t count;
};

// Further properties of integer forms; see IntegerWeight.
struct IntegerOptions {
  std::size_t per_scale;
  InputForm input_form;
};

struct MatrixParts {
  std::string form;  // as Matrix::form
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::optional<IntegerOptions> integers;
  std::vector<MatrixPart> parts;

  template <typename T>
  void add(const char* name, std::span<const T> values);
};

template <typename T>
void MatrixParts::add(const char* name, std::span<const T> values) {
  if constexpr (std::is_same_v<T, float>) {
    parts.push_back({name, PartType::kF32, values.data(), values.size()});
  } else if constexpr (std::is_same_v<T, std::uint32_t>) {
    parts.push_back({name, PartType::kU32, values.data(), values.size()});
  } else if constexpr (std::is_same_v<T, std::uint16_t>) {
    parts.push_back({name, PartType::kU16, values.data(), values.size()});
  } else {
    parts.push_back({name, PartType::kU8, values.data(), values.size_bytes()});
  }
}

// Refers to memory that must outlive it and not change. Throws InvalidArgument for an unknown form
// and for a part that is missing, unknown, misaligned or of the wrong size, WrongDtype for a wrong
// type, and Corrupt for inconsistent contents.
std::unique_ptr<Matrix> matrix_of(const MatrixParts& parts);

// Hands out the parts of a form by name.
class PartReader {
 public:
  explicit PartReader(const MatrixParts& parts) : parts_(parts) {}

  // A part of exactly `count` elements; without `count`, of any number, which the caller must
  // check.
  template <typename T>
  std::span<const T> take(std::string_view name, std::optional<std::size_t> count = std::nullopt,
                          std::size_t alignment = alignof(T)) {
    return typed<T>(found(name, {type_of<T>(), sizeof(T), alignment}, count));
  }
  // Throws if any part was not taken.
  void finish() const;

 private:
  template <typename T>
  static constexpr PartType type_of() noexcept {
    if constexpr (std::is_same_v<T, float>) return PartType::kF32;
    if constexpr (std::is_same_v<T, std::uint32_t>) return PartType::kU32;
    if constexpr (std::is_same_v<T, std::uint16_t>) return PartType::kU16;
    return PartType::kU8;
  }
  template <typename T>
  static std::span<const T> typed(const MatrixPart& part) {
    return {static_cast<const T*>(part.data), part.count * width_of(part.type) / sizeof(T)};
  }
  struct Wanted {
    PartType type;
    std::size_t size;
    std::size_t alignment;
  };
  const MatrixPart& found(std::string_view name, const Wanted& wanted,
                          std::optional<std::size_t> count);

  const MatrixParts& parts_;
  std::vector<std::string_view> taken_;
};

// The one part of forms whose names begin with a dtype: rows * columns values.
struct DenseValues {
  DenseType type;
  const void* data;
};

DenseValues dense_values_of(const MatrixParts& parts);

}  // namespace meadow
