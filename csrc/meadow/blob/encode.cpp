#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "meadow/base/checksum.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/blob/blob.h"
#include "meadow/blob/scales.h"
#include "meadow/blob/tile.h"
#include "meadow/codec/huffman.h"
#include "meadow/number/content.h"
#include "meadow/stats/histogram.h"

namespace meadow {
namespace {

// A plane is coded only if that saves at least so many bits a value: raw bits decode faster.
constexpr double kLeastGainOfRest = 0.03;
// Huffman may cost so much more than rANS for exponents, which it decodes three times as fast.
constexpr double kPatienceForFields = 0.08;
constexpr double kPatience = 0.015;
constexpr double kAnyCost = 64.0;

struct Source {
  std::span<const std::uint8_t> bytes;
  BlobHead head;

  [[nodiscard]] std::span<const std::uint8_t> tile(std::size_t n) const noexcept {
    const std::size_t step = std::size_t{head.tile_records} * head.layout.record_bytes;
    const Block block = nth_block(n, bytes.size(), step);
    return bytes.subspan(block.begin, block.end - block.begin);
  }
};

CoderChoice choice_for(Effort effort, bool fields, bool rest) {
  CoderChoice choice;
  choice.huffman = effort != Effort::kRaw;
  choice.rans = effort == Effort::kBalanced || effort == Effort::kSmall;
  choice.patience = effort == Effort::kSmall ? 0.0 : fields ? kPatienceForFields : kPatience;
  if (rest) choice.least_gain = effort == Effort::kFast ? kAnyCost : kLeastGainOfRest;
  if (effort == Effort::kHuffman || effort == Effort::kSmall) choice.least_gain = 0.0;
  return choice;
}

// Symbols of every plane. Tiles are taken in turn by a fixed number of tables, so that memory does
// not grow with the tensor.
std::vector<ByteCounts> count_planes(const Source& source, std::size_t tiles, unsigned threads) {
  const Layout& layout = source.head.layout;
  const Geometry geometry(source.head);
  const std::size_t stride = std::min<std::size_t>(tiles, usable_threads(threads));
  std::vector<std::vector<ByteCounts>> found(stride);
  parallel_for(stride, threads, [&](std::size_t first) {
    auto& own = found[first];
    own.resize(layout.planes.size());
    TilePlanes planes;
    for (std::size_t n = first; n < tiles; n += stride) {
      throw_if_cancelled();
      split_tile(geometry, source.tile(n), n * source.head.tile_records, planes);
      for (std::size_t p = 0; p < own.size(); ++p) {
        const Bytes& plane = planes.planes[p];
        const Counts counts = count_symbols(plane.data(), plane.size(), 1, 8, 1);
        for (std::size_t i = 0; i < 256; ++i) own[p][i] += counts[i];
      }
    }
  });
  std::vector<ByteCounts> sum(layout.planes.size(), ByteCounts{});
  for (const auto& own : found) {
    for (std::size_t p = 0; p < own.size(); ++p) {
      for (std::size_t i = 0; i < 256; ++i) sum[p][i] += own[p][i];
    }
  }
  return sum;
}

void append_word(Bytes& out, std::size_t at, std::size_t size) {
  const auto word = static_cast<std::uint32_t>(size);
  std::memcpy(&out[at], &word, sizeof word);
}

// Sizes of the planes that do not tell theirs, 4 bytes each, the planes, the escapes.
Bytes encode_tile(const BlobHead& head, const TilePlanes& tile) {
  std::size_t bound = tile.escapes.size();
  std::size_t sizes = 0;
  for (std::size_t p = 0; p < head.codes.size(); ++p) {
    bound += head.codes[p].bound(tile.planes[p].size());
    sizes += head.codes[p].fixed_bytes(tile.planes[p].size()) ? 0 : 4;
  }
  Bytes out(sizes + bound);
  std::uint8_t* at = out.data() + sizes;
  std::size_t told = 0;
  for (std::size_t p = 0; p < head.codes.size(); ++p) {
    std::uint8_t* end = head.codes[p].encode(tile.planes[p], at);
    if (!head.codes[p].fixed_bytes(tile.planes[p].size())) {
      append_word(out, told, static_cast<std::size_t>(end - at));
      told += 4;
    }
    at = end;
  }
  at = std::copy(tile.escapes.begin(), tile.escapes.end(), at);
  out.resize(static_cast<std::size_t>(at - out.data()));
  return out;
}

// Head and tiles, one behind the other.
Bytes joined(const BlobHead& head, const std::vector<Bytes>& tiles,
             const std::vector<TileEntry>& entries) {
  Bytes blob = write_head(head, entries);
  std::size_t at = blob.size();
  std::size_t bytes = at;
  for (const Bytes& tile : tiles) bytes += tile.size();
  blob.resize(bytes);
  for (const Bytes& tile : tiles) {
    std::copy(tile.begin(), tile.end(), blob.begin() + static_cast<std::ptrdiff_t>(at));
    at += tile.size();
  }
  return blob;
}

Bytes encode_all(const Source& source, unsigned threads) {
  const BlobHead& head = source.head;
  const Geometry geometry(head);
  std::vector<Bytes> tiles(head.tile_count());
  std::vector<TileEntry> entries(tiles.size());
  parallel_for(tiles.size(), threads, [&](std::size_t n) {
    thread_local TilePlanes planes;
    split_tile(geometry, source.tile(n), n * head.tile_records, planes);
    tiles[n] = encode_tile(head, planes);
    entries[n] = {static_cast<std::uint32_t>(tiles[n].size()),
                  xxh64(tiles[n].data(), tiles[n].size())};
  });
  return joined(head, tiles, entries);
}

void choose_codes(Source& source, Effort effort, unsigned threads) {
  BlobHead& head = source.head;
  const bool floats = head.layout.kind == LayoutKind::kScaled;
  const std::size_t tiles = head.tile_count();
  const std::vector<ByteCounts> counts = count_planes(source, tiles, threads);
  for (std::size_t p = 0; p < counts.size(); ++p) {
    const CoderChoice choice = choice_for(effort, floats && p == 0, floats && p != 0);
    head.codes.push_back(PlaneCode::choose(counts[p], head.layout.planes[p].width, choice));
  }
}

// Raw bytes, where a tensor is too small or too even for anything else.
Bytes encode_plain(const TensorBytes& tensor, unsigned threads) {
  Source source{tensor.bytes, {}};
  source.head.dtype = tensor.dtype;
  source.head.layout.planes = {{0, 1, 8}};
  source.head.records = tensor.bytes.size();
  source.head.tile_records = kTileSymbols;
  source.head.codes.push_back(PlaneCode::parse(Coding::kRaw, 8, {}));
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

// Rows of a tile: as many whole ones as have kTileSymbols values, or one that is longer.
std::uint32_t floats_of_tile(std::size_t columns) {
  if (columns == 0) return kTileSymbols;
  return static_cast<std::uint32_t>(std::max<std::size_t>(1, kTileSymbols / columns) * columns);
}

}  // namespace

Bytes encode_records(const TensorBytes& tensor, const Layout& layout, Effort effort,
                     unsigned threads) {
  require_partition(layout);
  const unsigned step = layout.record_bytes;
  if (layout.kind == LayoutKind::kGroups && (step > 8 || (step & (step - 1)) != 0)) {
    invalid("bytes of an element: expected 1, 2, 4 or 8, found " + std::to_string(step));
  }
  Source source{tensor.bytes, {}};
  BlobHead& head = source.head;
  head.records = whole_records(tensor, step);
  head.dtype = tensor.dtype;
  head.layout = layout;
  head.tile_records = static_cast<std::uint32_t>(
      std::max<std::size_t>(1, kTileSymbols / layout.most_symbols_per_record()));
  choose_codes(source, effort, threads);
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
                   matrix && effort != Effort::kFast);
  const bool scaled = !head.bases.rows.empty() || !head.bases.columns.empty();
  head.columns = scaled ? columns : 0;
  head.tile_records = floats_of_tile(static_cast<std::size_t>(head.columns));
  choose_codes(source, effort, threads);
  return smaller_of(encode_all(source, threads), tensor, threads);
}

}  // namespace meadow
