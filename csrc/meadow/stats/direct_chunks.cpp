#include "meadow/stats/direct_chunks.h"

#include <algorithm>
#include <limits>

#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

constexpr std::uint32_t kNever = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kSmallestSlice = 1 << 15;
constexpr std::size_t kBlock = 1 << 16;

struct Row {
  std::uint32_t first = kNever;  // position
  std::uint32_t count = 0;
};
using Table = std::vector<Row>;

// The significant bits of the elements of a chunk, side by side.
class DirectKey {
 public:
  explicit DirectKey(const CodeMatrix& codes) noexcept
      : bits_(codes.bits), element_bits_(8 * codes.element_bytes) {}

  std::uint32_t operator()(std::uint64_t bytes) const noexcept {
    if (bits_ == element_bits_) return static_cast<std::uint32_t>(bytes);
    std::uint64_t key = 0;
    for (unsigned at = 0; bytes != 0 && at < kMaxDirectBits; at += bits_, bytes >>= element_bits_) {
      key |= (bytes & low_bits(bits_)) << at;
    }
    return static_cast<std::uint32_t>(key);
  }

 private:
  unsigned bits_;
  unsigned element_bits_;
};

void count_slice(const ChunkReader& reader, const DirectKey& key_of, Block slice, Table& table) {
  for_each_block(slice, [&](Block block) {
    reader.for_each(block.begin, block.end,
                    [&](std::size_t position, const std::uint8_t* at, std::size_t bytes) {
                      Row& row = table[key_of(reader.narrow_key(at, bytes))];
                      if (row.count++ == 0) row.first = static_cast<std::uint32_t>(position);
                    });
  });
}

void merge(Table& into, const Table& from) noexcept {
  for (std::size_t key = 0; key < into.size(); ++key) {
    into[key].first = std::min(into[key].first, from[key].first);
    into[key].count += from[key].count;
  }
}

// The keys that occur, in order of first appearance.
std::vector<std::uint32_t> occurring_keys(const Table& table) {
  std::vector<std::uint32_t> keys;
  for (std::size_t key = 0; key < table.size(); ++key) {
    if (table[key].count != 0) keys.push_back(static_cast<std::uint32_t>(key));
  }
  std::sort(keys.begin(), keys.end(),
            [&](std::uint32_t a, std::uint32_t b) { return table[a].first < table[b].first; });
  return keys;
}

}  // namespace

UniqueChunks unique_chunks_direct(const CodeMatrix& codes, unsigned chunk, unsigned threads) {
  const ChunkReader reader(codes, chunk);
  const DirectKey key_of(codes);
  const std::size_t count = reader.count();
  threads = usable_threads(threads);
  const std::size_t slice = std::max(kSmallestSlice, block_count(count, threads));
  const std::size_t slices = block_count(count, slice);

  std::vector<Table> tables(std::max<std::size_t>(1, slices),
                            Table(std::size_t{1} << (codes.bits * chunk)));
  parallel_for(slices, threads, [&](std::size_t n) {
    count_slice(reader, key_of, nth_block(n, count, slice), tables[n]);
  });
  Table& table = tables[0];
  for (std::size_t n = 1; n < tables.size(); ++n) merge(table, tables[n]);

  UniqueChunks found;
  const std::vector<std::uint32_t> keys = occurring_keys(table);
  std::vector<std::uint16_t> index_of(table.size());  // at most 2^16 chunks are distinct
  found.dictionary.resize(keys.size() * reader.chunk_bytes());
  for (std::size_t id = 0; id < keys.size(); ++id) {
    const Row& row = table[keys[id]];
    index_of[keys[id]] = static_cast<std::uint16_t>(id);
    found.counts.push_back(row.count);
    reader.for_each(row.first, row.first + std::size_t{1},
                    [&](std::size_t, const std::uint8_t* at, std::size_t bytes) {
                      reader.copy(at, bytes, &found.dictionary[id * reader.chunk_bytes()]);
                    });
  }
  found.indices.resize(count);
  parallel_for(block_count(count, kBlock), threads, [&](std::size_t n) {
    const Block block = nth_block(n, count, kBlock);
    reader.for_each(block.begin, block.end,
                    [&](std::size_t position, const std::uint8_t* at, std::size_t bytes) {
                      found.indices[position] = index_of[key_of(reader.narrow_key(at, bytes))];
                    });
  });
  return found;
}

}  // namespace meadow
