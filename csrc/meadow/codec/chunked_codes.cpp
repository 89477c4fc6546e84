#include "meadow/codec/chunked_codes.h"

#include <string>
#include <utility>

#include "meadow/base/error.h"

namespace meadow {
namespace {

void check_packable(const CodeMatrix& codes) {
  require_bits(codes);
  const unsigned needed = element_bytes_for(codes.bits);
  if (codes.element_bytes != needed) {
    invalid("codes of " + std::to_string(codes.bits) + " bits: expected elements of " +
            std::to_string(needed) + " bytes, found " + std::to_string(codes.element_bytes));
  }
  if (codes.rows > kMaxSide || codes.columns > kMaxSide) {
    invalid("codes: expected at most 2^40 rows and columns, found " + std::to_string(codes.rows) +
            " x " + std::to_string(codes.columns));
  }
}

}  // namespace

ChunkedCodes::ChunkedCodes(const CodeMatrix& codes, unsigned chunk, bool along_output,
                           unsigned threads)
    : codes_(codes), chunk_(chunk), along_output_(along_output), threads_(threads), cut_(codes) {
  check_packable(codes);
  if (along_output) {
    turned_ = transposed(codes, threads);
    cut_.data = turned_.data();
    std::swap(cut_.rows, cut_.columns);
  }
  chunks_ = unique_chunks(cut_, chunk, threads);
}

StreamHeader ChunkedCodes::header(Codec codec) const {
  return {codec,
          codes_.rows,
          codes_.columns,
          codes_.bits,
          codes_.is_signed,
          along_output_,
          false,
          chunk_,
          static_cast<std::uint32_t>(chunks_.unique()),
          1,
          {}};
}

}  // namespace meadow
