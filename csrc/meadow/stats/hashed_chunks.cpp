#include "meadow/stats/hashed_chunks.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <memory>
#include <numeric>
#include <random>
#include <utility>

#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

// Chunks per partition that keep its table (a slot and a half for each) in the level-1 cache, its
// entries in level 2.
constexpr std::size_t kPartitionChunks = 1 << 12;
constexpr unsigned kMaxPartitionBits = 10;
constexpr std::size_t kBlock = 1 << 17;  // a multiple of 64: blocks share no word of a bitmap

// Odd, and different in each process, so that nobody can make a file whose chunks all collide. No
// result depends on it: a hash chooses a place, never an order.
std::uint64_t random_multiplier() noexcept {
  constexpr std::uint64_t kGolden = 0x9E3779B97F4A7C15;  // 2^64 / golden ratio, Knuth's multiplier
  try {
    std::random_device random;
    return (kGolden ^ (std::uint64_t{random()} << 32 | random())) | 1;
  } catch (...) {
    return kGolden;
  }
}

const std::uint64_t kMultiplier = random_multiplier();

// Mixed in its high bits: they choose the partition, the next ones the slot.
std::uint64_t hash_of(std::uint64_t key) noexcept {
  key *= kMultiplier;
  return (key ^ (key >> 32)) * kMultiplier;
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

// An open-addressing table. A slot holds the number of the entry where its chunk appeared first, so
// that clearing it costs 4 bytes.
template <typename Key>
class DistinctTable {
 public:
  // Writes, for each entry, the first position of its chunk; returns the distinct ones.
  std::vector<Distinct> run(const Entry<Key>* entries, std::size_t count, unsigned used_bits,
                            std::uint32_t* first_positions) {
    const auto slot_bits = std::max(1U, static_cast<unsigned>(std::bit_width(count + count / 2)));
    fill(slots_, std::size_t{1} << slot_bits, kFree);
    fill(counts_, count, 0);
    std::size_t distinct_count = 0;
    for_each_block({0, count}, [&](Block block) {
      for (std::size_t i = block.begin; i < block.end; ++i) {
        const std::size_t wanted = (hash_of(entries[i].key) << used_bits) >> (64 - slot_bits);
        const std::uint32_t first = find_or_add(entries, static_cast<std::uint32_t>(i), wanted);
        distinct_count += counts_[first]++ == 0 ? 1 : 0;
        first_positions[entries[i].position] = entries[first].position;
      }
    });
    std::vector<Distinct> distinct;
    distinct.reserve(distinct_count);
    for_each_block({0, count}, [&](Block block) {
      for (std::size_t i = block.begin; i < block.end; ++i) {
        if (counts_[i] != 0) distinct.push_back({entries[i].position, counts_[i]});
      }
    });
    return distinct;
  }

 private:
  static constexpr std::uint32_t kFree = ~std::uint32_t{0};

  static void fill(RawVector<std::uint32_t>& vector, std::size_t size, std::uint32_t value) {
    vector.resize(size);
    for_each_block({0, size}, [&](Block block) {
      std::fill(&vector[block.begin], vector.data() + block.end, value);
    });
  }

  // A free slot counts as holding entry i itself, so that "new" and "seen", which no predictor can
  // tell apart, take the same path; only a collision takes another.
  std::uint32_t find_or_add(const Entry<Key>* entries, std::uint32_t i, std::size_t at) noexcept {
    while (true) {
      const std::uint32_t first = slots_[at] == kFree ? i : slots_[at];
      if (entries[first].key == entries[i].key) return slots_[at] = first;
      at = (at + 1) & (slots_.size() - 1);
    }
  }

  RawVector<std::uint32_t> slots_;
  RawVector<std::uint32_t> counts_;  // of the entry where a chunk appeared first
};

template <typename Key>
class Extraction {
 public:
  Extraction(const CodeMatrix& codes, unsigned chunk, unsigned threads)
      : reader_(codes, chunk),
        count_(reader_.count()),
        threads_(threads),
        partition_bits_(std::min<unsigned>(
            kMaxPartitionBits, static_cast<unsigned>(std::bit_width(count_ / kPartitionChunks)))),
        partitions_(std::size_t{1} << partition_bits_),
        blocks_(block_count(count_, kBlock)) {}

  UniqueChunks run() {
    found_.indices.resize(count_);
    scatter();
    find_distinct();
    number_dictionary();
    return std::move(found_);
  }

 private:
  [[nodiscard]] std::size_t partition_of(const Key& key) const noexcept {
    return partition_bits_ == 0 ? 0 : hash_of(key) >> (64 - partition_bits_);
  }

  template <typename Visit>
  void for_each_key(std::size_t block, const Visit& visit) const {
    const Block range = nth_block(block, count_, kBlock);
    reader_.for_each(range.begin, range.end,
                     [&](std::size_t position, const std::uint8_t* at, std::size_t bytes) {
                       Key key;
                       reader_.read_key(at, bytes, key);
                       visit(position, key);
                     });
  }

  // The place of each block's entries in each partition, so that partitions keep positions in
  // order.
  void place_blocks() {
    offsets_.assign(blocks_ * partitions_, 0);
    parallel_for(blocks_, threads_, [this](std::size_t block) {
      std::size_t* sizes = &offsets_[block * partitions_];
      for_each_key(block, [&](std::size_t, const Key& key) { ++sizes[partition_of(key)]; });
    });
    starts_.assign(partitions_ + 1, 0);
    std::size_t next = 0;
    for (std::size_t p = 0; p < partitions_; ++p) {
      throw_if_cancelled();
      starts_[p] = next;
      for (std::size_t block = 0; block < blocks_; ++block) {
        std::size_t& offset = offsets_[block * partitions_ + p];
        next += std::exchange(offset, next);
      }
    }
    starts_[partitions_] = next;
  }

  // A caller may change its codes while they are read: the counts are then wrong, and nothing may
  // be written beyond them.
  [[nodiscard]] std::vector<std::size_t> ends_of_blocks() const {
    std::vector<std::size_t> ends;
    for (std::size_t at = partitions_; at < offsets_.size(); ++at) ends.push_back(offsets_[at]);
    for (std::size_t p = 0; p < partitions_; ++p) ends.push_back(starts_[p + 1]);
    return ends;
  }

  void scatter() {
    place_blocks();
    entries_ = std::make_unique_for_overwrite<Entry<Key>[]>(count_);
    const std::vector<std::size_t> ends = ends_of_blocks();
    std::atomic<bool> changed{false};
    parallel_for(blocks_, threads_, [&](std::size_t block) {
      std::size_t* offsets = &offsets_[block * partitions_];
      for_each_key(block, [&](std::size_t position, const Key& key) {
        const std::size_t p = partition_of(key);
        if (offsets[p] == ends[block * partitions_ + p]) {
          changed = true;
          return;
        }
        entries_[offsets[p]++] = {key, static_cast<std::uint32_t>(position)};
      });
    });
    if (changed) invalid("codes: expected no change while they are read, found one");
  }

  // Afterwards indices hold first positions.
  void find_distinct() {
    distinct_.resize(partitions_);
    parallel_for(partitions_, threads_, [this](std::size_t p) {
      distinct_[p] = DistinctTable<Key>().run(&entries_[starts_[p]], starts_[p + 1] - starts_[p],
                                              partition_bits_, found_.indices.data());
    });
    entries_.reset();
  }

  // The first appearances must stay known while indices change from positions to numbers.
  void number_dictionary() {
    first_.resize(count_ / 64 + 1);
    std::vector<std::uint32_t> next(blocks_ + 1, 0);
    parallel_for(blocks_, threads_, [&](std::size_t n) { next[n + 1] = mark_firsts(n); });
    std::partial_sum(next.begin(), next.end(), next.begin());
    found_.counts.resize(next.back());
    found_.dictionary.resize(found_.counts.size() * reader_.chunk_bytes());
    parallel_for(blocks_, threads_, [&](std::size_t n) { number_firsts(n, next[n]); });
    parallel_for(blocks_, threads_, [this](std::size_t n) { number_others(n); });
    parallel_for(partitions_, threads_, [this](std::size_t p) {
      for (const Distinct& one : distinct_[p]) found_.counts[found_.indices[one.first]] = one.count;
    });
  }

  // Sets the bits of block n where a chunk is its own first appearance; returns how many.
  std::uint32_t mark_firsts(std::size_t n) noexcept {
    const Block block = nth_block(n, count_, kBlock);
    std::uint32_t firsts = 0;
    for (std::size_t at = block.begin; at < block.end; at += 64) {
      const std::size_t end = std::min(block.end, at + 64);
      std::uint64_t bits = 0;
      for (std::size_t i = at; i < end; ++i) {
        bits |= std::uint64_t{found_.indices[i] == i ? 1U : 0U} << (i - at);
      }
      first_[at / 64] = bits;
      firsts += static_cast<std::uint32_t>(std::popcount(bits));
    }
    return firsts;
  }

  // Visits the positions of block n whose bit is `wanted`.
  template <typename Visit>
  void for_each_marked(std::size_t n, bool wanted, const Visit& visit) const {
    const Block block = nth_block(n, count_, kBlock);
    for (std::size_t at = block.begin; at < block.end; at += 64) {
      const auto count = static_cast<unsigned>(std::min<std::size_t>(64, block.end - at));
      std::uint64_t bits = (wanted ? first_[at / 64] : ~first_[at / 64]) & low_bits(count);
      for (; bits != 0; bits &= bits - 1) {
        visit(at + static_cast<unsigned>(std::countr_zero(bits)));
      }
    }
  }

  void number_firsts(std::size_t n, std::uint32_t next) noexcept {
    for_each_marked(n, true, [&](std::size_t position) {
      reader_.for_each(position, position + 1,
                       [&](std::size_t, const std::uint8_t* at, std::size_t bytes) {
                         reader_.copy(at, bytes, &found_.dictionary[next * reader_.chunk_bytes()]);
                       });
      found_.indices[position] = next++;
    });
  }

  void number_others(std::size_t n) noexcept {
    for_each_marked(n, false, [this](std::size_t position) {
      found_.indices[position] = found_.indices[found_.indices[position]];
    });
  }

  ChunkReader reader_;
  std::size_t count_;
  unsigned threads_;
  unsigned partition_bits_;
  std::size_t partitions_;
  std::size_t blocks_;
  std::vector<std::size_t> offsets_;  // [block, partition]
  std::vector<std::size_t> starts_;   // [partition + 1]
  std::unique_ptr<Entry<Key>[]> entries_;
  std::vector<std::vector<Distinct>> distinct_;
  RawVector<std::uint64_t> first_;  // one bit for each position
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
