// How the symbols of one plane are stored: not at all, raw, or by an entropy coder.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "meadow/codec/huffman_code.h"
#include "meadow/codec/rans.h"

namespace meadow {

enum class Coding : std::uint8_t {
  kConstant = 0,  // one value, in the table; payloads are empty
  kRaw = 1,       // `width` bits each
  kHuffman = 2,
  kRans = 3,
  kTiled = 4,  // each tile has a code of its own, or that of the table
};

inline constexpr std::array kCodings = {Coding::kConstant, Coding::kRaw, Coding::kHuffman,
                                        Coding::kRans, Coding::kTiled};

std::string_view name_of(Coding coding) noexcept;

// The size of a payload, before the payloads of a tile, unless it follows from the number of
// symbols.
constexpr std::size_t kPayloadSizeBytes = 4;

// The bytes of a tile that hold sizes: that of the payload, and those of its streams.
std::size_t size_bytes(Coding coding) noexcept;

// Which coders a plan may use.
struct CoderChoice {
  bool huffman = true;
  bool rans = true;
  // Huffman decodes faster and is chosen if it takes at most this many bits a symbol more than
  // rANS.
  double patience = 0.02;
  // A coder is chosen only if it saves this many bits a symbol; otherwise raw bits are faster.
  double least_gain = 0.0;
  std::size_t tiles = 1;  // the overhead of each counts, too
  bool by_tile = false;   // whether tiles may have codes of their own
};

class PlaneCode {
 public:
  // The cheapest code for symbols of `width` bits with these counts; for encoding.
  static PlaneCode choose(const ByteCounts& counts, unsigned width, const CoderChoice& choice);
  // Each tile has `shared`, or a code of its own if that is smaller; for encoding.
  static PlaneCode tiled(PlaneCode shared, const CoderChoice& choice);
  // Read from a blob; for decoding. Throws Corrupt.
  static PlaneCode parse(Coding coding, unsigned width, std::span<const std::uint8_t> table);
  // The same, for a few thousand bytes: quick to make, slow to decode.
  static PlaneCode parse_small(Coding coding, std::span<const std::uint8_t> table);

  [[nodiscard]] Coding coding() const noexcept { return coding_; }
  [[nodiscard]] unsigned width() const noexcept { return width_; }
  [[nodiscard]] const Bytes& table() const noexcept { return table_; }
  [[nodiscard]] unsigned entries() const noexcept;  // of the coder's table; 0 without one
  [[nodiscard]] unsigned longest() const noexcept;  // of all codes, in bits
  // Whether symbols of `first` or more may occur.
  [[nodiscard]] bool may_hold(unsigned first) const noexcept;
  // An estimate for the table and the payloads of `tiles` tiles.
  [[nodiscard]] double cost_bits(const ByteCounts& counts, std::size_t tiles) const;

  // The size of a payload in bytes, if it follows from the number of symbols.
  [[nodiscard]] std::optional<std::size_t> fixed_bytes(std::size_t symbols) const noexcept;
  [[nodiscard]] std::size_t bound(std::size_t symbols) const noexcept;
  std::uint8_t* encode(std::span<const std::uint8_t> symbols, std::uint8_t* out) const;
  // False for a payload that does not hold exactly this number of symbols. A tile's own table that
  // breaks the rules throws Corrupt.
  [[nodiscard]] bool decode(std::span<const std::uint8_t> payload,
                            std::span<std::uint8_t> symbols) const;

 private:
  PlaneCode(Coding coding, unsigned width) : coding_(coding), width_(width) {}
  enum class Use { kEncode, kDecode, kDecodeFew };
  static PlaneCode of_huffman(const HuffmanCode& code, unsigned width, Use use);
  static PlaneCode parse_any(Coding coding, unsigned width, std::span<const std::uint8_t> table,
                             Use use);
  [[nodiscard]] bool tells(std::uint8_t symbol) const noexcept;  // whether the table names it
  [[nodiscard]] bool escapes_fit(std::span<const std::uint8_t> symbols) const noexcept;
  static PlaneCode of_rans(RansModel model, unsigned width);
  void encode_by_pairs(const HuffmanCode& code);
  static PlaneCode parse_tiled(unsigned width, std::span<const std::uint8_t> table);
  std::uint8_t* encode_tiled(std::span<const std::uint8_t> symbols, std::uint8_t* out) const;
  [[nodiscard]] bool decode_tiled(std::span<const std::uint8_t> payload,
                                  std::span<std::uint8_t> symbols) const;

  Coding coding_;
  unsigned width_;
  Bytes table_;
  std::uint8_t constant_ = 0;
  std::optional<HuffmanCode> huffman_;
  kernels::HuffmanCodes codes_{};  // to encode
  std::shared_ptr<const RawVector<std::uint32_t>> pairs_;
  std::shared_ptr<const kernels::HuffmanSlots> slots_;  // to decode
  Use use_ = Use::kEncode;
  std::shared_ptr<const RansModel> rans_;
  std::shared_ptr<const PlaneCode> shared_;  // of kTiled
  CoderChoice choice_;                       // of kTiled, to encode
};

}  // namespace meadow
