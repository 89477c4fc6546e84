#include "meadow/codec/chunk_codec.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/codec/dictionary.h"
#include "meadow/codec/packets.h"

namespace meadow {
namespace {

// A codec is a line here, a pair of files, and a page of docs/format.md.
TileDecoder tile_decoder(Codec codec) noexcept {
  return codec == Codec::kDictionary ? decode_dictionary_tile : decode_packets_tile;
}

// Writes chunks into rows of the matrix that was cut; a constant size is one move.
template <std::size_t kBytes>
void copy_chunk(std::uint8_t* to, const std::uint8_t* from, std::size_t bytes) noexcept {
  std::memcpy(to, from, kBytes == 0 ? bytes : kBytes);
}

class ChunkWriter {
 public:
  ChunkWriter(const StreamHeader& header, const std::uint8_t* dictionary, std::uint8_t* codes)
      : dictionary_(dictionary),
        codes_(codes),
        chunk_bytes_(std::size_t{header.chunk} * header.element_bytes()),
        row_bytes_(header.cut_columns() * header.element_bytes()),
        per_row_(chunks_per_row(header.cut_columns(), header.chunk)) {}

  void write(std::size_t first, std::span<const std::uint32_t> indices) const noexcept {
    switch (chunk_bytes_) {
      case 1:
        return write_sized<1>(first, indices);
      case 2:
        return write_sized<2>(first, indices);
      case 4:
        return write_sized<4>(first, indices);
      case 8:
        return write_sized<8>(first, indices);
      case 16:
        return write_sized<16>(first, indices);
      default:
        return write_sized<0>(first, indices);
    }
  }

 private:
  template <std::size_t kBytes>
  void write_sized(std::size_t first, std::span<const std::uint32_t> indices) const noexcept {
    std::size_t row = first / per_row_;
    std::size_t at = (first % per_row_) * chunk_bytes_;
    for (const std::uint32_t index : indices) {
      std::uint8_t* to = codes_ + row * row_bytes_ + at;
      const std::uint8_t* from = dictionary_ + index * chunk_bytes_;
      at += chunk_bytes_;
      if (at < row_bytes_) {
        copy_chunk<kBytes>(to, from, chunk_bytes_);
        continue;
      }
      std::memcpy(to, from, chunk_bytes_ - (at - row_bytes_));
      at = 0;
      ++row;
    }
  }

  const std::uint8_t* dictionary_;
  std::uint8_t* codes_;
  std::size_t chunk_bytes_;
  std::size_t row_bytes_;
  std::size_t per_row_;
};

CodeMatrix matrix_of(const StreamHeader& header, const std::uint8_t* codes) noexcept {
  return {codes,          header.cut_rows(), header.cut_columns(), header.element_bytes(),
          header.bits, header.is_signed};
}

// One tile into its place; false if it is not what its header promised.
bool decode_tile(const StreamView& view, std::size_t n, const ChunkWriter& writer) {
  const StreamHeader& header = view.header;
  const Block range = nth_block(n, header.chunk_count(), header.tile_chunks());
  std::vector<std::uint32_t> indices(range.end - range.begin);
  if (!tile_decoder(header.codec)(header, view.tiles[n], indices)) return false;
  const bool inside = std::all_of(indices.begin(), indices.end(),
                                  [&](std::uint32_t index) { return index < header.unique; });
  if (inside) writer.write(range.begin, indices);
  return inside;
}

}  // namespace

ChunkedCodes::ChunkedCodes(const CodeMatrix& codes, unsigned chunk, bool along_output,
                           unsigned threads)
    : codes_(codes), chunk_(chunk), along_output_(along_output), threads_(threads) {
  if (!along_output) {
    chunks_ = unique_chunks(codes, chunk, threads);
    return;
  }
  const std::vector<std::uint8_t> turned = transposed(codes, threads);
  CodeMatrix matrix = codes;
  matrix.data = turned.data();
  std::swap(matrix.rows, matrix.columns);
  chunks_ = unique_chunks(matrix, chunk, threads);
}

StreamHeader ChunkedCodes::header(Codec codec) const {
  return {codec,
          codes_.rows,
          codes_.columns,
          codes_.bits,
          codes_.is_signed,
          along_output_,
          false,
          chunk_,
          static_cast<std::uint32_t>(chunks_.unique()),
          1,
          {}};
}

std::vector<std::uint8_t> decode_codes(const StreamView& view, unsigned threads) {
  const StreamHeader& header = view.header;
  const std::vector<std::uint8_t> dictionary = unpack_dictionary(view);
  std::vector<std::uint8_t> codes(header.rows * header.columns * header.element_bytes());
  const ChunkWriter writer(header, dictionary.data(), codes.data());
  parallel_for(view.tiles.size(), threads, [&](std::size_t n) {
    if (!decode_tile(view, n, writer)) {
      corrupt("coded stream: tile " + std::to_string(n) +
              " does not hold the indices that its header promises");
    }
  });
  return header.along_output ? transposed(matrix_of(header, codes.data()), threads) : codes;
}

void verify_stream(std::span<const std::uint8_t> stream, const ChunkedCodes& source) {
  const std::vector<std::uint8_t> again = decode_codes(parse_stream(stream), source.threads());
  const CodeMatrix& codes = source.codes();
  if (again.size() != codes.bytes() || !std::equal(again.begin(), again.end(), codes.data)) {
    throw std::logic_error("packed codes do not decode to themselves; please report this");
  }
}

StreamLedger ledger_of(const StreamView& view) {
  const StreamHeader& header = view.header;
  StreamLedger ledger{};
  ledger.header = 8 * (header.header_bytes() + kTileIndexEntryBytes * view.tiles.size() +
                       kChecksumBytes);
  ledger.dictionary = header.dictionary_bits();
  const std::uint64_t packets =
      (header.chunk_count() + header.packet_length - 1) / header.packet_length;
  ledger.modes = packets * header.mode_bits();
  ledger.indices = header.codec == Codec::kDictionary
                       ? header.chunk_count() * header.widths[0]
                       : index_bits_of_packets(view);
  ledger.padding =
      8 * view.bytes - ledger.header - ledger.dictionary - ledger.modes - ledger.indices;
  return ledger;
}

}  // namespace meadow
