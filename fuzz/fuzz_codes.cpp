// Tables and payloads of Huffman and rANS without a blob around them: any table gives a format
// error or is restored, and every ISA gives the same verdict on any payload, and the same symbols.
#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "blob_harness.h"
#include "meadow/blob/plane_code.h"
#include "meadow/codec/huffman.h"
#include "meadow/codec/rans.h"

using namespace meadow;

namespace {

constexpr std::size_t kMostSymbols = 1 << 14;
using Symbols = std::vector<std::uint8_t>;

struct Huffman {
  HuffmanCode code;
  kernels::HuffmanCodes codes = code.codes();
  std::unique_ptr<kernels::HuffmanSlots> slots = code.slots();

  static Huffman parse(std::span<const std::uint8_t> table) { return {HuffmanCode::parse(table)}; }
  static Huffman of(const ByteCounts& counts) { return {HuffmanCode::optimal(counts)}; }
  [[nodiscard]] Bytes table() const { return code.serialized(); }
  [[nodiscard]] std::size_t bound(std::size_t count) const { return huffman_bound(count); }
  [[nodiscard]] bool can_code(std::uint8_t symbol) const { return code.has(symbol); }
  std::size_t encode(const Symbols& symbols, std::uint8_t* out) const {
    return static_cast<std::size_t>(huffman_encode(codes, symbols, out) - out);
  }
  bool decode(const Symbols& payload, Symbols& symbols) const {
    return huffman_decode(*slots, payload, symbols);
  }
};

struct Rans {
  RansModel model;

  static Rans parse(std::span<const std::uint8_t> table) { return {RansModel::parse(table)}; }
  static Rans of(const ByteCounts& counts) { return {RansModel::from_counts(counts)}; }
  [[nodiscard]] Bytes table() const { return model.serialized(); }
  [[nodiscard]] std::size_t bound(std::size_t count) const { return rans_bound(count); }
  [[nodiscard]] bool can_code(std::uint8_t symbol) const { return model.can_code(symbol); }
  std::size_t encode(const Symbols& symbols, std::uint8_t* out) const {
    return rans_encode(model, symbols, out);
  }
  bool decode(const Symbols& payload, Symbols& symbols) const {
    return rans_decode(model, payload, symbols);
  }
};

template <typename Coder>
Symbols encoded(const Coder& coder, const Symbols& symbols) {
  Symbols payload(coder.bound(symbols.size()));
  payload.resize(coder.encode(symbols, payload.data()));
  payload.shrink_to_fit();
  return payload;
}

template <typename Coder>
void check_payload(const Coder& coder, const Symbols& payload, std::size_t count) {
  bool known = false;
  bool first_whole = false;
  Symbols first;
  fuzz::for_each_isa([&] {
    Symbols found(count);
    const bool whole = coder.decode(payload, found);
    fuzz::require(!known || whole == first_whole, "every ISA has the same verdict");
    fuzz::require(!known || !whole || found == first, "every ISA finds the same symbols");
    if (whole) {
      fuzz::require(encoded(coder, found) == payload, "what decodes is what would be encoded");
    }
    known = true;
    first_whole = whole;
    first = found;
  });
}

template <typename Coder>
void check_symbols(const Coder& coder, Symbols symbols, std::uint8_t instead) {
  for (std::uint8_t& symbol : symbols) symbol = coder.can_code(symbol) ? symbol : instead;
  Symbols first;
  fuzz::for_each_isa([&] {
    const Symbols payload = encoded(coder, symbols);
    fuzz::require(first.empty() || payload == first, "every ISA writes the same payload");
    first = payload;
    Symbols again(symbols.size());
    fuzz::require(coder.decode(payload, again) && again == symbols, "what is coded comes back");
  });
}

ByteCounts counts_of(const Symbols& symbols) {
  ByteCounts counts{};
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40;
  for (const std::uint8_t symbol : symbols) {  // doubled, so that long codes are easy to find
    counts[symbol] = std::min(kMost, 2 * counts[symbol] + 1);
  }
  counts[0] += 1;
  counts[255] += 1;
  return counts;
}

// A table read from the input, or made for the input's symbols.
template <typename Coder>
void check(fuzz::Input& input, bool given) {
  const std::size_t count = input.take<std::uint16_t>() % kMostSymbols;
  Symbols table(given ? input.take_in(0, 255) : 0);
  for (std::uint8_t& byte : table) byte = input.take<std::uint8_t>();
  const Symbols payload = input.take_rest<std::uint8_t>(kMostSymbols);
  try {
    const Coder coder = given ? Coder::parse(table) : Coder::of(counts_of(payload));
    const Bytes written = coder.table();
    fuzz::require(Coder::parse(written).table() == written, "a table that is written comes back");
    std::uint8_t known = 0;
    while (!coder.can_code(known)) ++known;
    check_payload(coder, payload, count);
    check_symbols(coder, payload, known);
  } catch (const Error& error) {
    fuzz::require(given && fuzz::is_format_error(error), "a bad table is a format error");
  }
}

// The verdict and the symbols of a payload: nothing but a format error is thrown.
std::pair<bool, Symbols> decoded(const PlaneCode& code, const Symbols& payload, std::size_t count) {
  Symbols found(count);
  try {
    if (code.decode(payload, found)) return {true, found};
  } catch (const Error& error) {
    fuzz::require(fuzz::is_format_error(error), "a bad table of a tile is a format error");
  }
  return {false, {}};
}

// A plane whose tiles may have codes of their own: its table and a payload from the input.
void check_tiled(fuzz::Input& input) {
  const std::size_t count = input.take<std::uint16_t>() % kMostSymbols;
  Symbols table(input.take_in(0, 255));
  for (std::uint8_t& byte : table) byte = input.take<std::uint8_t>();
  const Symbols payload = input.take_rest<std::uint8_t>(kMostSymbols);
  const ByteCounts counts = counts_of(payload);
  const PlaneCode own = PlaneCode::tiled(PlaneCode::choose(counts, 8, {}), {});
  std::optional<std::pair<bool, Symbols>> first;
  std::optional<PlaneCode> given;
  try {
    given = PlaneCode::parse(Coding::kTiled, 8, table);
  } catch (const Error& error) {
    fuzz::require(fuzz::is_format_error(error), "a bad table is a format error");
  }
  const PlaneCode parsed = PlaneCode::parse(Coding::kTiled, 8, own.table());
  fuzz::for_each_isa([&] {
    if (given) {
      const auto found = decoded(*given, payload, count);
      fuzz::require(!first || found == *first, "every ISA decodes a tile alike");
      first = found;
    }
    Symbols coded(own.bound(payload.size()));
    coded.resize(static_cast<std::size_t>(own.encode(payload, coded.data()) - coded.data()));
    fuzz::require(decoded(parsed, coded, payload.size()) == std::pair(true, payload),
                  "what is coded comes back");
  });
}

}  // namespace

// Bit 0 of the first byte: rANS; bit 1: the table is in the input; bit 2: a tiled plane.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto flags = input.take<std::uint8_t>();
  const bool given = (flags & 2U) != 0;
  if ((flags & 4U) != 0) {
    check_tiled(input);
    return 0;
  }
  (flags & 1U) != 0 ? check<Rans>(input, given) : check<Huffman>(input, given);
  return 0;
}
