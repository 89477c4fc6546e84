#include "meadow/codec/dictionary.h"

#include "meadow/base/bits.h"
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

bool decode_dictionary_tile(const StreamHeader& header, std::span<const std::uint8_t> tile,
                            std::span<std::uint32_t> indices) noexcept {
  const unsigned width = header.widths[0];
  if (tile.size() != bytes_of_bits(indices.size() * width)) return false;
  BitReader reader(tile.data(), tile.size());
  for (std::uint32_t& index : indices) index = reader.get(width);
  return reader.finished();
}

}  // namespace meadow
