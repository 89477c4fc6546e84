// Long work, cancelled at every place where it asks: what was wanted or the hook's exception, no
// leak (under ASan), and the next call is right.
#include "meadow/base/cancellation.h"

#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>

#include "meadow/codec/decoder.h"
#include "meadow/codec/dictionary.h"
#include "meadow/codec/packets.h"
#include "meadow/number/content.h"
#include "meadow/number/quantize.h"
#include "meadow/stats/histogram.h"
#include "support.h"

using namespace meadow;
using namespace meadow::test;

namespace {

struct Stop : std::runtime_error {
  Stop() : std::runtime_error("stop") {}
};

// Whether its result was right, on so many threads.
using Work = std::function<bool(unsigned threads)>;

// Runs `work` with a hook that throws at its n-th call (0: never); how often it was called.
int calls_of_hook(int n, unsigned threads, const Work& work) {
  int calls = 0;
  const CancellationScope scope(
      [&] {
        if (++calls == n) throw Stop();
      },
      std::chrono::seconds(0));
  bool stopped = false;
  bool right = false;
  try {
    right = work(threads);
  } catch (const Stop&) {
    stopped = true;
  }
  CHECK(stopped == (n != 0 && calls == n));
  CHECK(right != stopped);
  return calls;
}

// On one thread `work` must ask at least `least` times: a loop over a whole weight that asks nobody
// would make fewer.
void cancel_everywhere(int least, const Work& work) {
  const int calls = calls_of_hook(0, 1, work);
  CHECK(calls >= least);
  const int step = std::max(1, calls / 12);
  for (int n = 1; n <= calls; n += step) CHECK(calls_of_hook(n, 1, work) == n);
  for (int n = 1; n <= 4; ++n) calls_of_hook(n, 3, work);
  CHECK(work(3));
}

constexpr std::size_t kRows = 512;
constexpr std::size_t kColumns = 1000;  // 8 blocks of 65536 codes

const Bytes& codes_of_8_bits() {
  static const Bytes codes = skewed_codes(kRows * kColumns, 1, 30.0);
  return codes;
}

CodeMatrix matrix_of_8_bits() { return int8_matrix(codes_of_8_bits(), kRows); }

CodeMatrix matrix_of_4_bits() {
  static const Bytes codes = [] {
    Bytes narrow = codes_of_8_bits();
    for (std::uint8_t& code : narrow) code &= 15;
    return narrow;
  }();
  return {codes.data(), kRows, kColumns, 1, 4, false};
}

bool round_trips(const Bytes& stream, const CodeMatrix& codes, unsigned threads) {
  const Bytes again = decode_codes(parse_stream(stream), threads);
  return same_bits(again, Bytes(codes.data, codes.data + codes.bytes()));
}

}  // namespace

TEST_CASE("cancelled: chunks of every size, along both sides") {
  for (const unsigned chunk : {1U, 4U, 16U}) {
    for (const bool along_output : {false, true}) {
      cancel_everywhere(static_cast<int>(16 / chunk), [&](unsigned threads) {
        const ChunkedCodes source(matrix_of_8_bits(), chunk, along_output, threads);
        return dictionary_growth(source.chunks(), 3).back().unique == source.chunks().unique();
      });
    }
  }
}

TEST_CASE("cancelled: a partition that has all the chunks") {
  const Bytes zeros(8 << 16, 0);
  const Bytes& many = codes_of_8_bits();
  const auto extract = [](const Bytes& codes, bool alike) {
    return [&codes, alike](unsigned threads) {
      return (unique_chunks(int8_matrix(codes, 1), 4, threads).unique() == 1) == alike;
    };
  };
  // Two passes over 2 blocks of entries, a table of 4 blocks, counts of 2.
  const int asked_inside = 1 + 1 + 3 + 1;
  const int otherwise = calls_of_hook(0, 1, extract(many, false));
  cancel_everywhere(otherwise + asked_inside, extract(zeros, true));
}

TEST_CASE("cancelled: packing, checking and decoding") {
  for (const bool along_output : {false, true}) {
    const CodeMatrix codes = along_output ? matrix_of_8_bits() : matrix_of_4_bits();
    const ChunkedCodes source(codes, 8, along_output, 1);
    // The dictionary alone has 8 blocks to pack, to unpack in order to check it, and to decode.
    cancel_everywhere(3 * 7, [&](unsigned threads) {
      const Bytes stream = pack_dictionary(source);
      verify_stream(stream, source);
      return round_trips(stream, codes, threads);
    });
    cancel_everywhere(3 * 7 + 10, [&](unsigned threads) {
      const Bytes stream = pack_packets(source, {true, 0, {}});
      verify_stream(stream, source);
      const StreamView view = parse_stream(stream);
      return ledger_of(view, threads).dictionary == view.header.dictionary_bits() &&
             round_trips(stream, codes, threads);
    });
  }
}

TEST_CASE("cancelled: counts and entropies") {
  const Bytes& codes = codes_of_8_bits();
  cancel_everywhere(8, [&](unsigned threads) {
    const Counts counts = count_symbols(codes.data(), codes.size(), 1, 8, threads);
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}) == codes.size();
  });
  const std::vector<std::uint32_t> values(8 << 16, 0x3F800000);
  cancel_everywhere(8, [&](unsigned threads) {
    const auto counts = count_fields(values.data(), values.size(), FloatType::kF32, threads);
    return counts[1][127] == values.size();
  });
  cancel_everywhere(7 + 7, [&](unsigned) { return entropy(values) == 19.0; });
}

TEST_CASE("cancelled: numbers") {
  const std::vector<float> values(8 << 16, 1.0F);
  cancel_everywhere(8, [&](unsigned threads) {
    const FloatType found = narrowest_type(values.data(), values.size(), FloatType::kF32, threads);
    return found == FloatType::kBF16;
  });
  const Weight weight{values.data(), FloatType::kF32, 1 << 10, 1 << 9, "w"};
  Bytes codes(values.size());
  std::vector<float> scales(weight.rows);
  std::vector<float> again(values.size());
  const Quantized out{codes.data(), scales.data(), nullptr};
  for (const std::size_t per_scale : {std::size_t{0}, weight.columns}) {
    cancel_everywhere(16, [&](unsigned threads) {
      quantize(weight, {8, true, per_scale}, out, threads);
      dequantize(out, weight.rows, weight.columns, per_scale, again.data(), threads);
      return std::all_of(again.begin(), again.end(),
                         [](float w) { return std::abs(w - 1) < 1e-6F; });
    });
  }
}
