// One tensor, coded losslessly: what files hold, the engine maps and fuzzers attack.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "meadow/blob/header.h"
#include "meadow/blob/layout.h"

namespace meadow {

// A tensor's stored bytes: whole records, in tensor order.
struct TensorBytes {
  std::span<const std::uint8_t> bytes;
  std::string dtype;      // told by the blob, at most 16 letters
  std::uint64_t columns;  // length of a row in elements; 0 or 1 where there are no rows
};

// Which trade between size and decoding speed.
enum class Effort : std::uint8_t {
  kFast,      // Huffman of exponents alone, no scales
  kBalanced,  // the default
  kSmall,     // rANS wherever it is smaller
  kHuffman,   // Huffman or raw bits
  kRaw,       // raw bits
};

// Floats: F32, F16 or BF16, exponents coded under the scales of rows and columns where that pays.
Bytes encode_floats(const TensorBytes& tensor, FloatType type, Effort effort, unsigned threads);

// Records cut as `layout` says (kSegments or kGroups), one code for each plane. Throws
// InvalidArgument unless the layout holds each bit once and the bytes are whole records.
Bytes encode_records(const TensorBytes& tensor, const Layout& layout, Effort effort,
                     unsigned threads);

// All records into `out`, of exactly nbytes. Throws Corrupt for a tile whose checksum is wrong or
// that does not hold what the head promises.
void decode_blob(const BlobView& blob, std::span<std::uint8_t> out, unsigned threads);

// The tiles first .. last alone; `out` is of exactly their bytes.
void decode_tiles(const BlobView& blob, std::size_t first, std::size_t last,
                  std::span<std::uint8_t> out, unsigned threads);

// Decodes every tile and lets it go again.
void verify_blob(const BlobView& blob, unsigned threads);

}  // namespace meadow
