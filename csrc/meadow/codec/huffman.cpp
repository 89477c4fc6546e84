#include "meadow/codec/huffman.h"

#include <algorithm>

#include "meadow/base/bits.h"
#include "meadow/kernels/isa.h"

namespace meadow {
namespace {

using kernels::kHuffmanStreams;

static_assert((kMaxTileSymbols / kHuffmanStreams + 1) * kernels::kHuffmanBits / 8 < (1 << 16));

std::size_t first_of_stream(std::size_t stream, std::size_t count) noexcept {
  return std::min(count, stream * ((count + kHuffmanStreams - 1) / kHuffmanStreams));
}

// False if the sizes do not fit in the payload.
bool cut_streams(std::span<const std::uint8_t> payload, kernels::HuffmanStreams& streams) noexcept {
  if (payload.size() < kHuffmanSizesBytes) return false;
  const std::uint8_t* at = payload.data() + kHuffmanSizesBytes;
  auto left = payload.size() - kHuffmanSizesBytes;
  for (std::size_t s = 0; s < kHuffmanStreams; ++s) {
    streams.in[s] = at;
    if (s + 1 == kHuffmanStreams) break;
    const auto size = load<std::uint16_t>(payload.data() + 2 * s);
    if (size > left) return false;
    at += size;
    left -= size;
  }
  streams.in[kHuffmanStreams] = payload.data() + payload.size();
  return true;
}

}  // namespace

std::size_t huffman_bound(std::size_t symbols) noexcept {
  constexpr std::size_t kBehind = 8;  // bytes that the kernel may write past a stream
  return kHuffmanSizesBytes + bytes_of_bits(symbols * kernels::kHuffmanBits) + kHuffmanStreams +
         kBehind;
}

std::uint8_t* huffman_encode(const kernels::HuffmanCodes& codes,
                             std::span<const std::uint8_t> symbols, std::uint8_t* out) noexcept {
  if (symbols.empty()) return out;
  const kernels::HuffmanKernels& kernels = kernels::huffman_kernels(active_isa());
  std::uint8_t* at = out + kHuffmanSizesBytes;
  for (std::size_t s = 0; s < kHuffmanStreams; ++s) {
    const std::size_t begin = first_of_stream(s, symbols.size());
    const std::size_t end = first_of_stream(s + 1, symbols.size());
    std::uint8_t* next = kernels.encode(codes, symbols.data() + begin, end - begin, at);
    if (s + 1 < kHuffmanStreams) store(out + 2 * s, static_cast<std::uint16_t>(next - at));
    at = next;
  }
  return at;
}

bool huffman_decode(const kernels::HuffmanSlots& slots, std::span<const std::uint8_t> payload,
                    std::span<std::uint8_t> symbols) noexcept {
  return huffman_decode(kernels::huffman_kernels(active_isa()), slots, payload, symbols);
}

bool huffman_decode(const kernels::HuffmanKernels& kernels, const kernels::HuffmanSlots& slots,
                    std::span<const std::uint8_t> payload,
                    std::span<std::uint8_t> symbols) noexcept {
  if (symbols.empty()) return payload.empty();
  kernels::HuffmanStreams streams{};
  if (!cut_streams(payload, streams)) return false;
  for (std::size_t s = 0; s <= kHuffmanStreams; ++s) {
    streams.out[s] = symbols.data() + first_of_stream(s, symbols.size());
  }
  return kernels.decode(slots, streams);
}

}  // namespace meadow
