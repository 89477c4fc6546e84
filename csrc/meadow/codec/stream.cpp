#include "meadow/codec/stream.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

// Cuts spans off the stream; reading past the end throws Corrupt, because the stream has the length
// that its header claims.
class Cutter {
 public:
  explicit Cutter(std::span<const std::uint8_t> bytes) : left_(bytes) {}

  std::span<const std::uint8_t> cut(std::uint64_t bytes, const char* what) {
    if (bytes > left_.size()) {
      corrupt(std::string("coded stream: ") + what + ": expected " + std::to_string(bytes) +
              " bytes, found room for " + std::to_string(left_.size()));
    }
    const auto front = left_.first(static_cast<std::size_t>(bytes));
    left_ = left_.subspan(front.size());
    return front;
  }

  [[nodiscard]] std::size_t left() const noexcept { return left_.size(); }

 private:
  std::span<const std::uint8_t> left_;
};

std::uint32_t load_element(const std::uint8_t* at, unsigned bytes) noexcept {
  if (bytes == 1) return *at;
  return bytes == 2 ? load<std::uint16_t>(at) : load<std::uint32_t>(at);
}

void store_element(std::uint8_t* at, unsigned bytes, std::uint32_t value) noexcept {
  std::memcpy(at, &value, bytes);
}

// If so, the packed bits are the elements themselves.
bool fills_elements(const StreamHeader& header) noexcept {
  return header.bits == 8 * header.element_bytes();
}

void put_elements(BitWriter& writer, const StreamHeader& header,
                  std::span<const std::uint8_t> elements) noexcept {
  const unsigned bytes = header.element_bytes();
  for (std::size_t at = 0; at < elements.size(); at += bytes) {
    writer.put(load_element(&elements[at], bytes) & low_bits(header.bits), header.bits);
  }
}

std::uint8_t* copy_bytes(std::span<const std::uint8_t> from, std::uint8_t* to) {
  for_each_block({0, from.size()}, [&](Block block) {
    std::memcpy(to + block.begin, &from[block.begin], block.end - block.begin);
  });
  return to + from.size();
}

std::uint8_t* pack_dictionary(std::uint8_t* out, const StreamHeader& header,
                              std::span<const std::uint8_t> dictionary) {
  if (fills_elements(header)) return copy_bytes(dictionary, out);
  BitWriter writer(out);
  const std::size_t bytes = header.element_bytes();
  for_each_block({0, dictionary.size() / bytes}, [&](Block block) {
    const auto elements = dictionary.first(block.end * bytes).subspan(block.begin * bytes);
    put_elements(writer, header, elements);
  });
  return writer.finish();
}

}  // namespace

StreamView parse_stream(std::span<const std::uint8_t> stream) {
  StreamView view{read_header(stream), {}, {}, stream.size()};
  Cutter cutter(stream.first(stream.size() - kChecksumBytes));
  cutter.cut(view.header.header_bytes(), "header");
  view.dictionary = cutter.cut(bytes_of_bits(view.header.dictionary_bits()), "dictionary");
  const auto index = cutter.cut(view.header.tile_count() * kTileIndexEntryBytes, "tile index");
  for (std::size_t at = 0; at < index.size(); at += kTileIndexEntryBytes) {
    view.tiles.push_back(cutter.cut(load<std::uint32_t>(&index[at]), "tile"));
  }
  if (cutter.left() != 0) {
    corrupt("coded stream: bytes between tiles and checksum: expected none, found " +
            std::to_string(cutter.left()));
  }
  return view;
}

StreamBuilder::StreamBuilder(const StreamHeader& header, std::span<const std::uint8_t> dictionary,
                             const std::vector<std::size_t>& tile_bytes) {
  std::size_t bytes = static_cast<std::size_t>(header.header_bytes()) +
                      bytes_of_bits(header.dictionary_bits()) +
                      tile_bytes.size() * kTileIndexEntryBytes;
  for (const std::size_t size : tile_bytes) {
    tile_starts_.push_back(bytes);
    bytes += size;
  }
  stream_.resize(bytes + kChecksumBytes);
  write_header(stream_.data(), header, stream_.size());
  std::uint8_t* out = pack_dictionary(&stream_[header.header_bytes()], header, dictionary);
  for (const std::size_t size : tile_bytes) {
    store(out, static_cast<std::uint32_t>(size));
    out += kTileIndexEntryBytes;
  }
}

Bytes StreamBuilder::finish() {
  fix_checksum(stream_);
  return std::move(stream_);
}

Bytes unpack_dictionary(const StreamView& view) {
  const StreamHeader& header = view.header;
  if (fills_elements(header)) {
    Bytes elements(view.dictionary.size());
    copy_bytes(view.dictionary, elements.data());
    return elements;
  }
  const unsigned bytes = header.element_bytes();
  const std::uint64_t sign = header.is_signed ? std::uint64_t{1} << (header.bits - 1) : 0;
  Bytes elements(std::size_t{header.unique} * header.chunk * bytes);
  BitReader reader(view.dictionary.data(), view.dictionary.size());
  for_each_block({0, elements.size() / bytes}, [&](Block block) {
    for (std::size_t i = block.begin; i < block.end; ++i) {
      // Flipping the sign bit and subtracting its weight extends the sign.
      const std::uint64_t code = (reader.get(header.bits) ^ sign) - sign;
      store_element(&elements[i * bytes], bytes, static_cast<std::uint32_t>(code));
    }
  });
  if (!reader.finished()) corrupt("coded stream: the bits that fill its dictionary are not zero");
  return elements;
}

}  // namespace meadow
