#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "meadow/base/checksum.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/blob/blob.h"
#include "meadow/blob/few_values.h"
#include "meadow/blob/plane_counts.h"
#include "meadow/blob/scales.h"
#include "meadow/blob/tile.h"
#include "meadow/codec/huffman.h"
#include "meadow/number/content.h"
#include "meadow/stats/histogram.h"

namespace meadow {
namespace {

// A plane is coded only if that saves at least this many bits a value: raw bits decode faster.
constexpr double kLeastGainOfRest = 0.03;
// Huffman may cost this much more than rANS for exponents, which it decodes three times as fast.
constexpr double kPatienceForFields = 0.08;
constexpr double kPatience = 0.002;
constexpr double kLeastGainOfFastRest = 1.0;  // the gain of many zeros

CoderChoice choice_for(Effort effort, bool fields, bool rest) {
  CoderChoice choice;
  choice.huffman = effort != Effort::kRaw;
  choice.rans = effort == Effort::kBalanced || effort == Effort::kSmall;
  choice.patience = effort == Effort::kSmall ? 0.0 : fields ? kPatienceForFields : kPatience;
  if (rest) choice.least_gain = effort == Effort::kFast ? kLeastGainOfFastRest : kLeastGainOfRest;
  if (effort == Effort::kHuffman || effort == Effort::kSmall) choice.least_gain = 0.0;
  choice.by_tile = effort != Effort::kHuffman && effort != Effort::kRaw;
  return choice;
}

void put_word(Bytes& out, std::size_t at, std::size_t size) {
  const auto word = static_cast<std::uint32_t>(size);
  std::memcpy(&out[at], &word, sizeof word);
}

// The sizes of payloads whose size is not known otherwise; the payloads; the escapes.
void encode_tile(const BlobHead& head, const TilePlanes& tile, Bytes& out) {
  std::size_t bound = tile.escapes.size();
  std::size_t sizes = 0;
  for (std::size_t p = 0; p < head.codes.size(); ++p) {
    bound += head.codes[p].bound(tile.planes[p].size());
    sizes += head.codes[p].fixed_bytes(tile.planes[p].size()) ? 0 : kPayloadSizeBytes;
  }
  out.resize(sizes + bound);
  std::uint8_t* at = out.data() + sizes;
  std::size_t told = 0;
  for (std::size_t p = 0; p < head.codes.size(); ++p) {
    std::uint8_t* end = head.codes[p].encode(tile.planes[p], at);
    if (!head.codes[p].fixed_bytes(tile.planes[p].size())) {
      put_word(out, told, static_cast<std::size_t>(end - at));
      told += kPayloadSizeBytes;
    }
    at = end;
  }
  at = std::copy(tile.escapes.begin(), tile.escapes.end(), at);
  out.resize(static_cast<std::size_t>(at - out.data()));
}

// Encodes some tiles at a time, each in its own memory, which later tiles reuse: a tensor's blob is
// written once, and nothing else grows.
class Writer {
 public:
  Writer(const Source& source, unsigned threads)
      : source_(source),
        geometry_(source.head),
        threads_(threads),
        entries_(source.head.tile_count()),
        wave_(std::min<std::size_t>(entries_.size(), kWave)) {}

  Bytes write() {
    blob_ = write_head(source_.head, entries_);
    const std::size_t head = blob_.size();
    blob_.reserve(head + source_.bytes.size());
    for (std::size_t n = 0; n < entries_.size(); n += wave_.size()) {
      write_wave(n, std::min(wave_.size(), entries_.size() - n));
    }
    const Bytes finished = write_head(source_.head, entries_);
    std::copy(finished.begin(), finished.end(), blob_.begin());
    return std::move(blob_);
  }

 private:
  static constexpr std::size_t kWave = 64;

