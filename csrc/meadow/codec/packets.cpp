#include "meadow/codec/packets.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <functional>
#include <numeric>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/codec/packet_search.h"

namespace meadow {
namespace {

constexpr std::size_t kBlock = 1 << 16;

// Dictionary entries by descending count; ties stay in order of first appearance. Most entries are
// rare and are placed by counting; only the others, which are few, are sorted by comparison.
RawVector<std::uint32_t> by_frequency(const RawVector<std::uint32_t>& counts) {
  constexpr std::uint32_t kRare = 1024;
  RawVector<std::uint32_t> frequent;
  std::array<std::size_t, kRare> entries_with{};
  for_each_block({0, counts.size()}, [&](Block block) {
    for (std::size_t id = block.begin; id < block.end; ++id) {
      if (counts[id] < kRare) {
        ++entries_with[counts[id]];
      } else {
        frequent.push_back(static_cast<std::uint32_t>(id));
      }
    }
  });
  std::stable_sort(frequent.begin(), frequent.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return counts[a] > counts[b]; });

  std::array<std::size_t, kRare> next{};
  for (std::size_t count = kRare, at = frequent.size(); count-- > 0; at += entries_with[count]) {
    next[count] = at;
  }
  RawVector<std::uint32_t> order = std::move(frequent);
  order.resize(counts.size());
  for_each_block({0, counts.size()}, [&](Block block) {
    for (std::size_t id = block.begin; id < block.end; ++id) {
      if (counts[id] < kRare) order[next[counts[id]]++] = static_cast<std::uint32_t>(id);
    }
  });
  return order;
}

Bytes reordered(const Bytes& dictionary, const RawVector<std::uint32_t>& order, unsigned threads) {
  const std::size_t entry = order.empty() ? 0 : dictionary.size() / order.size();
  Bytes out(dictionary.size());
  parallel_for(block_count(order.size(), kBlock), threads, [&](std::size_t n) {
    const Block block = nth_block(n, order.size(), kBlock);
    for (std::size_t i = block.begin; i < block.end; ++i) {
      std::memcpy(&out[i * entry], &dictionary[order[i] * entry], entry);
    }
  });
  return out;
}

// The place of each dictionary entry in `order`, which names every entry once.
RawVector<std::uint32_t> ranks_of(const RawVector<std::uint32_t>& order, unsigned threads) {
  RawVector<std::uint32_t> rank(order.size());
  parallel_for(block_count(order.size(), kBlock), threads, [&](std::size_t n) {
    const Block block = nth_block(n, order.size(), kBlock);
    for (std::size_t i = block.begin; i < block.end; ++i) {
      rank[order[i]] = static_cast<std::uint32_t>(i);
    }
  });
  return rank;
}

RawVector<std::uint32_t> renumbered(const RawVector<std::uint32_t>& indices,
                                    const RawVector<std::uint32_t>& order, unsigned threads) {
  const RawVector<std::uint32_t> rank = ranks_of(order, threads);
  RawVector<std::uint32_t> out(indices.size());
  parallel_for(block_count(indices.size(), kBlock), threads, [&](std::size_t n) {
    const Block block = nth_block(n, indices.size(), kBlock);
    for (std::size_t i = block.begin; i < block.end; ++i) out[i] = rank[indices[i]];
  });
  return out;
}

void check_options(const PacketOptions& options, std::size_t unique) {
  if (options.length > kMaxPacketLength) {
    invalid("packet length: expected 1 to " + std::to_string(kMaxPacketLength) + ", found " +
            std::to_string(options.length));
  }
  const std::vector<std::uint8_t>& widths = options.widths;
  if (widths.empty()) return;
  const auto not_ascending =
      std::adjacent_find(widths.begin(), widths.end(), std::greater_equal<>());
  if (not_ascending != widths.end() || widths.back() > kMaxWidth || widths.size() > kMaxWidth) {
    invalid(
        "packet widths: expected at most 32 widths of 0 to 32 bits in ascending order, found "
        "others");
  }
  if (widths.back() < index_width(unique)) {
    invalid("packet widths: expected one of at least " + std::to_string(index_width(unique)) +
            " bits for " + std::to_string(unique) + " dictionary entries, found at most " +
            std::to_string(widths.back()));
  }
}

// The mode for each number of bits that the largest index of a packet may need.
std::array<std::uint8_t, kMaxWidth + 1> mode_of_need(const std::vector<std::uint8_t>& widths) {
  std::array<std::uint8_t, kMaxWidth + 1> modes{};
  std::uint8_t mode = 0;
  for (std::size_t need = 0; need < modes.size(); ++need) {
    while (mode + 1U < widths.size() && widths[mode] < need) ++mode;
    modes[need] = mode;
  }
  return modes;
}

// One tile's indices, packet by packet: visit(mode, indices of the packet).
class PacketWalk {
 public:
  PacketWalk(std::span<const std::uint32_t> indices, const StreamHeader& header)
      : indices_(indices), header_(header), modes_(mode_of_need(header.widths)) {}

