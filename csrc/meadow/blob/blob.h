// One tensor, coded losslessly: files hold it, the engine maps it and fuzzers attack it.
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
  std::string dtype;      // recorded in the blob, at most 16 letters
  std::uint64_t columns;  // length of a row in elements; 0 or 1 if there are no rows
};

// The trade-off between size and decoding speed.
enum class Effort : std::uint8_t {
  kFast,      // Huffman for exponents only, no scales
  kBalanced,  // the default
  kSmall,     // rANS wherever it is smaller
  kHuffman,   // Huffman or raw bits
  kRaw,       // raw bits
};

// Encodes F32, F16 or BF16; exponents are coded relative to the scales of rows and columns where
// that pays.
Bytes encode_floats(const TensorBytes& tensor, FloatType type, Effort effort, unsigned threads);

// Encodes records cut as `layout` says (kSegments or kGroups), with one code for each plane. Throws
// InvalidArgument unless the layout holds each bit once and the bytes are whole records.
Bytes encode_records(const TensorBytes& tensor, const Layout& layout, Effort effort,
                     unsigned threads);

// Decodes all records into `out`, which has exactly nbytes. Throws Corrupt for a tile whose
// checksum is wrong or that contradicts the head.
void decode_blob(const BlobView& blob, std::span<std::uint8_t> out, unsigned threads);

// Decodes only the tiles first .. last; `out` has exactly their size.
void decode_tiles(const BlobView& blob, std::size_t first, std::size_t last,
                  std::span<std::uint8_t> out, unsigned threads);

// Decodes every tile and discards the result.
void verify_blob(const BlobView& blob, unsigned threads);

}  // namespace meadow
