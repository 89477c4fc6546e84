#include "meadow/codec/rans.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"
#include "meadow/kernels/isa.h"

namespace meadow {
namespace {

using kernels::kRansLanes;
using kernels::kRansLow;
using kernels::kRansRoom;
using kernels::RansWords;
using Symbols = std::span<const std::uint8_t>;
using States = std::array<std::uint32_t, kRansLanes>;

constexpr std::size_t kStateBytes = kRansLanes * sizeof(std::uint32_t);
constexpr std::size_t kStored = 2 * kRansLanes;  // symbols that the final states hold
// Tiles up to this size are not coded: the states alone would take as much.
constexpr std::size_t kLongestRaw = kStateBytes;

void check_codable(const RansModel& model, Symbols symbols) {
  if (model.has_escape()) return;
  std::array<bool, 256> bad{};
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    bad[symbol] = !model.can_code(static_cast<std::uint8_t>(symbol));
  }
  bool any = false;
  for (const std::uint8_t symbol : symbols) any |= bad[symbol];
  if (any) invalid("rANS: found a symbol for which the model has neither slots nor an escape");
}

bool all_codable(const RansModel& model, Symbols symbols) noexcept {
  return std::all_of(symbols.begin(), symbols.end(),
                     [&](std::uint8_t symbol) { return model.can_code(symbol); });
}

// Escaped symbols are rare: blocks without any are skipped.
std::uint8_t* append_escaped(const RansModel& model, Symbols coded, std::uint8_t* out) {
  constexpr std::size_t kBlock = 8;
  static_assert(kRansLanes % kBlock == 0);
  std::array<std::uint8_t, 256> escaped{};
  for (unsigned symbol = 0; symbol < 256; ++symbol) {
    escaped[symbol] = model.is_escaped(static_cast<std::uint8_t>(symbol)) ? 1 : 0;
  }
  for (std::size_t at = 0; at < coded.size(); at += kBlock) {
    const Symbols block = coded.subspan(at, kBlock);
    unsigned any = 0;
    for (const std::uint8_t symbol : block) any |= escaped[symbol];
    if (any == 0) continue;
    for (const std::uint8_t symbol : block) {
      if (escaped[symbol] != 0) *out++ = symbol;
    }
  }
  return out;
}

// The parts of a tile that is neither constant nor raw.
struct Layout {
  std::size_t groups;  // coded
  std::size_t rest;    // uncoded symbols after those that the states hold

  explicit Layout(std::size_t symbols) noexcept
      : groups((symbols - kStored) / kRansLanes), rest(symbols % kRansLanes) {}
  [[nodiscard]] std::size_t coded() const noexcept { return groups * kRansLanes; }
  [[nodiscard]] std::size_t words_at() const noexcept { return kStateBytes + rest; }
};

std::size_t encode_lanes(const RansModel& model, Symbols symbols, std::uint8_t* out) {
  const Layout layout(symbols.size());
  const std::uint8_t* const stored = symbols.data() + layout.coded();
  States states;
  for (std::size_t lane = 0; lane < kRansLanes; ++lane) {
    states[lane] = kRansLow + load<std::uint16_t>(stored + 2 * lane);
  }
  std::uint8_t* const words_end = out + layout.words_at() + 2 * layout.coded();
  const std::uint8_t* const words =
      kernels::rans_kernels(active_isa())
          .encode(model.symbols(), states.data(), symbols.data(), layout.groups, words_end);
  std::memcpy(out, states.data(), kStateBytes);
  if (layout.rest > 0) std::memcpy(out + kStateBytes, stored + kStored, layout.rest);
  const auto size = static_cast<std::size_t>(words_end - words);
  std::memmove(out + layout.words_at(), words, size);
  std::uint8_t* end = out + layout.words_at() + size;
  if (model.has_escape()) end = append_escaped(model, symbols.first(layout.coded()), end);
  return static_cast<std::size_t>(end - out);
}

// The last bytes of a payload followed by zeros, so that whole groups can be decoded there.
class PaddedEnd {
 public:
  explicit PaddedEnd(Symbols left) noexcept : size_(left.size()) {
    if (size_ > 0) std::memcpy(bytes_.data(), left.data(), size_);
  }

