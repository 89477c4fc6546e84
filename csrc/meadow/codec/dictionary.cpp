#include "meadow/codec/dictionary.h"

#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"

namespace meadow {

Bytes pack_dictionary(const ChunkedCodes& source) {
  const UniqueChunks& chunks = source.chunks();
  StreamHeader header = source.header(Codec::kDictionary);
  const unsigned width = index_width(chunks.unique());
  header.widths = {static_cast<std::uint8_t>(width)};

  const std::size_t count = chunks.indices.size();
  std::vector<std::size_t> tile_bytes;
  for (std::size_t n = 0; n < header.tile_count(); ++n) {
    const Block tile = nth_block(n, count, header.tile_chunks());
    tile_bytes.push_back(bytes_of_bits((tile.end - tile.begin) * width));
  }
  StreamBuilder builder(header, chunks.dictionary, tile_bytes);
  parallel_for(tile_bytes.size(), source.threads(), [&](std::size_t n) {
    const Block tile = nth_block(n, count, header.tile_chunks());
    BitWriter writer(builder.tile(n));
    for (std::size_t i = tile.begin; i < tile.end; ++i) writer.put(chunks.indices[i], width);
    writer.finish();
  });
  return builder.finish();
}

void check_dictionary_header(const StreamHeader& header) {
  corrupt_unless(header.widths.size() == 1, "coded stream: number of widths of a dictionary stream",
                 "1", header.widths.size());
  corrupt_unless(header.packet_length == 1, "coded stream: packet length of a dictionary stream",
                 "1", header.packet_length);
  corrupt_unless(!header.reindexed, "coded stream: re-indexed flag of a dictionary stream", "0", 1);
  const unsigned needed = index_width(header.unique);
  corrupt_unless(header.widths[0] == needed, "coded stream: width of indices",
                 std::to_string(needed).c_str(), header.widths[0]);
}

bool decode_dictionary_tile(const StreamHeader& header, std::span<const std::uint8_t> tile,
                            std::span<std::uint32_t> indices) noexcept {
  const unsigned width = header.widths[0];
  if (tile.size() != bytes_of_bits(indices.size() * width)) return false;
  BitReader reader(tile.data(), tile.size());
  for (std::uint32_t& index : indices) index = reader.get(width);
  return reader.finished();
}

std::uint64_t index_bits_of_dictionary(const StreamView& view, unsigned /*threads*/) noexcept {
  return view.header.chunk_count() * view.header.widths[0];
}

}  // namespace meadow