  template <typename Visit>
  void for_each(std::size_t tile, const Visit& visit) const {
    const Block range = nth_block(tile, indices_.size(), header_.tile_chunks());
    for (std::size_t at = range.begin; at < range.end; at += header_.packet_length) {
      const std::size_t count = std::min<std::size_t>(header_.packet_length, range.end - at);
      const auto packet = indices_.subspan(at, count);
      std::uint32_t all = 0;
      for (const std::uint32_t index : packet) all |= index;
      visit(modes_[static_cast<std::size_t>(std::bit_width(all))], packet);
    }
  }

  [[nodiscard]] std::size_t bytes_of(std::size_t tile) const {
    std::uint64_t bits = 0;
    for_each(tile, [&](std::uint8_t mode, std::span<const std::uint32_t> packet) {
      bits += header_.mode_bits() + packet.size() * header_.widths[mode];
    });
    return bytes_of_bits(bits);
  }

  void write(std::size_t tile, std::uint8_t* out) const {
    BitWriter writer(out);
    const unsigned mode_bits = header_.mode_bits();
    for_each(tile, [&](std::uint8_t mode, std::span<const std::uint32_t> packet) {
      const unsigned width = header_.widths[mode];
      writer.put(mode, mode_bits);
      for (const std::uint32_t index : packet) writer.put(index, width);
    });
    writer.finish();
  }

 private:
  std::span<const std::uint32_t> indices_;
  const StreamHeader& header_;
  std::array<std::uint8_t, kMaxWidth + 1> modes_;
};

Bytes write_stream(const StreamHeader& header, std::span<const std::uint8_t> dictionary,
                   std::span<const std::uint32_t> indices, unsigned threads) {
  const PacketWalk walk(indices, header);
  std::vector<std::size_t> tile_bytes(header.tile_count());
  parallel_for(tile_bytes.size(), threads,
               [&](std::size_t n) { tile_bytes[n] = walk.bytes_of(n); });
  StreamBuilder builder(header, dictionary, tile_bytes);
  parallel_for(tile_bytes.size(), threads, [&](std::size_t n) { walk.write(n, builder.tile(n)); });
  return builder.finish();
}

// Reads only the modes and skips the indices; stops if a tile ends too early.
std::uint64_t index_bits_of_tile(const StreamHeader& header, std::span<const std::uint8_t> tile,
                                 std::size_t chunks) {
  const unsigned mode_bits = header.mode_bits();
  std::uint64_t bits = 0;
  std::uint64_t at = 0;
  for (std::size_t done = 0; done < chunks && at / 8 < tile.size(); done += header.packet_length) {
    BitReader reader(&tile[at / 8], std::min<std::size_t>(2, tile.size() - at / 8));
    reader.get(at % 8);
    const std::size_t mode = reader.get(mode_bits);
    if (mode >= header.widths.size())
      corrupt("coded stream: a packet names a width that the header does not list");
    const std::size_t count = std::min<std::size_t>(header.packet_length, chunks - done);
    bits += count * header.widths[mode];
    at += mode_bits + count * header.widths[mode];
  }
  return bits;
}

Bytes plan_and_write(const ChunkedCodes& source, const PacketOptions& options,
                     std::span<const std::uint8_t> dictionary,
                     std::span<const std::uint32_t> indices) {
  PacketPlan plan = plan_packets(indices, options.length, options.widths, source.threads());
  StreamHeader header = source.header(Codec::kPackets);
  header.reindexed = options.reindex;
  header.packet_length = plan.length;
  header.widths = std::move(plan.widths);
  return write_stream(header, dictionary, indices, source.threads());
}

}  // namespace

Bytes pack_packets(const ChunkedCodes& source, const PacketOptions& options) {
  const UniqueChunks& chunks = source.chunks();
  check_options(options, chunks.unique());
  if (!options.reindex) return plan_and_write(source, options, chunks.dictionary, chunks.indices);
  const RawVector<std::uint32_t> order = by_frequency(chunks.counts);
  return plan_and_write(source, options, reordered(chunks.dictionary, order, source.threads()),
                        renumbered(chunks.indices, order, source.threads()));
}

bool decode_packets_tile(const StreamHeader& header, std::span<const std::uint8_t> tile,
                         std::span<std::uint32_t> indices) noexcept {
  const unsigned mode_bits = header.mode_bits();
  BitReader reader(tile.data(), tile.size());
  for (std::size_t at = 0; at < indices.size(); at += header.packet_length) {
    const std::uint32_t mode = reader.get(mode_bits);
    if (mode >= header.widths.size()) return false;
    const unsigned width = header.widths[mode];
    const std::size_t end = std::min<std::size_t>(at + header.packet_length, indices.size());
    for (std::size_t i = at; i < end; ++i) indices[i] = reader.get(width);
  }
  return reader.finished();
}

std::uint64_t index_bits_of_packets(const StreamView& view, unsigned threads) {
  std::vector<std::uint64_t> bits(view.tiles.size(), 0);
  parallel_for(bits.size(), threads, [&](std::size_t n) {
    const Block chunks = nth_block(n, view.header.chunk_count(), view.header.tile_chunks());
    bits[n] = index_bits_of_tile(view.header, view.tiles[n], chunks.end - chunks.begin);
  });
  return std::accumulate(bits.begin(), bits.end(), std::uint64_t{0});
}

}  // namespace meadow
