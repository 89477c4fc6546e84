// Any bytes as a blob of planes give a format error, or a weight that every ISA and any number of
// threads decodes and multiplies alike. Any values as a weight are restored.
#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "blob_harness.h"
#include "meadow/base/raw_vector.h"
#include "meadow/blob/planes_blob.h"
#include "meadow/matrix/bf16_planes.h"
#include "meadow/matrix/f16_planes.h"

using namespace meadow;

namespace {

constexpr std::size_t kMostBytes = 1 << 20;

// Returns nothing if a block is damaged.
std::optional<Bytes> decoded(const PlanesView& view, unsigned threads) {
  Bytes out(view.nbytes());
  try {
    decode_planes(view, 0, view.layout.blocks(), out, threads);
  } catch (const Error& error) {
    fuzz::require(error.kind() == ErrorKind::kCorrupt, "a damaged block is a format error");
    return std::nullopt;
  }
  return out;
}

std::vector<float> product(const PlanesView& view) {
  const auto matrix = bf16_planes_matrix(view.planes, view.layout.rows, view.plane_bytes());
  const std::vector<float> x(view.layout.columns, 1.0F);
  std::vector<float> y(view.layout.rows);
  const Product one{matrix.get(), x.data(), y.data()};
  multiply({&one, 1}, 1, 1);
  return y;
}

// NaN may differ in sign and payload, which no arithmetic promises.
bool same_values(const std::vector<float>& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::memcmp(&x, &y, sizeof x) == 0 || (x != x && y != y);
  });
}

void decode(const Bytes& blob) {
  try {
    const PlanesView view = parse_planes_blob(blob);
    if (view.nbytes() > kMostBytes) return;
    std::optional<Bytes> first;
    std::vector<float> sums;
    bool known = false;
    fuzz::for_each_isa([&] {
      const std::optional<Bytes> found = decoded(view, known ? 2 : 1);
      std::vector<float> y = product(view);
      fuzz::require(!known || found == first, "every ISA decodes alike");
      fuzz::require(!known || same_values(y, sums), "every ISA multiplies alike");
      first = found;
      sums = std::move(y);
      known = true;
    });
    if (first) verify_planes(view, 2);
  } catch (const Error& error) {
    fuzz::require(fuzz::is_format_error(error), "a bad blob is a format error");
  }
}

// Rows and columns, then values, which are repeated until they fill the weight.
void round_trip(fuzz::Input input) {
  const std::size_t rows = input.take_in(1, 140);
  const std::size_t columns = input.take_in(1, 140);
  const auto stored = input.take_in(0, 1) == 0 ? FloatType::kBF16 : FloatType::kF32;
  const auto given = input.take_rest<std::uint16_t>(rows * columns);
  if (given.empty()) return;
  std::vector<std::uint16_t> halves(rows * columns);
  std::vector<std::uint32_t> words(rows * columns);
  for (std::size_t i = 0; i < halves.size(); ++i) {
    halves[i] = given[i % given.size()];
    words[i] = std::uint32_t{halves[i]} << 16;
  }
  const bool wide = stored == FloatType::kF32;
  const void* values = wide ? static_cast<const void*>(words.data()) : halves.data();
  const auto blob = encode_planes_blob(stored, values, rows, columns, 1);
  if (!blob) return;
  fuzz::require(blob == encode_planes_blob(stored, values, rows, columns, 3),
                "one thread and three write the same bytes");
  const auto found = decoded(parse_planes_blob(*blob), 2);
  fuzz::require(found && std::memcmp(found->data(), values, found->size()) == 0,
                "any values come back");
}

// The same as F16: planes of F16 restore finite values under every ISA; other values are refused.
void round_trip_f16(fuzz::Input input) {
  const std::size_t rows = input.take_in(1, 140);
  const std::size_t columns = input.take_in(1, 140);
  const auto given = input.take_rest<std::uint16_t>(rows * columns);
  if (given.empty()) return;
  std::vector<std::uint16_t> halves(rows * columns);
  for (std::size_t i = 0; i < halves.size(); ++i) halves[i] = given[i % given.size()];
  const bool finite = std::none_of(halves.begin(), halves.end(),
                                   [](std::uint16_t half) { return (half & 0x7C00U) == 0x7C00U; });
  const auto dense = dense_matrix(DenseType::kF16, halves.data(), rows, columns);
  fuzz::for_each_isa([&] {
    try {
      const auto packed = f16_planes_matrix(halves.data(), rows, columns, 2);
      fuzz::require(finite, "NaN and infinities are refused");
      std::vector<float> expected(columns);
      std::vector<float> found(columns);
      for (std::size_t row = 0; row < rows; ++row) {
        dense->read_row(row, expected.data());
        packed->read_row(row, found.data());
        fuzz::require(std::memcmp(expected.data(), found.data(), columns * sizeof(float)) == 0,
                      "any finite F16 comes back");
      }
    } catch (const Error& error) {
      fuzz::require(!finite && error.kind() == ErrorKind::kInvalidArgument,
                    "only NaN and infinities are refused");
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  round_trip(fuzz::Input(data, size));
  round_trip_f16(fuzz::Input(data, size));
  Bytes blob(data, data + size);
  decode(blob);
  fix_planes_checksums(blob);
  decode(blob);
  return 0;
}
