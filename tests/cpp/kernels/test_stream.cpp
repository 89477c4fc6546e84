// Reading for its speed: the checksum shows that every word was read once, under every ISA.
#include "meadow/kernels/stream/stream.h"

#include "every_isa.h"
#include "meadow/measure/read.h"
#include "support.h"

using namespace meadow;

namespace {

std::vector<std::uint64_t> random_words(std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<std::uint64_t> words(count);
  for (std::uint64_t& word : words) word = random();
  return words;
}

std::uint64_t xor_of(const std::uint64_t* words, std::size_t count) {
  std::uint64_t sum = 0;
  for (std::size_t n = 0; n < count; ++n) sum ^= words[n];
  return sum;
}

}  // namespace

TEST_CASE("a stream reads every word once, whatever their number and place") {
  const std::vector<std::uint64_t> words = random_words(1100, 1);
  test::EveryIsa().run([&] {
    const auto read = kernels::stream_kernels(active_isa()).read;
    for (std::size_t begin = 0; begin < 9; ++begin) {
      for (std::size_t count = 0; count + begin <= words.size(); count += count < 300 ? 1 : 37) {
        REQUIRE(read(words.data() + begin, count) == xor_of(words.data() + begin, count));
      }
    }
  });
}

TEST_CASE("a stream misses no single word") {
  std::vector<std::uint64_t> words(3 * 64 + 5);
  test::EveryIsa().run([&] {
    const auto read = kernels::stream_kernels(active_isa()).read;
    for (std::size_t n = 0; n < words.size(); ++n) {
      words[n] = n + 1;
      REQUIRE(read(words.data(), words.size()) == n + 1);
      words[n] = 0;
    }
  });
}

TEST_CASE("words read on any number of threads give one checksum") {
  // More than two tasks, and an end that no task or stream divides.
  const std::vector<std::uint64_t> words = random_words((std::size_t{1} << 22) + 300'001, 2);
  const std::uint64_t expected = xor_of(words.data(), words.size());
  test::EveryIsa().run([&] {
    for (const unsigned threads : {0U, 1U, 2U, 5U}) CHECK(read_words(words, threads) == expected);
  });
  CHECK(read_words({}, 0) == 0);
}
