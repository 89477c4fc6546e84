#include "meadow/base/checksum.h"

#include "support.h"

using namespace meadow;

// Computed with the reference implementation (xxhash 0.8) over bytes (7 i + 3) mod 256.
TEST_CASE("xxh64 equals the reference for lengths around its stripes") {
  const std::vector<std::pair<std::size_t, std::uint64_t>> known = {
      {0, 0xef46db3751d8e999},  {1, 0x1f25c8d0bc1f4bb6},   {3, 0x31d2363f52e564c9},
      {4, 0x9bb64b7d66ee9fda},  {7, 0x9a7b149959ce60d8},   {8, 0xdab99d95c6f90092},
      {31, 0xa2aa5f33cc4a6119}, {32, 0x23c3c17ef790fd97},  {33, 0x50a7cfc7ba588784},
      {63, 0x5e3e54b431c7493c}, {100, 0xa61f8d4c170fe531}, {1000, 0x5f235fa033f1a3fb}};
  for (const auto& [size, expected] : known) {
    CAPTURE(size);
    std::vector<std::uint8_t> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(7 * i + 3);
    CHECK(xxh64(bytes.data(), size) == expected);
  }
}