  [[nodiscard]] RansWords words() const noexcept {
    return {bytes_.data(), bytes_.data() + size_ + kRansRoom};
  }
  // The number of bytes before `words`.
  [[nodiscard]] std::size_t used(const RansWords& words) const noexcept {
    return static_cast<std::size_t>(words.next - bytes_.data());
  }

 private:
  std::array<std::uint8_t, 2 * kRansRoom> bytes_{};
  std::size_t size_;
};

// Decodes all groups without putting the escapes back. `left` becomes the bytes after the words;
// false if the words end too early.
bool decode_groups(const RansModel& model, Symbols& left, States& states, std::uint8_t* symbols,
                   std::size_t groups) noexcept {
  const kernels::RansKernels& kernel = kernels::rans_kernels(active_isa());
  RansWords words = {left.data(), left.data() + left.size()};
  const std::size_t done = kernel.decode(model.slots(), states.data(), &words, symbols, groups);
  left = left.subspan(static_cast<std::size_t>(words.next - left.data()));
  if (done == groups) return true;
  const PaddedEnd padded(left);
  words = padded.words();
  const std::size_t more = kernel.decode(model.slots(), states.data(), &words,
                                         symbols + done * kRansLanes, groups - done);
  if (done + more < groups || padded.used(words) > left.size()) return false;
  left = left.subspan(padded.used(words));
  return true;
}

// The final states of the lanes hold the symbols that follow the coded ones.
bool store_final(const States& states, std::uint8_t* symbols) noexcept {
  bool right = true;
  for (std::size_t lane = 0; lane < kRansLanes; ++lane) {
    right &= states[lane] / kRansLow == 1;
    store(symbols + 2 * lane, static_cast<std::uint16_t>(states[lane]));
  }
  return right;
}

bool decode_lanes(const RansModel& model, Symbols payload,
                  std::span<std::uint8_t> symbols) noexcept {
  const Layout layout(symbols.size());
  if (payload.size() < layout.words_at()) return false;
  States states;
  std::memcpy(states.data(), payload.data(), kStateBytes);
  if (*std::min_element(states.begin(), states.end()) < kRansLow) return false;
  std::uint8_t* const stored = symbols.data() + layout.coded();
  if (layout.rest > 0) std::memcpy(stored + kStored, payload.data() + kStateBytes, layout.rest);
  Symbols left = payload.subspan(layout.words_at());
  if (!decode_groups(model, left, states, symbols.data(), layout.groups)) return false;
  if (!store_final(states, stored)) return false;
  if (!all_codable(model, symbols.subspan(layout.coded()))) return false;
  if (!model.has_escape()) return left.empty();
  const auto escaped = [&](std::uint8_t symbol) { return model.is_escaped(symbol); };
  if (!std::all_of(left.begin(), left.end(), escaped)) return false;
  return kernels::rans_kernels(active_isa())
      .put_back(symbols.data(), layout.coded(), model.escape(), left.data(), left.size());
}

}  // namespace

std::size_t rans_bound(std::size_t symbols) {
  // Every coded symbol takes at most one word and one escaped byte.
  return kStateBytes + 3 * symbols;
}

std::size_t rans_encode(const RansModel& model, Symbols symbols, std::uint8_t* out) {
  check_codable(model, symbols);
  if (symbols.empty() || model.is_constant()) return 0;
  if (symbols.size() > kLongestRaw) return encode_lanes(model, symbols, out);
  std::memcpy(out, symbols.data(), symbols.size());
  return symbols.size();
}

bool rans_decode(const RansModel& model, Symbols payload,
                 std::span<std::uint8_t> symbols) noexcept {
  if (symbols.empty()) return payload.empty();
  if (model.is_constant()) {
    std::memset(symbols.data(), model.constant(), symbols.size());
    return payload.empty();
  }
  if (symbols.size() > kLongestRaw) return decode_lanes(model, payload, symbols);
  if (payload.size() != symbols.size()) return false;
  std::memcpy(symbols.data(), payload.data(), payload.size());
  return all_codable(model, symbols);
}

}  // namespace meadow
