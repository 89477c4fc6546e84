#include "meadow/base/checksum.h"

#include <array>
#include <bit>

#include "meadow/base/bits.h"
#include "meadow/base/thread_pool.h"

namespace meadow {
namespace {

constexpr std::uint64_t kPrime1 = 0x9E3779B185EBCA87;
constexpr std::uint64_t kPrime2 = 0xC2B2AE3D27D4EB4F;
constexpr std::uint64_t kPrime3 = 0x165667B19E3779F9;
constexpr std::uint64_t kPrime4 = 0x85EBCA77C2B2AE63;
constexpr std::uint64_t kPrime5 = 0x27D4EB2F165667C5;

std::uint64_t mix(std::uint64_t lane, std::uint64_t input) noexcept {
  return std::rotl(lane + input * kPrime2, 31) * kPrime1;
}

// Stripes of 32 bytes, four lanes; the merged lanes.
std::uint64_t consume_stripes(const std::uint8_t*& at, const std::uint8_t* end) {
  std::array<std::uint64_t, 4> lanes = {kPrime1 + kPrime2, kPrime2, 0, 0 - kPrime1};
  for_each_block({0, static_cast<std::size_t>(end - at) / 32}, [&](Block stripes) {
    for (std::size_t n = stripes.begin; n < stripes.end; ++n, at += 32) {
      for (std::size_t i = 0; i < 4; ++i) lanes[i] = mix(lanes[i], load<std::uint64_t>(at + 8 * i));
    }
  });
  std::uint64_t hash = std::rotl(lanes[0], 1) + std::rotl(lanes[1], 7) + std::rotl(lanes[2], 12) +
                       std::rotl(lanes[3], 18);
  for (const std::uint64_t lane : lanes) hash = (hash ^ mix(0, lane)) * kPrime1 + kPrime4;
  return hash;
}

std::uint64_t consume_tail(std::uint64_t hash, const std::uint8_t* at,
                           const std::uint8_t* end) noexcept {
  for (; end - at >= 8; at += 8) {
    hash = std::rotl(hash ^ mix(0, load<std::uint64_t>(at)), 27) * kPrime1 + kPrime4;
  }
  if (end - at >= 4) {
    hash =
        std::rotl(hash ^ std::uint64_t{load<std::uint32_t>(at)} * kPrime1, 23) * kPrime2 + kPrime3;
    at += 4;
  }
  for (; at != end; ++at) hash = std::rotl(hash ^ *at * kPrime5, 11) * kPrime1;
  return hash;
}

}  // namespace

std::uint64_t xxh64(const std::uint8_t* data, std::size_t size) {
  const std::uint8_t* at = data;
  const std::uint8_t* end = data + size;
  std::uint64_t hash = (size >= 32 ? consume_stripes(at, end) : kPrime5) + size;
  hash = consume_tail(hash, at, end);
  hash = (hash ^ (hash >> 33)) * kPrime2;
  hash = (hash ^ (hash >> 29)) * kPrime3;
  return hash ^ (hash >> 32);
}

}  // namespace meadow
