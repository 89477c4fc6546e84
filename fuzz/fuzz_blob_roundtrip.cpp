// Any bytes with any layout, effort and row length: the blob decodes to the same bytes, and it is
// the same for one thread and three, and on every ISA.
#include <algorithm>

#include "blob_harness.h"
#include "meadow/blob/blob.h"
#include "meadow/blob/grid.h"

using namespace meadow;

namespace {

constexpr std::size_t kMostBytes = 3 << 16;  // two tiles of halves, three of bytes
// Head, tables and index of a blob that would better have been stored uncoded.
constexpr std::size_t kMostOverhead = 72 + 8 + 8 + 12 * (kMostBytes / kTileSymbols + 1);

enum Kind : unsigned { kBf16, kF16, kF32, kSegments, kGroups };

struct Case {
  unsigned kind;
  Effort effort;
  std::uint64_t columns;
  Layout layout;
  std::vector<std::uint64_t> memory;  // aligned as the core requires
  std::size_t bytes;

  [[nodiscard]] TensorBytes tensor() const {
    return {{reinterpret_cast<const std::uint8_t*>(memory.data()), bytes}, "ANY", columns};
  }
};

Layout segments(fuzz::Input& input) {
  Layout layout;
  layout.record_bytes = input.take_in(1, 40);
  for (unsigned at = 0; at < layout.record_bytes;) {
    const unsigned count =
        layout.planes.size() == 7 ? 40 : input.take_in(1, layout.record_bytes - at);
    layout.planes.push_back({at, std::min(count, layout.record_bytes - at), 8});
    at += layout.planes.back().count;
  }
  return layout;
}

Layout groups(fuzz::Input& input) {
  Layout layout;
  layout.kind = LayoutKind::kGroups;
  layout.record_bytes = 1U << input.take_in(0, 3);
  for (unsigned at = 0; at < 8 * layout.record_bytes;) {
    const unsigned width = std::min(input.take_in(1, 8), 8 * layout.record_bytes - at);
    layout.planes.push_back({at, 1, width});
    at += width;
  }
  return layout;
}

unsigned record_bytes(const Case& made) {
  if (made.kind == kF32) return 4;
  return made.kind <= kF16 ? 2 : made.layout.record_bytes;
}

// Multiples of a scale of each 32 values, so that grids are found; a few input bytes spoil one.
void quantise(const Case& made, std::uint8_t* bytes) {
  for (std::size_t at = 0; at + 2 <= made.bytes; at += 2) {
    const float scale = 0.01F + 0.001F * static_cast<float>(at / 64 % 16);
    const auto step = static_cast<std::uint8_t>(bytes[at] == 0 ? 0 : 120 + bytes[at] % 16);
    const auto value = static_cast<std::uint16_t>(grid_value(FloatType::kBF16, step, scale));
    if (bytes[at + 1] % 251 != 250) std::memcpy(bytes + at, &value, sizeof value);
  }
}

// Makes bit patterns of F32 that F16 or BF16 can hold, so that a narrower content dtype is found.
void narrow(const Case& made, unsigned how, std::uint8_t* bytes) {
  if (made.kind == kBf16 && how == 1) quantise(made, bytes);
  for (std::size_t at = 0; at + 4 <= made.bytes && made.kind == kF32 && how == 1; at += 4) {
    bytes[at] = bytes[at + 1] = 0;
  }
  for (std::size_t at = 0; at + 2 <= made.bytes && made.kind == kF16 && how == 1; at += 2) {
    bytes[at] = (bytes[at + 1] & 0x7C) == 0 ? 0 : bytes[at] & 0xF8;
  }
}

// Tiles are longer than inputs, so for a few inputs the values are repeated. That takes time.
std::size_t repetitions(std::uint8_t byte) {
  constexpr std::uint8_t kSeldom = 240;
  return byte < kSeldom ? 1 : std::size_t{32} * (byte - kSeldom + 1U);
}

Case read_case(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  Case made{};
  made.kind = input.take_in(kBf16, kGroups);
  made.effort = static_cast<Effort>(input.take_in(0, 4));
  made.columns = input.take<std::uint16_t>() % 1025;
  const std::size_t times = repetitions(input.take<std::uint8_t>());
  const unsigned how = input.take_in(0, 1);
  if (made.kind == kSegments) made.layout = segments(input);
  if (made.kind == kGroups) made.layout = groups(input);
  const auto values = input.take_rest<std::uint8_t>(kMostBytes);
  made.bytes = std::min(kMostBytes, values.size() * times);
  made.bytes -= made.bytes % record_bytes(made);
  made.memory.resize((made.bytes + 7) / 8);
  auto* bytes = reinterpret_cast<std::uint8_t*>(made.memory.data());
  for (std::size_t i = 0; i < made.bytes; ++i) bytes[i] = values[i % values.size()];
  narrow(made, how, bytes);
  return made;
}

Bytes encode(const Case& made, unsigned threads) {
  constexpr FloatType kTypes[] = {FloatType::kBF16, FloatType::kF16, FloatType::kF32};
  if (made.kind <= kF32) {
    return encode_floats(made.tensor(), kTypes[made.kind], made.effort, threads);
  }
  return encode_records(made.tensor(), made.layout, made.effort, threads);
}

void check(const Bytes& blob, const Case& made) {
  const BlobView view = parse_blob(blob);
  fuzz::require(view.bytes == blob.size(), "a blob says how long it is");
  fuzz::require(view.head.nbytes() == made.bytes, "a blob promises the bytes that it was made of");
  if (made.kind <= kF32 || made.effort != Effort::kHuffman) {
    fuzz::require(blob.size() <= made.bytes + kMostOverhead, "what does not pay is stored raw");
  }
  const std::span<const std::uint8_t> expected = made.tensor().bytes;
  for (const unsigned threads : {1U, 2U}) {
    Bytes out(made.bytes);
    decode_blob(view, out, threads);
    fuzz::require(std::equal(out.begin(), out.end(), expected.begin()),
                  "what is coded decodes to the same bytes");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Case made = read_case(data, size);
  Bytes first;
  fuzz::for_each_isa([&] {
    const Bytes blob = encode(made, first.empty() ? 1 : 3);
    fuzz::require(first.empty() || blob == first,
                  "one thread and three, and every ISA, code the same bytes");
    first = blob;
    check(blob, made);
  });
  return 0;
}
