#include "meadow/codec/stream_codecs.h"

#include <algorithm>
#include <array>

#include "meadow/codec/dictionary.h"
#include "meadow/codec/packets.h"

namespace meadow {
namespace {

constexpr std::array kCodecs = {
    StreamCodec{Codec::kDictionary, "dictionary", check_dictionary_header, decode_dictionary_tile,
                index_bits_of_dictionary},
    StreamCodec{Codec::kPackets, "packets", nullptr, decode_packets_tile, index_bits_of_packets}};

}  // namespace

std::span<const StreamCodec> stream_codecs() noexcept { return kCodecs; }

const StreamCodec* find_codec(Codec codec) noexcept {
  const auto found = std::find_if(kCodecs.begin(), kCodecs.end(),
                                  [&](const StreamCodec& known) { return known.codec == codec; });
  return found == kCodecs.end() ? nullptr : &*found;
}

}  // namespace meadow
