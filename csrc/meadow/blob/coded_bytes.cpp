#include "meadow/blob/coded_bytes.h"

#include <algorithm>

#include "meadow/base/bits.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/blob/header.h"
#include "meadow/blob/plane_code.h"

namespace meadow {
namespace {

constexpr std::size_t kFixed = 3;  // coding and size of the table

// For fewer bytes, making the table of the fast decoder takes longer than the slow decoder.
constexpr std::uint64_t kFewBytes = 1 << 13;

PlaneCode parse_code(Coding coding, std::span<const std::uint8_t> table, std::uint64_t count) {
  if (count < kFewBytes) return PlaneCode::parse_small(coding, table);
  return PlaneCode::parse(coding, 8, table);
}

[[noreturn]] void refuse() {
  corrupt("blob: its row or column bases are not the ones that its head promises");
}

}  // namespace

Bytes encode_bytes(std::span<const std::uint8_t> bytes) {
  ByteCounts counts{};
  for (const std::uint8_t byte : bytes) ++counts[byte];
  const PlaneCode code = PlaneCode::choose(counts, 8, {});
  Bytes out(kFixed);
  out[0] = static_cast<std::uint8_t>(code.coding());
  store(&out[1], static_cast<std::uint16_t>(code.table().size()));
  out.insert(out.end(), code.table().begin(), code.table().end());
  for (std::size_t n = 0; n < block_count(bytes.size(), kTileSymbols); ++n) {
    const Block block = nth_block(n, bytes.size(), kTileSymbols);
    const auto part = bytes.subspan(block.begin, block.end - block.begin);
    const std::size_t at = out.size();
    out.resize(at + 4 + code.bound(part.size()));
    const std::uint8_t* end = code.encode(part, &out[at] + 4);
    const auto size = static_cast<std::size_t>(end - &out[at]) - 4;
    store(&out[at], static_cast<std::uint32_t>(size));
    out.resize(at + 4 + size);
  }
  return out;
}

std::vector<std::uint8_t> decode_bytes(std::span<const std::uint8_t> coded, std::uint64_t count) {
  if (coded.size() < kFixed || coded[0] > static_cast<std::uint8_t>(Coding::kRans)) refuse();
  const std::size_t table = load<std::uint16_t>(&coded[1]);
  if (coded.size() - kFixed < table) refuse();
  const auto code = parse_code(static_cast<Coding>(coded[0]), coded.subspan(kFixed, table), count);
  auto left = coded.subspan(kFixed + table);
  // Each part of 2^16 bytes takes at least the 4 bytes of its size.
  if (block_count(static_cast<std::size_t>(count), kTileSymbols) > left.size() / 4) refuse();
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count));
  for (std::size_t n = 0; n < block_count(bytes.size(), kTileSymbols); ++n) {
    const Block block = nth_block(n, bytes.size(), kTileSymbols);
    if (left.size() < 4) refuse();
    const auto size = load<std::uint32_t>(left.data());
    if (size > left.size() - 4) refuse();
    const std::span<std::uint8_t> part(bytes.data() + block.begin, block.end - block.begin);
    if (!code.decode(left.subspan(4, size), part)) refuse();
    left = left.subspan(4 + size);
  }
  if (!left.empty()) refuse();
  return bytes;
}

}  // namespace meadow
