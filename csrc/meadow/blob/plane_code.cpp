#include "meadow/blob/plane_code.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"
#include "meadow/blob/byte_counts.h"
#include "meadow/codec/huffman.h"
#include "meadow/kernels/float_cut/float_cut.h"
#include "meadow/kernels/isa.h"
#include "meadow/stats/histogram.h"

namespace meadow {
namespace {

// The overhead of a tile: the size of the payload, then the sizes of streams and the padding of
// their last bytes, or the information that the final states of 32 lanes fail to carry.
constexpr double kHuffmanTileBytes = kPayloadSizeBytes + kHuffmanSizesBytes + 3;
constexpr double kRansTileBytes = kPayloadSizeBytes + 96;

// With this many symbols, coding by pairs saves more time than the table takes (measured: 20 us).
constexpr double kPairsPay = 1 << 18;

// Before the payload of a tiled plane: coding, size of the table, table.
constexpr std::size_t kTiledFixedBytes = 3;
constexpr std::size_t kMostTiledBytes = kTiledFixedBytes + 1024;

std::size_t used_symbols(const ByteCounts& counts) noexcept {
  return counts.size() - static_cast<std::size_t>(std::count(counts.begin(), counts.end(), 0));
}

// As many bytes as the bits need, with zero bits after the last one.
bool is_filled(std::span<const std::uint8_t> payload, std::size_t bits) noexcept {
  if (payload.size() != bytes_of_bits(bits)) return false;
  return bits % 8 == 0 || payload.back() >> (bits % 8) == 0;
}

std::uint64_t total_of(const ByteCounts& counts) noexcept {
  std::uint64_t total = 0;
  for (const std::uint64_t count : counts) total += count;
  return total;
}

}  // namespace

PlaneCode PlaneCode::of_huffman(const HuffmanCode& code, unsigned width, Use use) {
  PlaneCode plane(Coding::kHuffman, width);
  plane.huffman_ = code;
  plane.table_ = code.serialized();
  if (use == Use::kEncode) plane.codes_ = code.codes();
  if (use == Use::kDecode) plane.slots_ = code.slots();
  if (use == Use::kDecodeFew) plane.slots_ = code.slots_of_one();
  plane.use_ = use;
  return plane;
}

void PlaneCode::encode_by_pairs(const HuffmanCode& code) {
  pairs_ = std::make_shared<const RawVector<std::uint32_t>>(code.pairs());
  codes_.pairs = pairs_->data();
}

PlaneCode PlaneCode::of_rans(RansModel model, unsigned width) {
  PlaneCode plane(Coding::kRans, width);
  plane.table_ = model.serialized();
  plane.rans_ = std::make_shared<const RansModel>(std::move(model));
  return plane;
}

PlaneCode PlaneCode::choose(const ByteCounts& counts, unsigned width, const CoderChoice& choice) {
  const PlaneCode raw(Coding::kRaw, width);
  if (used_symbols(counts) <= 1) {
    PlaneCode constant(Coding::kConstant, width);
    const auto* only = std::max_element(counts.begin(), counts.end());
    constant.constant_ = static_cast<std::uint8_t>(only - counts.begin());
    constant.table_.push_back(constant.constant_);
    return constant;
  }
  const auto total = static_cast<double>(total_of(counts));
  const double patience = choice.patience * total;
  double best = raw.cost_bits(counts, choice.tiles) - choice.least_gain * total;
  PlaneCode chosen = raw;
  if (choice.huffman) {
    PlaneCode huffman = of_huffman(HuffmanCode::optimal(counts), width, Use::kEncode);
    const double cost = huffman.cost_bits(counts, choice.tiles);
    if (cost < best) {
      best = cost - patience;
      chosen = std::move(huffman);
    }
  }
  const double floor = entropy(std::span<const std::uint64_t>(counts)) * total;
  if (choice.rans && floor < best) {
    PlaneCode rans = of_rans(RansModel::from_counts(counts), width);
    if (rans.cost_bits(counts, choice.tiles) < best) chosen = std::move(rans);
  }
  if (chosen.huffman_ && total >= kPairsPay) chosen.encode_by_pairs(*chosen.huffman_);
  return chosen;
}

PlaneCode PlaneCode::parse(Coding coding, unsigned width, std::span<const std::uint8_t> table) {
  if (coding == Coding::kTiled) return parse_tiled(width, table);
  PlaneCode plane = parse_any(coding, width, table, Use::kDecode);
  if (width == 8) return plane;
  for (unsigned symbol = 1U << width; symbol < 256; ++symbol) {
    if (plane.tells(static_cast<std::uint8_t>(symbol))) {
      corrupt("plane: expected symbols of " + std::to_string(width) + " bits, found " +
              std::to_string(symbol) + " in its table");
    }
  }
  return plane;
}

PlaneCode PlaneCode::parse_small(Coding coding, std::span<const std::uint8_t> table) {
  return parse_any(coding, 8, table, Use::kDecodeFew);
}

PlaneCode PlaneCode::parse_any(Coding coding, unsigned width, std::span<const std::uint8_t> table,
                               Use use) {
  if (coding == Coding::kHuffman) return of_huffman(HuffmanCode::parse(table), width, use);
  if (coding == Coding::kRans) return of_rans(RansModel::parse(table), width);
  PlaneCode plane(coding, width);
  const std::size_t expected = coding == Coding::kConstant ? 1 : 0;
  if (table.size() != expected) {
    corrupt("plane: expected a table of " + std::to_string(expected) + " bytes, found " +
            std::to_string(table.size()));
  }
  plane.table_.assign(table.begin(), table.end());
  if (coding == Coding::kConstant) plane.constant_ = table[0];
  return plane;
}

bool PlaneCode::tells(std::uint8_t symbol) const noexcept {
  if (huffman_) return huffman_->has(symbol);
  if (rans_) return rans_->frequencies().of[symbol] != 0;
  return coding_ == Coding::kConstant && symbol == constant_;
}

unsigned PlaneCode::entries() const noexcept {
  if (shared_) return shared_->entries();
  if (huffman_) return huffman_->entries();
  return rans_ ? rans_->entries() : 0;
}

unsigned PlaneCode::longest() const noexcept {
  if (shared_) return shared_->longest();
  return huffman_ ? huffman_->longest() : 0;
}

std::string_view name_of(Coding coding) noexcept {
  switch (coding) {
    case Coding::kConstant:
      return "constant";
    case Coding::kRaw:
      return "raw";
    case Coding::kHuffman:
      return "huffman";
    case Coding::kRans:
      return "rans";
    default:
      return "tiled";
  }
}

std::size_t size_bytes(Coding coding) noexcept {
  if (coding == Coding::kHuffman) return kPayloadSizeBytes + kHuffmanSizesBytes;
  return coding == Coding::kRans || coding == Coding::kTiled ? kPayloadSizeBytes : 0;
}

bool PlaneCode::may_hold(unsigned first) const noexcept {
  bool found = !huffman_;
  for (unsigned symbol = first; huffman_ && symbol < 256; ++symbol) {
    found |= huffman_->has(static_cast<std::uint8_t>(symbol));
  }
  return found;
}

double PlaneCode::cost_bits(const ByteCounts& counts, std::size_t tiles) const {
  const auto table = static_cast<double>(8 * table_.size());
  const auto each = static_cast<double>(8 * tiles);
  if (huffman_) {
    return table + each * kHuffmanTileBytes + static_cast<double>(huffman_->cost_bits(counts));
  }
  if (rans_) return table + each * kRansTileBytes + rans_->cost_bits(counts);
  if (coding_ == Coding::kConstant) {
    const std::uint64_t others = total_of(counts) - counts[constant_];
    return others == 0 ? table : std::numeric_limits<double>::infinity();
  }
  return static_cast<double>(width_) * static_cast<double>(total_of(counts));
}

std::optional<std::size_t> PlaneCode::fixed_bytes(std::size_t symbols) const noexcept {
  if (coding_ == Coding::kConstant) return 0;
  if (coding_ == Coding::kRaw) return bytes_of_bits(symbols * width_);
  return std::nullopt;
}

std::size_t PlaneCode::bound(std::size_t symbols) const noexcept {
  if (coding_ == Coding::kTiled) {
    return kMostTiledBytes + std::max({huffman_bound(symbols), rans_bound(symbols), symbols});
  }
  if (coding_ == Coding::kHuffman) return huffman_bound(symbols);
  if (coding_ == Coding::kRans) return rans_bound(symbols);
  return fixed_bytes(symbols).value_or(0);
}

std::uint8_t* PlaneCode::encode(std::span<const std::uint8_t> symbols, std::uint8_t* out) const {
  switch (coding_) {
    case Coding::kConstant:
      return out;
    case Coding::kHuffman:
      return huffman_encode(codes_, symbols, out);
    case Coding::kRans:
      return out + rans_encode(*rans_, symbols, out);
    case Coding::kTiled:
      return encode_tiled(symbols, out);
    default:
      kernels::float_cut_kernels(active_isa()).pack(symbols.data(), symbols.size(), width_, out);
      return out + bytes_of_bits(symbols.size() * width_);
  }
}

PlaneCode PlaneCode::tiled(PlaneCode shared, const CoderChoice& choice) {
  PlaneCode plane(Coding::kTiled, shared.width());
  plane.choice_ = choice;
  plane.choice_.tiles = 1;
  plane.table_.push_back(static_cast<std::uint8_t>(shared.coding()));
  plane.table_.insert(plane.table_.end(), shared.table().begin(), shared.table().end());
  plane.shared_ = std::make_shared<const PlaneCode>(std::move(shared));
  return plane;
}

PlaneCode PlaneCode::parse_tiled(unsigned width, std::span<const std::uint8_t> table) {
  if (table.empty() || table[0] >= static_cast<std::uint8_t>(Coding::kTiled)) {
    corrupt("plane: expected the coding of its tiles, 0 to 3, found another");
  }
  const auto coding = static_cast<Coding>(table[0]);
  return tiled(parse(coding, width, table.subspan(1)), {});
}

std::uint8_t* PlaneCode::encode_tiled(std::span<const std::uint8_t> symbols,
                                      std::uint8_t* out) const {
  ByteCounts counts{};
  count_bytes(symbols, counts);
  const PlaneCode own = choose(counts, width_, choice_);
  const double of_table = 8.0 * static_cast<double>(shared_->table().size());
  const double of_shared = shared_->cost_bits(counts, 1) - of_table;
  if (of_shared <= own.cost_bits(counts, 1)) {
    *out = static_cast<std::uint8_t>(Coding::kTiled);
    return shared_->encode(symbols, out + 1);
  }
  *out = static_cast<std::uint8_t>(own.coding());
  store(out + 1, static_cast<std::uint16_t>(own.table().size()));
  std::uint8_t* at = std::copy(own.table().begin(), own.table().end(), out + kTiledFixedBytes);
  return own.encode(symbols, at);
}

bool PlaneCode::decode_tiled(std::span<const std::uint8_t> payload,
                             std::span<std::uint8_t> symbols) const {
  if (payload.empty() || payload[0] > static_cast<std::uint8_t>(Coding::kTiled)) return false;
  const auto coding = static_cast<Coding>(payload[0]);
  if (coding == Coding::kTiled) return shared_->decode(payload.subspan(1), symbols);
  if (payload.size() < kTiledFixedBytes) return false;
  const std::size_t table = load<std::uint16_t>(&payload[1]);
  if (payload.size() - kTiledFixedBytes < table) return false;
  const PlaneCode own = parse(coding, width_, payload.subspan(kTiledFixedBytes, table));
  return own.decode(payload.subspan(kTiledFixedBytes + table), symbols);
}

// Escaped symbols are whole bytes, whatever the width.
bool PlaneCode::escapes_fit(std::span<const std::uint8_t> symbols) const noexcept {
  if (width_ == 8 || !rans_->has_escape()) return true;
  unsigned all = 0;
  for (const std::uint8_t symbol : symbols) all |= symbol;
  return all >> width_ == 0;
}

bool PlaneCode::decode(std::span<const std::uint8_t> payload,
                       std::span<std::uint8_t> symbols) const {
  switch (coding_) {
    case Coding::kConstant:
      std::memset(symbols.data(), constant_, symbols.size());
      return payload.empty();
    case Coding::kHuffman:
      if (use_ == Use::kDecodeFew) {
        return huffman_decode(kernels::huffman_scalar, *slots_, payload, symbols);
      }
      return huffman_decode(*slots_, payload, symbols);
    case Coding::kRans:
      return rans_decode(*rans_, payload, symbols) && escapes_fit(symbols);
    case Coding::kTiled:
      return decode_tiled(payload, symbols);
    default:
      if (!is_filled(payload, symbols.size() * width_)) return false;
      kernels::float_cut_kernels(active_isa())
          .unpack(payload.data(), symbols.size(), width_, symbols.data());
      return true;
  }
}

}  // namespace meadow