  void write_wave(std::size_t first, std::size_t count) {
    parallel_for(count, threads_, [&](std::size_t i) {
      thread_local TilePlanes planes;
      const std::size_t n = first + i;
      split_tile(geometry_, source_.tile(n), n * source_.head.tile_records, planes);
      encode_tile(source_.head, planes, wave_[i]);
      entries_[n] = {static_cast<std::uint32_t>(wave_[i].size()),
                     xxh64(wave_[i].data(), wave_[i].size())};
    });
    for (std::size_t i = 0; i < count; ++i) {
      blob_.insert(blob_.end(), wave_[i].begin(), wave_[i].end());
    }
  }

  const Source& source_;
  Geometry geometry_;
  unsigned threads_;
  std::vector<TileEntry> entries_;
  std::vector<Bytes> wave_;
  Bytes blob_;
};

Bytes encode_all(const Source& source, unsigned threads) { return Writer(source, threads).write(); }

// The lower bound for coders of single symbols: their order-0 entropy plus the escaped bytes. Raw
// bits count in full, because samples of them say nothing about the whole.
std::uint64_t floor_of(const BlobHead& head, std::size_t plane, const PlaneCount& counted) {
  const ByteCounts& counts = counted.counts;
  const PlaneShape& shape = head.layout.planes[plane];
  if (head.codes[plane].coding() == Coding::kRaw) return head.records * shape.count * shape.width;
  std::uint64_t symbols = 0;
  for (const std::uint64_t count : counts) symbols += count;
  double bits = entropy(std::span<const std::uint64_t>(counts)) * static_cast<double>(symbols);
  if (head.codes[plane].coding() == Coding::kTiled) {
    bits = static_cast<double>(counted.bits_of_tiles);
  }
  if (head.layout.kind == LayoutKind::kScaled && plane == 0) {
    for (std::size_t i = head.layout.cut().escape; i < counts.size(); ++i) {
      bits += 8.0 * static_cast<double>(counts[i]);
    }
  }
  return static_cast<std::uint64_t>(bits);
}

// Whether codes of their own make tiles so much smaller that it is worth the time to read them.
// Records need more: integer codes whose rows merely vary keep one code, which their floor is for.
bool tiles_differ(LayoutKind kind, const PlaneCode& code, const PlaneCount& counted,
                  const CoderChoice& choice) {
  // Bits of a symbol; the planes of ordinary floats gain up to 0.1, INT8 codes up to 0.2.
  const double least = kind == LayoutKind::kScaled ? 0.15 : 0.5;
  constexpr double kOwnTable = 1000.0;  // bits, for tables of middling size
  const double shared = code.cost_bits(counted.counts, choice.tiles);
  const auto tables = static_cast<double>(choice.tiles) * kOwnTable;
  double symbols = 0.0;
  for (const std::uint64_t count : counted.counts) symbols += static_cast<double>(count);
  const double own = static_cast<double>(counted.bits_of_tiles) + tables;
  return choice.tiles > 1 && own + least * symbols < shared;
}

void choose_codes(Source& source, const Range& range, const CoderChoice& choice, unsigned threads) {
  BlobHead& head = source.head;
  const PlaneCounts counts = count_planes(source, range, threads);
  CoderChoice counted = choice;
  counted.tiles = block_count(head.tile_count(), range.tile_step);
  for (std::size_t p = range.first_plane; p < range.last_plane; ++p) {
    head.codes.push_back(PlaneCode::choose(counts[p].counts, head.layout.planes[p].width, counted));
    if (choice.by_tile && tiles_differ(head.layout.kind, head.codes[p], counts[p], counted)) {
      head.codes[p] = PlaneCode::tiled(head.codes[p], counted);
    }
    head.floor_bits += floor_of(head, p, counts[p]);
  }
}

// Whether the rest of the floats of any tile is far from evenly distributed, by its first floats.
bool some_tile_is_uneven(const Source& source, unsigned threads) {
  constexpr std::size_t kFirst = 1 << 10;
  constexpr unsigned kUneven = 768;  // 3/4 of a bit, in 1/1024; kFirst even bytes miss 0.18 bits
  const std::vector<PlaneShape>& planes = source.head.layout.planes;
  const PlaneCounts counts = count_planes(source, {1, kFirst, 1, planes.size()}, threads);
  for (std::size_t p = 1; p < planes.size(); ++p) {
    if (counts[p].least_of_tiles + kUneven < std::uint64_t{planes[p].width} * 1024) return true;
  }
  return false;
}

// The rest of a float is nearly always evenly distributed: a sample shows whether counting it all
// may pay.
void choose_codes_of_floats(Source& source, Effort effort, unsigned threads) {
  constexpr std::size_t kSampledTiles = 4;
  constexpr std::size_t kSampledRecords = 1 << 13;
  BlobHead& head = source.head;
  const std::size_t planes = head.layout.planes.size();
  const std::size_t step = std::max<std::size_t>(1, head.tile_count() / kSampledTiles);
  const std::size_t all = head.tile_records;
  choose_codes(source, {1, all, 0, 1}, choice_for(effort, true, false), threads);
  const CoderChoice choice = choice_for(effort, false, true);
  const std::uint64_t floor = head.floor_bits;
  choose_codes(source, {step, kSampledRecords, 1, planes}, choice, threads);
  const auto is_raw = [](const PlaneCode& code) { return code.coding() == Coding::kRaw; };
  const bool all_raw = std::all_of(head.codes.begin() + 1, head.codes.end(), is_raw);
  if (all_raw && !(choice.by_tile && some_tile_is_uneven(source, threads))) return;
  head.codes.resize(1, head.codes[0]);
  head.floor_bits = floor;
  choose_codes(source, {1, all, 1, planes}, choice, threads);
}

// Raw bytes, if a tensor is too small or too evenly distributed for anything else.
Bytes encode_plain(const TensorBytes& tensor, unsigned threads) {
  Source source{tensor.bytes, {}};
  source.head.dtype = tensor.dtype;
  source.head.layout.planes = {{0, 1, 8}};
  source.head.records = tensor.bytes.size();
  source.head.tile_records = kTileSymbols;
  source.head.codes.push_back(PlaneCode::parse(Coding::kRaw, 8, {}));
  source.head.floor_bits = 8 * source.head.records;
  return encode_all(source, threads);
}

Bytes smaller_of(Bytes coded, const TensorBytes& tensor, unsigned threads) {
  if (coded.size() < tensor.bytes.size()) return coded;
  Bytes plain = encode_plain(tensor, threads);
  return plain.size() < coded.size() ? std::move(plain) : std::move(coded);
}

void check_dtype(const TensorBytes& tensor) {
  const auto printable = [](char c) { return c > ' ' && c < 127; };
  if (tensor.dtype.size() > kLongestDtype ||
      !std::all_of(tensor.dtype.begin(), tensor.dtype.end(), printable)) {
    invalid("dtype: expected a name of at most 16 letters, found '" + tensor.dtype + "'");
  }
}

std::size_t whole_records(const TensorBytes& tensor, std::size_t record_bytes) {
  check_dtype(tensor);
  if (tensor.bytes.size() % record_bytes != 0) {
    invalid("bytes of a tensor: expected whole records of " + std::to_string(record_bytes) +
            ", found " + std::to_string(tensor.bytes.size()));
  }
  return tensor.bytes.size() / record_bytes;
}

// The number of records of a tile: whole units, at most `most` records unless one unit has more.
// All tiles except the last have the same size, and if there are four or more, 2 and 4 threads can
// share them evenly.
std::uint32_t even_tile(std::uint64_t records, std::size_t unit, std::size_t most) {
  const std::size_t units = block_count(static_cast<std::size_t>(records), unit);
  const std::size_t units_of_tile = std::max<std::size_t>(1, most / unit);
  std::size_t tiles = std::max<std::size_t>(1, block_count(units, units_of_tile));
  if (tiles > 3) tiles = (tiles + 3) / 4 * 4;
  return static_cast<std::uint32_t>(std::max<std::size_t>(1, block_count(units, tiles)) * unit);
}

// Tiles of about kTileSymbols values in whole groups.
Bytes encode_few_values(const TensorBytes& tensor, FewValues found, Effort effort,
                        unsigned threads) {
  Source source{tensor.bytes, {}};
  BlobHead& head = source.head;
  head.dtype = tensor.dtype;
  head.layout = std::move(found.layout);
  head.scales = std::move(found.scales);
  head.records = tensor.bytes.size() / head.layout.record_bytes;
  head.tile_records =
      even_tile(head.records, 1, kTileSymbols / head.layout.most_symbols_per_record());
  choose_codes(source, {1, head.tile_records, 0, head.layout.planes.size()},
               choice_for(effort, false, false), threads);
  return encode_all(source, threads);
}

// The smallest of a coded tensor, and of its groups if they have few values.
Bytes smallest_of(Bytes coded, const TensorBytes& tensor, const Layout& layout, Effort effort,
                  unsigned threads) {
  if (auto few = few_values_of(tensor, layout.stored, layout.content, threads)) {
    Bytes other = encode_few_values(tensor, std::move(*few), effort, threads);
    if (other.size() < coded.size()) coded = std::move(other);
  }
  return smaller_of(std::move(coded), tensor, threads);
}

}  // namespace

Bytes encode_records(const TensorBytes& tensor, const Layout& layout, Effort effort,
                     unsigned threads) {
  require_partition(layout);
  const unsigned step = layout.record_bytes;
  Source source{tensor.bytes, {}};
  BlobHead& head = source.head;
  head.records = whole_records(tensor, step);
  head.dtype = tensor.dtype;
  head.layout = layout;
  head.tile_records =
      even_tile(head.records, 1, kMaxTileSymbols / layout.most_symbols_per_record());
  choose_codes(source, {1, head.tile_records, 0, layout.planes.size()},
               choice_for(effort, false, false), threads);
  Bytes coded = encode_all(source, threads);
  return effort == Effort::kHuffman ? coded : smaller_of(std::move(coded), tensor, threads);
}

Bytes encode_floats(const TensorBytes& tensor, FloatType type, Effort effort, unsigned threads) {
  const std::size_t count = whole_records(tensor, layout_of(type).bytes);
  if (count == 0) return encode_plain(tensor, threads);
  Source source{tensor.bytes, {}};
  BlobHead& head = source.head;
  Layout& layout = head.layout;
  layout.kind = LayoutKind::kScaled;
  layout.record_bytes = layout_of(type).bytes;
  layout.stored = type;
  layout.content = narrowest_type(tensor.bytes.data(), count, type, threads);
  layout.top = layout.content == FloatType::kF16 ? 3 : effort == Effort::kFast ? 0 : 1;
  layout.planes = scaled_planes(layout.content, layout.top);
  head.dtype = tensor.dtype;
  head.records = count;
  const auto columns = static_cast<std::size_t>(tensor.columns);
  const bool matrix = columns > 1 && count % columns == 0;
  head.bases =
      choose_bases(layout, tensor.bytes, matrix ? columns : std::min<std::size_t>(count, 1024),
                   matrix && effort != Effort::kFast, threads);
  const bool scaled = !head.bases.rows.empty() || !head.bases.columns.empty();
  head.columns = scaled ? columns : 0;
  const auto row = std::max<std::size_t>(1, static_cast<std::size_t>(head.columns));
  head.tile_records = even_tile(count, row, kTileSymbols);
  choose_codes_of_floats(source, effort, threads);
  return smallest_of(encode_all(source, threads), tensor, layout, effort, threads);
}

}  // namespace meadow
