// Where the fields of a blob's head lie; docs/format.md has the same table.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "meadow/number/dtype.h"

namespace meadow::blob_fields {

inline constexpr std::array<std::uint8_t, 4> kMagic = {'M', 'D', 'W', 'B'};
inline constexpr std::size_t kPlaneEntryBytes = 8;
inline constexpr std::size_t kTileEntryBytes = 12;
inline constexpr std::size_t kChecksumBytes = 8;
inline constexpr std::uint64_t kMostRecords = std::uint64_t{1} << 40;

enum Offset : std::size_t {
  kAtMagic = 0,
  kAtVersion = 4,
  kAtKind = 5,
  kAtPlanes = 6,
  kAtFlags = 7,
  kAtRecords = 8,
  kAtColumns = 16,
  kAtTileRecords = 24,
  kAtRecordBytes = 28,
  kAtBase = 30,
  kAtTop = 31,
  kAtBytes = 32,
  kAtHeadBytes = 40,
  kAtStored = 44,
  kAtContent = 45,
  kAtReserved = 46,
  kAtDtype = 48,
  kAtFloor = 64,
};

enum Flag : std::uint8_t { kRowBases = 1, kColumnBases = 2, kAllFlags = 3 };

// Float types in a head.
inline constexpr std::array<FloatType, 3> kFloats = {FloatType::kF32, FloatType::kF16,
                                                     FloatType::kBF16};

inline std::uint8_t number_of(FloatType type) {
  const auto* at = std::find(kFloats.begin(), kFloats.end(), type);
  return static_cast<std::uint8_t>(1 + (at - kFloats.begin()));
}

}  // namespace meadow::blob_fields
