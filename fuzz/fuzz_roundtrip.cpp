// Any codes with any parameters: packed codes decode to the same bits, and any number of threads
// packs the same bytes.
#include "harness.h"
#include "meadow/base/error.h"
#include "meadow/codec/decoder.h"
#include "meadow/codec/dictionary.h"
#include "meadow/codec/packets.h"

using namespace meadow;

namespace {

constexpr std::size_t kMostElements = 1 << 14;

struct Case {
  unsigned bits;
  bool is_signed;
  bool along_output;
  unsigned chunk;
  std::size_t rows;
  PacketOptions packets;
  Bytes codes;

  [[nodiscard]] unsigned element_bytes() const { return bits <= 8 ? 1 : bits <= 16 ? 2 : 4; }
};

// Clears the bits above `bits`, or repeats the sign there if codes are signed.
void make_fit(Case& made) {
  const unsigned bytes = made.element_bytes();
  const unsigned spare = 64 - made.bits;
  for (std::size_t at = 0; at < made.codes.size(); at += bytes) {
    std::uint64_t code = 0;
    std::memcpy(&code, &made.codes[at], bytes);
    code <<= spare;
    code = made.is_signed ? static_cast<std::uint64_t>(static_cast<std::int64_t>(code) >> spare)
                          : code >> spare;
    std::memcpy(&made.codes[at], &code, bytes);
  }
}

// Six bytes of parameters, then the codes. Bits 0 to 3 of the second byte are flags.
Case read_case(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  Case made{};
  made.bits = input.take_in(1, 32);
  const auto flags = input.take<std::uint8_t>();
  made.is_signed = (flags & 1U) != 0;
  made.along_output = (flags & 2U) != 0;
  made.packets.reindex = (flags & 4U) != 0;
  made.chunk = input.take_in(1, kMaxChunk);
  made.rows = input.take_in(1, 64);
  made.packets.length = input.take<std::uint8_t>();  // 0: searched
  const auto narrow = static_cast<std::uint8_t>(input.take_in(0, 14));
  if ((flags & 8U) != 0) made.packets.widths = {narrow, 15, 32};
  const std::vector<std::uint8_t> rest = input.take_rest<std::uint8_t>(kMostElements);
  made.codes.assign(rest.begin(), rest.end());
  const std::size_t row_bytes = made.rows * made.element_bytes();
  made.codes.resize(made.codes.size() / row_bytes * row_bytes);
  make_fit(made);
  return made;
}

ChunkedCodes chunked(const Case& made, unsigned threads) {
  const std::size_t columns = made.codes.size() / made.rows / made.element_bytes();
  const CodeMatrix codes{made.codes.data(),    made.rows, columns,
                         made.element_bytes(), made.bits, made.is_signed};
  require_codes_fit(codes, threads);
  return {codes, made.chunk, made.along_output, threads};
}

void check(const Bytes& stream, const Bytes& same, const Case& made) {
  fuzz::require(stream == same, "one thread and three pack the same bytes");
  const StreamView view = parse_stream(stream);
  fuzz::require(decode_codes(view, 2) == made.codes, "what is packed decodes to the same bits");
  fuzz::require(view.header.bits == made.bits && view.header.is_signed == made.is_signed &&
                    view.header.chunk == made.chunk,
                "the header says how the codes were cut");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Case made = read_case(data, size);
  const ChunkedCodes one = chunked(made, 1);
  const ChunkedCodes three = chunked(made, 3);
  check(pack_dictionary(one), pack_dictionary(three), made);
  check(pack_packets(one, made.packets), pack_packets(three, made.packets), made);
  return 0;
}
