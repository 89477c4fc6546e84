// Bit streams, least significant bit first: bit i of the stream is bit i % 8 of byte i / 8.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace meadow {

static_assert(std::endian::native == std::endian::little, "formats are little endian");

// Little-endian words at any address.
template <typename Word>
Word load(const std::uint8_t* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

template <typename Word>
void store(std::uint8_t* at, Word word) noexcept {
  std::memcpy(at, &word, sizeof word);
}

// The number of bits needed to tell `values` different values apart: ceil(log2(values)).
constexpr unsigned index_width(std::uint64_t values) noexcept {
  return values <= 1 ? 0 : static_cast<unsigned>(std::bit_width(values - 1));
}

constexpr std::size_t bytes_of_bits(std::uint64_t bits) noexcept {
  return static_cast<std::size_t>((bits + 7) / 8);
}

constexpr std::uint64_t low_bits(unsigned width) noexcept {
  return width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
}

// Appends fields of at most 32 bits to a buffer that the caller has made large enough.
class BitWriter {
 public:
  explicit BitWriter(std::uint8_t* out) noexcept : out_(out) {}

  void put(std::uint64_t value, unsigned width) noexcept {
    hold_ |= value << held_;
    held_ += width;
    if (held_ >= 32) {
      const auto word = static_cast<std::uint32_t>(hold_);
      std::memcpy(out_, &word, sizeof word);
      out_ += sizeof word;
      hold_ >>= 32;
      held_ -= 32;
    }
  }

  // Writes the bits still held, with zero bits to fill the last byte; returns the end of the
  // stream.
  std::uint8_t* finish() noexcept {
    for (; held_ > 0; held_ -= held_ < 8 ? held_ : 8) {
      *out_++ = static_cast<std::uint8_t>(hold_);
      hold_ >>= 8;
    }
    return out_;
  }

 private:
  std::uint8_t* out_;
  std::uint64_t hold_ = 0;
  unsigned held_ = 0;  // below 32 between calls
};

// Reads fields of at most 32 bits. Past the end it reads zeros, and `finished()` is then false: a
// hot loop needs only one check, after its last field, and never touches memory outside the span.
class BitReader {
 public:
  BitReader(const std::uint8_t* data, std::size_t size) noexcept : next_(data), end_(data + size) {}

  std::uint32_t get(unsigned width) noexcept {
    if (held_ < width) refill();
    const auto value = static_cast<std::uint32_t>(hold_ & low_bits(width));
    hold_ >>= width;
    held_ -= width;
    return value;
  }

  // Whether exactly the whole stream was read: only zero bits that fill the last byte remain.
  [[nodiscard]] bool finished() const noexcept {
    return next_ == end_ && invented_ <= held_ && held_ - invented_ < 8 && hold_ == 0;
  }

 private:
  void refill() noexcept {
    if (end_ - next_ >= 4) {
      std::uint32_t word = 0;
      std::memcpy(&word, next_, sizeof word);
      next_ += sizeof word;
      hold_ |= std::uint64_t{word} << held_;
      held_ += 32;
      return;
    }
    while (held_ <= 32) {
      if (next_ != end_) {
        hold_ |= std::uint64_t{*next_++} << held_;
      } else {
        invented_ += 8;
      }
      held_ += 8;
    }
  }

  const std::uint8_t* next_;
  const std::uint8_t* end_;
  std::uint64_t hold_ = 0;
  unsigned held_ = 0;
  std::uint64_t invented_ = 0;  // zero bits that were made up past the end
};

}  // namespace meadow
