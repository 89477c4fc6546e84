#include "meadow/codec/chunked_codes.h"

#include <string>
#include <utility>

#include "meadow/base/error.h"

namespace meadow {

ChunkedCodes::ChunkedCodes(const CodeMatrix& codes, unsigned chunk, bool along_output,
                           unsigned threads)
    : codes_(codes), chunk_(chunk), along_output_(along_output), threads_(threads), cut_(codes) {
  if (codes.element_bytes != header(Codec::kDictionary).element_bytes()) {
    invalid("codes of " + std::to_string(codes.bits) + " bits: expected elements of " +
            std::to_string(header(Codec::kDictionary).element_bytes()) + " bytes, found " +
            std::to_string(codes.element_bytes));
  }
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
