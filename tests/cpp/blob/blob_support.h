// Tensors for the tests of blobs, and blobs with mended checksums.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "every_isa.h"
#include "meadow/base/bits.h"
#include "meadow/blob/blob.h"

namespace meadow::test {

constexpr std::array<Effort, 5> kEfforts = {Effort::kFast, Effort::kBalanced, Effort::kSmall,
                                            Effort::kHuffman, Effort::kRaw};

// docs/format.md, the fixed head.
enum At : std::size_t {
  kAtKind = 5,
  kAtFlags = 7,
  kAtRecords = 8,
  kAtColumns = 16,
  kAtTileRecords = 24,
  kAtRecordBytes = 28,
  kAtTop = 31,
  kAtBytes = 32,
  kAtHeadBytes = 40,
  kAtStored = 44,
  kAtContent = 45,
  kAtPlaneEntries = 72,
};

template <typename Word>
Bytes bytes_of(const std::vector<Word>& words) {
  Bytes bytes(words.size() * sizeof(Word));
  if (!words.empty()) std::memcpy(bytes.data(), words.data(), bytes.size());
  return bytes;
}

// Normal values whose rows and columns have scales of their own, as the upper halves of F32.
inline std::vector<std::uint16_t> scaled_bf16(std::size_t count, std::size_t columns, unsigned seed,
                                              double spread = 3.0) {
  auto random = generator(seed);
  std::normal_distribution<double> normal;
  std::vector<double> of_columns(std::max<std::size_t>(1, columns));
  for (double& scale : of_columns) scale = std::exp2(std::round(spread * normal(random)));
  std::vector<std::uint16_t> values(count);
  double of_row = 1.0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % of_columns.size() == 0) of_row = std::exp2(std::round(spread * normal(random)));
    const auto value =
        static_cast<float>(normal(random) * of_row * of_columns[i % of_columns.size()]);
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    values[i] = static_cast<std::uint16_t>(bits >> 16);
  }
  return values;
}

// Whole multiples of a scale that each group has for itself; zeros of both signs.
inline std::vector<float> quantised(std::size_t count, std::size_t group, int steps,
                                    unsigned seed) {
  auto random = generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  float scale = 0.0F;
  for (std::size_t i = 0; i < count; ++i) {
    if (i % group == 0) scale = 0.01F + 0.02F * std::abs(normal(random));
    const float most = static_cast<float>(steps);
    values[i] = std::clamp(std::round(most / 3 * normal(random)), -most, most) * scale;
  }
  return values;
}

inline Bytes quantised_bf16(bool uneven) {
  std::vector<std::uint16_t> words;
  for (float value : quantised(12 * 64, 64, uneven ? 9 : 3, 7)) {
    if (uneven) value *= std::sqrt(std::abs(value));
    std::uint32_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    words.push_back(static_cast<std::uint16_t>((bits + 0x8000U) >> 16));
  }
  return bytes_of(words);
}

// Two tiles of equal symbols, and one with a few others.
inline Bytes tiles_that_differ() {
  Bytes bytes(3 << 17, 5);
  std::fill(bytes.begin() + (1 << 17), bytes.end(), std::uint8_t{9});
  for (std::size_t i = 2 << 17; i < bytes.size(); i += 9001) bytes[i] = 5;
  return bytes;
}

// Any bits, but such that nothing narrower holds them.
inline Bytes any_bytes(std::size_t count, unsigned seed) {
  auto random = generator(seed);
  Bytes bytes(count);
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

inline Layout segments(unsigned record_bytes, std::vector<PlaneShape> planes) {
  Layout layout;
  layout.record_bytes = record_bytes;
  layout.planes = std::move(planes);
  return layout;
}

inline Layout groups(unsigned element_bytes, const std::vector<unsigned>& widths) {
  Layout layout;
  layout.kind = LayoutKind::kGroups;
  layout.record_bytes = element_bytes;
  unsigned shift = 8 * element_bytes;
  for (const unsigned width : widths) {
    shift -= width;
    layout.planes.push_back({shift, 1, width});
  }
  return layout;
}

inline Bytes decoded(const Bytes& blob, unsigned threads = 1) {
  const BlobView view = parse_blob(blob);
  Bytes out(static_cast<std::size_t>(view.head.nbytes()));
  decode_blob(view, out, threads);
  return out;
}

// One of each kind of plane and coding, a few hundred bytes each.
inline std::vector<std::pair<std::string, Bytes>> small_blobs() {
  const Bytes scaled = bytes_of(scaled_bf16(16 * 40, 40, 1, 9.0));
  const Bytes codes = skewed_codes(900, 2, 2.0);
  const Bytes rare = skewed_codes(2000, 3, 0.3);
  const Layout plain = segments(1, {{0, 1, 8}});
  return {
      {"scaled", encode_floats({scaled, "BF16", 40}, FloatType::kBF16, Effort::kBalanced, 1)},
      {"huffman", encode_records({codes, "I8", 0}, plain, Effort::kHuffman, 1)},
      {"rans", encode_records({rare, "I8", 0}, plain, Effort::kSmall, 1)},
      {"groups", encode_records({codes, "I8", 0}, groups(1, {3, 5}), Effort::kSmall, 1)},
      {"segments", encode_records({codes, "ANY", 0}, segments(9, {{0, 2, 8}, {2, 7, 8}}),
                                  Effort::kBalanced, 1)},
      {"raw", encode_records({codes, "I8", 0}, plain, Effort::kRaw, 1)},
      {"grid",
       encode_floats({quantised_bf16(false), "BF16", 64}, FloatType::kBF16, Effort::kBalanced, 1)},
      {"palette",
       encode_floats({quantised_bf16(true), "BF16", 64}, FloatType::kBF16, Effort::kBalanced, 1)},
      {"equal", encode_floats({Bytes(400, 0), "BF16", 0}, FloatType::kBF16, Effort::kFast, 1)},
  };
}

template <typename Word>
Bytes with(Bytes blob, std::size_t at, Word word) {
  store(&blob[at], word);
  fix_blob_checksums(blob);
  return blob;
}

}  // namespace meadow::test
