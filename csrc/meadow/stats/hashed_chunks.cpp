#include "meadow/stats/hashed_chunks.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <utility>

#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

// Chunks per partition that keep its table (at most four slots for each) in a level-2 cache.
constexpr std::size_t kPartitionChunks = 1 << 14;
constexpr unsigned kMaxPartitionBits = 10;
constexpr std::size_t kScatterBlock = 1 << 17;

constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio, Knuth's multiplier

std::uint64_t hash_of(std::uint64_t key) noexcept {
  key *= kGolden;
  return (key ^ (key >> 32)) * kGolden;
}

template <std::size_t kWords>
std::uint64_t hash_of(const WideKey<kWords>& key) noexcept {
  std::uint64_t hash = 0;
  for (const std::uint64_t word : key) hash = hash_of(std::rotl(hash, 29) ^ word);
  return hash;
}

template <typename Key>
struct Entry {
  Key key;
  std::uint32_t position;
};

struct Distinct {
  std::uint32_t first;  // position
  std::uint32_t count;
};

// Marks positions; afterwards tells how many marked ones lie before a position.
class RankedBitmap {
 public:
  explicit RankedBitmap(std::size_t size) : words_(size / 64 + 1), ranks_(words_.size() + 1, 0) {}

  // From several threads at once, each position at most once.
  void mark(std::size_t position) noexcept {
    std::atomic_ref<std::uint64_t>(words_[position / 64])
        .fetch_or(std::uint64_t{1} << (position % 64), std::memory_order_relaxed);
  }

  void count() noexcept {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      ranks_[i + 1] = ranks_[i] + static_cast<std::uint32_t>(std::popcount(words_[i]));
    }
  }

  [[nodiscard]] std::uint32_t marked() const noexcept { return ranks_.back(); }

  [[nodiscard]] std::uint32_t rank(std::size_t position) const noexcept {
    const std::uint64_t before = words_[position / 64] & low_bits(position % 64);
    return ranks_[position / 64] + static_cast<std::uint32_t>(std::popcount(before));
  }

 private:
  std::vector<std::uint64_t> words_;
  std::vector<std::uint32_t> ranks_;
};

// An open-addressing table that is used again for one partition after the other.
template <typename Key>
class DistinctTable {
 public:
  // Writes, for each entry, the first position of its chunk; returns the distinct ones.
  std::vector<Distinct> run(const Entry<Key>* entries, std::size_t count,
                            std::uint32_t* first_positions) {
    const auto slot_bits = static_cast<unsigned>(std::bit_width(count)) + 1;
    slots_.assign(std::size_t{1} << slot_bits, kEmpty);
    keys_.clear();
    std::vector<Distinct> distinct;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t id = find_or_add(entries[i], slot_bits, distinct);
      ++distinct[id].count;
      first_positions[entries[i].position] = distinct[id].first;
    }
    return distinct;
  }

 private:
  static constexpr std::uint32_t kEmpty = ~std::uint32_t{0};

  std::uint32_t find_or_add(const Entry<Key>& entry, unsigned slot_bits,
                            std::vector<Distinct>& distinct) {
    // The partition took the highest bits of the hash; the slot takes the lowest.
    std::size_t slot = hash_of(entry.key) & low_bits(slot_bits);
    while (slots_[slot] != kEmpty) {
      if (keys_[slots_[slot]] == entry.key) return slots_[slot];
      slot = (slot + 1) & low_bits(slot_bits);
    }
    slots_[slot] = static_cast<std::uint32_t>(keys_.size());
    keys_.push_back(entry.key);
    distinct.push_back({entry.position, 0});
    return slots_[slot];
  }

  std::vector<std::uint32_t> slots_;
  std::vector<Key> keys_;
};

template <typename Key>
class Extraction {
 public:
  Extraction(const CodeMatrix& codes, unsigned chunk, unsigned threads)
      : reader_(codes, chunk),
        count_(reader_.count()),
        threads_(threads),
        partition_bits_(std::min<unsigned>(kMaxPartitionBits,
                                           static_cast<unsigned>(std::bit_width(count_ / kPartitionChunks)))),
        partitions_(std::size_t{1} << partition_bits_),
        blocks_(block_count(count_, kScatterBlock)),
        bitmap_(count_) {}

  UniqueChunks run() {
    found_.indices.resize(count_);
    scatter();
    find_distinct();
    bitmap_.count();
    number_dictionary();
    return std::move(found_);
  }

 private:
  [[nodiscard]] std::size_t partition_of(const Key& key) const noexcept {
    return partition_bits_ == 0 ? 0 : hash_of(key) >> (64 - partition_bits_);
  }

