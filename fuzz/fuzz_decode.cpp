// Any bytes given to the decoder cause a format error, or give codes of the claimed size, the same
// for any number of threads, and a ledger that adds up. Nothing else may happen.
#include "harness.h"
#include "meadow/base/error.h"
#include "meadow/codec/decoder.h"
#include "meadow/codec/stream.h"

using namespace meadow;

namespace {

// A few bytes may validly describe a large weight of equal codes; decoding it takes memory and time
// and tests nothing.
constexpr std::uint64_t kMostCodes = 1 << 20;
constexpr std::size_t kAtStreamLength = 32;  // docs/format.md, fixed header

bool is_format_error(ErrorKind kind) {
  return kind == ErrorKind::kTruncated || kind == ErrorKind::kCorrupt ||
         kind == ErrorKind::kNewerVersion;
}

void check_ledger(const StreamView& view) {
  const StreamLedger ledger = ledger_of(view, 1);
  const std::uint64_t bits =
      ledger.header + ledger.dictionary + ledger.modes + ledger.indices + ledger.padding;
  fuzz::require(bits == 8 * std::uint64_t{view.bytes}, "the ledger adds up to the stream's length");
}

void decode(const Bytes& stream) {
  try {
    const StreamView view = parse_stream(stream);
    const StreamHeader& header = view.header;
    if (header.rows * header.columns > kMostCodes || header.chunk_count() > kMostCodes) return;
    const Bytes codes = decode_codes(view, 1);
    fuzz::require(codes.size() == header.rows * header.columns * header.element_bytes(),
                  "decoded codes have the promised size");
    fuzz::require(codes == decode_codes(view, 2), "one thread and two decode alike");
    check_ledger(view);
  } catch (const Error& error) {
    fuzz::require(is_format_error(error.kind()), "a bad stream is a format error");
  }
}

// Otherwise mutations would already fail the check of the length or of the checksum.
void make_plausible(Bytes& stream) {
  if (stream.size() < kFixedHeaderBytes + kChecksumBytes) return;
  const std::uint64_t length = stream.size();
  std::memcpy(&stream[kAtStreamLength], &length, sizeof length);
  fix_checksum(stream);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes stream(data, data + size);
  decode(stream);
  make_plausible(stream);
  decode(stream);
  return 0;
}
