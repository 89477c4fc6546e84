// The input of the dictionary codecs: a weight cut into chunks, and its dictionary.
#pragma once

#include <utility>

#include "meadow/codec/stream.h"
#include "meadow/stats/chunks.h"

namespace meadow {

// A weight cut into chunks, ready to be packed. `codes` must outlive it.
class ChunkedCodes {
 public:
  // Throws InvalidArgument for elements wider than their bits need, because a stream would not
  // restore that width, and for anything that unique_chunks refuses.
  ChunkedCodes(const CodeMatrix& codes, unsigned chunk, bool along_output, unsigned threads);

  ChunkedCodes(const ChunkedCodes&) = delete;
  ChunkedCodes& operator=(const ChunkedCodes&) = delete;

  [[nodiscard]] const CodeMatrix& codes() const noexcept { return codes_; }
  // The matrix whose rows are cut: the codes or their transpose.
  [[nodiscard]] const CodeMatrix& cut() const noexcept { return cut_; }
  [[nodiscard]] const UniqueChunks& chunks() const noexcept { return chunks_; }
  [[nodiscard]] UniqueChunks take_chunks() && noexcept { return std::move(chunks_); }
  [[nodiscard]] unsigned chunk() const noexcept { return chunk_; }
  [[nodiscard]] unsigned threads() const noexcept { return threads_; }

  // A header for these codes whose fields for the indices are not set yet.
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

}  // namespace meadow
