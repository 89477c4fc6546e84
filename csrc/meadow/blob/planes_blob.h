// The planes of a float weight as a blob: a runtime codec in the layout of
// kernels/bf16_planes/bf16_planes.h, so that a mapped file is multiplied without a copy.
// docs/format.md specifies it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "meadow/base/raw_vector.h"
#include "meadow/blob/planes_layout.h"
#include "meadow/kernels/bf16_planes/bf16_planes.h"
#include "meadow/number/dtype.h"

namespace meadow {

constexpr std::uint8_t kPlanesVersion = 1;

// A checked head; pointers and spans point into the blob.
struct PlanesView {
  PlanesLayout layout;
  FloatType stored = FloatType::kBF16;
  std::uint64_t floor_bits = 0;  // entropy of upper bytes, 64 rows at a time, plus all lower bytes
  std::span<const std::uint8_t> checksums;  // [blocks, 2] XXH64 of codes and of lower bytes
  kernels::Bf16PlaneRows planes{};

  [[nodiscard]] std::size_t row_bytes() const noexcept {
    return layout.columns * layout_of(stored).bytes;
  }
  [[nodiscard]] std::size_t nbytes() const noexcept { return layout.rows * row_bytes(); }
  // The number of bytes that a product reads.
  [[nodiscard]] std::size_t plane_bytes() const noexcept;
};

// Encodes row-major values of F32, F16 or BF16. Returns nothing if BF16 does not hold every value,
// if rows are too long or there are none, and if the blob would not be smaller than the values in
// BF16.
std::optional<Bytes> encode_planes_blob(FloatType stored, const void* values, std::size_t rows,
                                        std::size_t columns, unsigned threads);

// Reads and checks everything but codes and lower bytes: a blob that passes can be multiplied and
// decoded. Zero bytes may follow the blob, whose address is a multiple of 4. Throws Truncated,
// Corrupt or NewerVersion, and InvalidArgument for other addresses.
PlanesView parse_planes_blob(std::span<const std::uint8_t> blob);

// Decodes blocks first .. last to stored bytes in `out`, which has exactly their size. Throws
// Corrupt for a block whose checksum is wrong.
void decode_planes(const PlanesView& view, std::size_t first, std::size_t last,
                   std::span<std::uint8_t> out, unsigned threads);

// Checks every block.
void verify_planes(const PlanesView& view, unsigned threads);

// For callers that change a blob on purpose, such as the fuzzers: corrects its checksums, as far as
// the head can be read.
void fix_planes_checksums(std::span<std::uint8_t> blob);

}  // namespace meadow
