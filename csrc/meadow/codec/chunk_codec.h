// What the codecs of a unique matrix share: the chunks they pack, and decoding by tiles.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "meadow/codec/stream.h"
#include "meadow/stats/chunks.h"

namespace meadow {

// A weight cut in chunks, ready to be packed. `codes` must outlive it.
class ChunkedCodes {
 public:
  // Throws InvalidArgument for elements wider than their bits need, because a stream would not
  // give them back, and for what unique_chunks refuses.
  ChunkedCodes(const CodeMatrix& codes, unsigned chunk, bool along_output, unsigned threads);

  ChunkedCodes(const ChunkedCodes&) = delete;
  ChunkedCodes& operator=(const ChunkedCodes&) = delete;

  [[nodiscard]] const CodeMatrix& codes() const noexcept { return codes_; }
  // The matrix whose rows are cut: the codes, or their transpose.
  [[nodiscard]] const CodeMatrix& cut() const noexcept { return cut_; }
  [[nodiscard]] const UniqueChunks& chunks() const noexcept { return chunks_; }
  [[nodiscard]] UniqueChunks take_chunks() && noexcept { return std::move(chunks_); }
  [[nodiscard]] unsigned chunk() const noexcept { return chunk_; }
  [[nodiscard]] unsigned threads() const noexcept { return threads_; }

  // A header for these codes that says nothing of indices yet.
  [[nodiscard]] StreamHeader header(Codec codec) const;

 private:
  CodeMatrix codes_;
  unsigned chunk_;
  bool along_output_;
  unsigned threads_;
  Bytes turned_;
  CodeMatrix cut_;
  UniqueChunks chunks_;
};

// Codes of the stream as header().element_bytes() per element, rows * columns of them. Throws
// Corrupt for an index outside the dictionary, a mode without a width, a tile of the wrong length.
Bytes decode_codes(const StreamView& view, unsigned threads);

// Throws std::logic_error if the stream does not decode to the codes that it was packed from.
void verify_stream(std::span<const std::uint8_t> stream, const ChunkedCodes& source);

// Where every bit of a stream goes; they add up to 8 * bytes.
struct StreamLedger {
  std::uint64_t header;  // with tile index and checksum
  std::uint64_t dictionary;
  std::uint64_t modes;
  std::uint64_t indices;
  std::uint64_t padding;  // up to a whole byte, behind the dictionary and each tile
};

StreamLedger ledger_of(const StreamView& view, unsigned threads);

}  // namespace meadow