  template <typename Visit>
  void for_each_key(std::size_t block, const Visit& visit) const {
    const Block range = nth_block(block, count_, kScatterBlock);
    reader_.for_each(range.begin, range.end,
                     [&](std::size_t position, const std::uint8_t* at, std::size_t bytes) {
                       Key key;
                       reader_.read_key(at, bytes, key);
                       visit(position, key);
                     });
  }

  // Where each block's entries of each partition go, so that partitions keep positions in order.
  void place_blocks() {
    offsets_.assign(blocks_ * partitions_, 0);
    parallel_for(blocks_, threads_, [this](std::size_t block) {
      std::size_t* sizes = &offsets_[block * partitions_];
      for_each_key(block, [&](std::size_t, const Key& key) { ++sizes[partition_of(key)]; });
    });
    starts_.assign(partitions_ + 1, 0);
    std::size_t next = 0;
    for (std::size_t p = 0; p < partitions_; ++p) {
      starts_[p] = next;
      for (std::size_t block = 0; block < blocks_; ++block) {
        std::size_t& offset = offsets_[block * partitions_ + p];
        next += std::exchange(offset, next);
      }
    }
    starts_[partitions_] = next;
  }

  void scatter() {
    place_blocks();
    entries_ = std::make_unique_for_overwrite<Entry<Key>[]>(count_);
    parallel_for(blocks_, threads_, [this](std::size_t block) {
      std::size_t* offsets = &offsets_[block * partitions_];
      for_each_key(block, [&](std::size_t position, const Key& key) {
        entries_[offsets[partition_of(key)]++] = {key, static_cast<std::uint32_t>(position)};
      });
    });
  }

  void find_distinct() {
    distinct_.resize(partitions_);
    parallel_for(partitions_, threads_, [this](std::size_t p) {
      thread_local DistinctTable<Key> table;
      distinct_[p] = table.run(&entries_[starts_[p]], starts_[p + 1] - starts_[p],
                               found_.indices.data());
      for (const Distinct& one : distinct_[p]) bitmap_.mark(one.first);
    });
    entries_.reset();
  }

  void number_dictionary() {
    found_.counts.resize(bitmap_.marked());
    found_.dictionary.resize(found_.counts.size() * reader_.chunk_bytes());
    parallel_for(partitions_, threads_, [this](std::size_t p) {
      for (const Distinct& one : distinct_[p]) found_.counts[bitmap_.rank(one.first)] = one.count;
    });
    parallel_for(blocks_, threads_, [this](std::size_t block) {
      const Block range = nth_block(block, count_, kScatterBlock);
      reader_.for_each(range.begin, range.end,
                       [this](std::size_t position, const std::uint8_t* at, std::size_t bytes) {
                         number_chunk(position, at, bytes);
                       });
    });
  }

  void number_chunk(std::size_t position, const std::uint8_t* at, std::size_t bytes) noexcept {
    std::uint32_t& index = found_.indices[position];
    const bool is_first = index == position;
    index = bitmap_.rank(index);
    if (is_first) reader_.copy(at, bytes, &found_.dictionary[index * reader_.chunk_bytes()]);
  }

  ChunkReader reader_;
  std::size_t count_;
  unsigned threads_;
  unsigned partition_bits_;
  std::size_t partitions_;
  std::size_t blocks_;
  RankedBitmap bitmap_;
  std::vector<std::size_t> offsets_;  // [block, partition]
  std::vector<std::size_t> starts_;   // [partition + 1]
  std::unique_ptr<Entry<Key>[]> entries_;
  std::vector<std::vector<Distinct>> distinct_;
  UniqueChunks found_;
};

}  // namespace

template <typename Key>
UniqueChunks unique_chunks_hashed(const CodeMatrix& codes, unsigned chunk, unsigned threads) {
  return Extraction<Key>(codes, chunk, threads).run();
}

template UniqueChunks unique_chunks_hashed<std::uint32_t>(const CodeMatrix&, unsigned, unsigned);
template UniqueChunks unique_chunks_hashed<std::uint64_t>(const CodeMatrix&, unsigned, unsigned);
template UniqueChunks unique_chunks_hashed<WideKey<2>>(const CodeMatrix&, unsigned, unsigned);
template UniqueChunks unique_chunks_hashed<WideKey<4>>(const CodeMatrix&, unsigned, unsigned);
template UniqueChunks unique_chunks_hashed<WideKey<8>>(const CodeMatrix&, unsigned, unsigned);

}  // namespace meadow
