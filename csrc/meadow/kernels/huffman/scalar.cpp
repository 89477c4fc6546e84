// The specification of the family, one symbol at a time.
#include "meadow/kernels/huffman/huffman.h"

namespace meadow::kernels {
namespace {

// The bits of one stream, lowest first; zeros past its end.
class Bits {
 public:
  Bits(const std::uint8_t* begin, const std::uint8_t* end) noexcept : next_(begin), end_(end) {}

  std::uint64_t peek() noexcept {
    while (held_ < kHuffmanBits) {
      if (next_ != end_) {
        hold_ |= std::uint64_t{*next_++} << held_;
      } else {
        invented_ += 8;
      }
      held_ += 8;
    }
    return hold_ & (kHuffmanSlots - 1);
  }

  void skip(unsigned bits) noexcept {
    hold_ >>= bits;
    held_ -= bits;
  }

  // All bits were read, except zeros that fill the last byte.
  [[nodiscard]] bool finished() const noexcept {
    return next_ == end_ && invented_ <= held_ && held_ - invented_ < 8 && hold_ == 0;
  }

 private:
  const std::uint8_t* next_;
  const std::uint8_t* end_;
  std::uint64_t hold_ = 0;
  std::uint64_t held_ = 0;
  std::uint64_t invented_ = 0;
};

bool decode(const HuffmanSlots& slots, const HuffmanStreams& streams) noexcept {
  bool whole = true;
  for (std::size_t s = 0; s < kHuffmanStreams; ++s) {
    Bits bits(streams.in[s], streams.in[s + 1]);
    for (std::uint8_t* out = streams.out[s]; out != streams.out[s + 1]; ++out) {
      const std::uint16_t slot = slots.one[bits.peek()];
      *out = static_cast<std::uint8_t>(slot);
      bits.skip(slot >> 8);
    }
    whole &= bits.finished();
  }
  return whole;
}

std::uint8_t* encode(const HuffmanCodes& codes, const std::uint8_t* symbols, std::size_t count,
                     std::uint8_t* out) noexcept {
  std::uint64_t hold = 0;
  unsigned held = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t code = codes.code[symbols[i]];
    hold |= std::uint64_t{code >> 8} << held;
    held += code & 0xFF;
    for (; held >= 8; held -= 8) {
      *out++ = static_cast<std::uint8_t>(hold);
      hold >>= 8;
    }
  }
  if (held > 0) *out++ = static_cast<std::uint8_t>(hold);
  return out;
}

}  // namespace

const HuffmanKernels huffman_scalar = {decode, encode};

}  // namespace meadow::kernels
