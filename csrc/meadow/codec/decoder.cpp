#include "meadow/codec/decoder.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/codec/stream_codecs.h"

namespace meadow {
namespace {

// With a constant size the copy is a single move.
template <std::size_t kBytes>
void copy_chunk(std::uint8_t* to, const std::uint8_t* from, std::size_t bytes) noexcept {
  std::memcpy(to, from, kBytes == 0 ? bytes : kBytes);
}

// Turns runs of indices back into codes. Consecutive chunks are consecutive bytes of the matrix
// that was cut, without the padding of a short last chunk of a row.
class ChunkWriter {
 public:
  ChunkWriter(const StreamHeader& header, const std::uint8_t* dictionary)
      : dictionary_(dictionary),
        chunk_bytes_(std::size_t{header.chunk} * header.element_bytes()),
        row_bytes_(header.cut_columns() * header.element_bytes()),
        per_row_(chunks_per_row(header.cut_columns(), header.chunk)) {}

  // The byte of the matrix where a chunk starts; also for the position after the last chunk.
  [[nodiscard]] std::size_t offset_of(std::size_t chunk) const noexcept {
    return per_row_ == 0 ? 0 : chunk / per_row_ * row_bytes_ + chunk % per_row_ * chunk_bytes_;
  }

  // `first` is the number of the first chunk, and `out` its destination.
  void write(std::size_t first, std::span<const std::uint32_t> indices,
             std::uint8_t* out) const noexcept {
    switch (chunk_bytes_) {
      case 1:
        return write_sized<1>(first, indices, out);
      case 2:
        return write_sized<2>(first, indices, out);
      case 4:
        return write_sized<4>(first, indices, out);
      case 8:
        return write_sized<8>(first, indices, out);
      case 16:
        return write_sized<16>(first, indices, out);
      default:
        return write_sized<0>(first, indices, out);
    }
  }

 private:
  template <std::size_t kBytes>
  void write_sized(std::size_t first, std::span<const std::uint32_t> indices,
                   std::uint8_t* out) const noexcept {
    std::size_t at = first % per_row_ * chunk_bytes_;
    for (const std::uint32_t index : indices) {
      const std::uint8_t* from = dictionary_ + index * chunk_bytes_;
      at += chunk_bytes_;
      if (at <= row_bytes_) {
        copy_chunk<kBytes>(out, from, chunk_bytes_);
        out += chunk_bytes_;
      } else {
        const std::size_t short_bytes = chunk_bytes_ - (at - row_bytes_);
        std::memcpy(out, from, short_bytes);
        out += short_bytes;
      }
      if (at >= row_bytes_) at = 0;
    }
  }

  const std::uint8_t* dictionary_;
  std::size_t chunk_bytes_;
  std::size_t row_bytes_;
  std::size_t per_row_;
};

CodeMatrix matrix_of(const StreamHeader& header, const std::uint8_t* codes) noexcept {
  return {codes,       header.cut_rows(), header.cut_columns(), header.element_bytes(),
          header.bits, header.is_signed};
}

Block chunks_of_tile(const StreamHeader& header, std::size_t n) noexcept {
  return nth_block(n, header.chunk_count(), header.tile_chunks());
}

// The indices of one tile, checked.
RawVector<std::uint32_t> tile_indices(const StreamView& view, std::size_t n) {
  const StreamHeader& header = view.header;
  const Block chunks = chunks_of_tile(header, n);
  RawVector<std::uint32_t> indices(chunks.end - chunks.begin);
  const bool whole = find_codec(header.codec)->decode_tile(header, view.tiles[n], indices);
  const auto inside = [&](std::uint32_t index) { return index < header.unique; };
  if (!whole || !std::all_of(indices.begin(), indices.end(), inside)) {
    corrupt("coded stream: tile " + std::to_string(n) +
            " does not hold the indices that its header promises");
  }
  return indices;
}

}  // namespace

Bytes decode_codes(const StreamView& view, unsigned threads) {
  const StreamHeader& header = view.header;
  const Bytes dictionary = unpack_dictionary(view);
  const ChunkWriter writer(header, dictionary.data());
  Bytes codes(header.rows * header.columns * header.element_bytes());
  parallel_for(view.tiles.size(), threads, [&](std::size_t n) {
    const std::size_t first = chunks_of_tile(header, n).begin;
    writer.write(first, tile_indices(view, n), &codes[writer.offset_of(first)]);
  });
  if (header.along_output) return transposed(matrix_of(header, codes.data()), threads);
  return codes;
}

void verify_stream(std::span<const std::uint8_t> stream, const ChunkedCodes& source) {
  const StreamView view = parse_stream(stream);
  const StreamHeader& header = view.header;
  const CodeMatrix& cut = source.cut();
  bool same = header.cut_rows() == cut.rows && header.cut_columns() == cut.columns &&
              header.element_bytes() == cut.element_bytes;
  const Bytes dictionary = unpack_dictionary(view);
  const ChunkWriter writer(header, dictionary.data());
  std::vector<std::uint8_t> tile_is_same(view.tiles.size(), 0);
  parallel_for(same ? view.tiles.size() : 0, source.threads(), [&](std::size_t n) {
    const Block chunks = chunks_of_tile(header, n);
    const std::size_t begin = writer.offset_of(chunks.begin);
    Bytes codes(writer.offset_of(chunks.end) - begin);
    writer.write(chunks.begin, tile_indices(view, n), codes.data());
    tile_is_same[n] = std::equal(codes.begin(), codes.end(), cut.data + begin) ? 1 : 0;
  });
  same = same && std::count(tile_is_same.begin(), tile_is_same.end(), 0) == 0;
  if (!same) {
    throw std::logic_error(
        "packed codes do not decode to themselves: either they changed after they were cut into "
        "chunks, or this is a bug; please report it");
  }
}

StreamLedger ledger_of(const StreamView& view, unsigned threads) {
  const StreamHeader& header = view.header;
  StreamLedger ledger{};
  ledger.header =
      8 * (header.header_bytes() + kTileIndexEntryBytes * view.tiles.size() + kChecksumBytes);
  ledger.dictionary = header.dictionary_bits();
  const std::uint64_t packets = block_count(header.chunk_count(), header.packet_length);
  ledger.modes = packets * header.mode_bits();
  ledger.indices = find_codec(header.codec)->index_bits(view, threads);
  const std::uint64_t used = ledger.header + ledger.dictionary + ledger.modes + ledger.indices;
  if (used > 8 * view.bytes || 8 * view.bytes - used >= 8 * (view.tiles.size() + 1)) {
    corrupt("coded stream: its tiles do not have the length that their indices need");
  }
  ledger.padding = 8 * view.bytes - used;
  return ledger;
}

}  // namespace meadow
