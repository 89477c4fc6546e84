#include "meadow/codec/integer_planes.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "meadow/base/check.h"
#include "meadow/base/error.h"
#include "meadow/base/thread_pool.h"
#include "meadow/codec/integer_widths.h"
#include "meadow/kernels/isa.h"

namespace meadow {
namespace {

using kernels::kBlockCodes;
using kernels::kBlockColumns;
using kernels::kStripRows;

constexpr std::size_t kPiece = 64;
constexpr std::size_t kSteps = 8;

std::size_t padded(std::size_t size) noexcept { return (size + kPiece - 1) / kPiece * kPiece; }

std::size_t blocks_of(std::size_t columns) noexcept {
  return (columns + kBlockColumns - 1) / kBlockColumns;
}

// The codes of a strip, which may have fewer rows than it has room for.
struct StripCodes {
  const std::int8_t* codes;
  std::size_t rows;
  std::size_t columns;
};

StripCodes nth_strip(const std::int8_t* codes, std::size_t rows, std::size_t columns,
                     std::size_t n) noexcept {
  const Block block = nth_block(n, rows, kStripRows);
  return {codes + block.begin * columns, block.end - block.begin, columns};
}

CodeCounts counts_of(const StripCodes& strip) {
  CodeCounts counts{};
  for (std::size_t i = 0; i < strip.rows * strip.columns; ++i) {
    ++counts[static_cast<std::size_t>(strip.codes[i] + 128)];
  }
  return counts;
}

FieldRange dense_range(const std::int8_t* codes, std::size_t count) {
  const auto [low, high] = std::minmax_element(codes, codes + count);
  return *low >= -8 && *high <= 7 ? FieldRange{4, -8} : FieldRange{8, -128};
}

int nearest(int code, const FieldRange& range) noexcept {
  return std::clamp<int>(code, range.low, range.low + (1 << range.width) - 1);
}

// In the order of the columns, each stored as its distance from the previous one.
class EscapeWriter {
 public:
  void add(std::size_t column, std::size_t row, int missing) {
    for (; column - column_ > kMostGap; column_ += kMostGap) write(kMostGap, 0, 0);
    while (missing != 0) {
      const int addend = std::clamp(missing, kLowestAddend, kHighestAddend);
      write(column - column_, row, addend);
      column_ = column;
      missing -= addend;
    }
  }
  // Pads to a multiple of `count`, which is not 0, with entries that add 0.
  [[nodiscard]] std::vector<std::uint16_t> filled_to(std::size_t count) && {
    escapes_.resize((escapes_.size() + count - 1) / count * count);
    return std::move(escapes_);
  }

 private:
  static constexpr std::size_t kMostGap = 31;

  void write(std::size_t gap, std::size_t row, int addend) {
    const auto high = static_cast<std::size_t>(addend & 127) << 9;
    escapes_.push_back(static_cast<std::uint16_t>(high | row << 5 | gap));
  }

  std::size_t column_ = 0;
  std::vector<std::uint16_t> escapes_;
};

std::vector<std::uint16_t> escapes_of(const StripCodes& strip, const FieldRange& range) {
  EscapeWriter writer;
  for (std::size_t c = 0; c < strip.columns; ++c) {
    for (std::size_t r = 0; r < strip.rows; ++r) {
      const std::int8_t code = strip.codes[r * strip.columns + c];
      const int missing = code - nearest(code, range);
      if (missing != 0) writer.add(c, r, missing);
    }
  }
  return std::move(writer).filled_to(std::max<std::size_t>(1, blocks_of(strip.columns)));
}

using Fields = std::array<std::array<std::uint8_t, kPiece>, kSteps>;

// The fields of one block, step after step; 0 where the weight has no code.
Fields fields_of(const StripCodes& strip, std::size_t block, const FieldRange& range) {
  Fields fields{};
  const std::size_t first = block * kBlockColumns;
  const std::size_t columns = std::min(kBlockColumns, strip.columns - first);
  const int low = range.width == 8 ? 0 : range.low;
  for (std::size_t r = 0; r < strip.rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      const std::int8_t code = strip.codes[r * strip.columns + first + c];
      fields[c / 4][4 * r + c % 4] = static_cast<std::uint8_t>(nearest(code, range) - low);
    }
  }
  return fields;
}

// Writes the pieces that hold `width` bits of all fields, from bit `from` on.
std::uint8_t* write_pieces(const Fields& fields, unsigned from, unsigned width, std::uint8_t* to) {
  const unsigned steps = 8 / width;
  for (std::size_t s = 0; s < kSteps; s += steps, to += kPiece) {
    for (std::size_t i = 0; i < kPiece; ++i) {
      unsigned byte = 0;
      for (unsigned j = 0; j < steps; ++j) {
        byte |= ((static_cast<unsigned>(fields[s + j][i]) >> from) & ((1U << width) - 1))
                << (j * width);
      }
      to[i] = static_cast<std::uint8_t>(byte);
    }
  }
  return to;
}

void write_block(const Fields& fields, unsigned width, std::uint8_t* to) {
  unsigned from = 0;
  for (const unsigned piece : {8U, 4U, 2U, 1U}) {
    if ((width & piece) == 0) continue;
    to = write_pieces(fields, from, piece, to);
    from += piece;
  }
}

void write_strip(const StripCodes& strip, const FieldRange& range,
                 const std::vector<std::uint16_t>& escapes, std::uint8_t* to) {
  const std::size_t bytes = escapes.size() * sizeof(std::uint16_t);
  if (bytes != 0) std::memcpy(to, escapes.data(), bytes);
  std::memset(to + bytes, 0, padded(bytes) - bytes);
  to += padded(bytes);
  for (std::size_t b = 0; b < blocks_of(strip.columns); ++b, to += kPiece * range.width) {
    write_block(fields_of(strip, b, range), range.width, to);
  }
}

struct StripPlan {
  FieldRange range;
  std::vector<std::uint16_t> escapes;
};

std::vector<StripPlan> plans_of(const std::int8_t* codes, std::size_t rows, std::size_t columns,
                                PlaneWidths widths, unsigned threads) {
  std::vector<StripPlan> plans(block_count(rows, kStripRows));
  if (widths == PlaneWidths::kDense) {
    const FieldRange range = dense_range(codes, rows * columns);
    for (StripPlan& plan : plans) plan.range = range;
    return plans;
  }
  parallel_for(plans.size(), threads, [&](std::size_t n) {
    const StripCodes strip = nth_strip(codes, rows, columns, n);
    plans[n].range = cheapest_range(counts_of(strip));
    plans[n].escapes = escapes_of(strip, plans[n].range);
  });
  return plans;
}

void check_shape(std::size_t rows, std::size_t columns) {
  if (rows == 0 || columns == 0) invalid("integer weight: expected codes, found none");
  if (columns > kernels::kMostIntegerColumns) {
    invalid("integer weight: expected at most " + std::to_string(kernels::kMostIntegerColumns) +
            " columns, whose products fit 32 bits, found " + std::to_string(columns));
  }
}

std::size_t strip_bytes(std::size_t escapes, std::size_t blocks, std::size_t width) noexcept {
  return padded(escapes * sizeof(std::uint16_t)) + blocks * kPiece * width;
}

IntegerPlanes room_for(const std::vector<StripPlan>& plans, std::size_t rows, std::size_t columns) {
  std::vector<StripHead> heads;
  heads.reserve(plans.size());
  std::size_t at = 0;
  for (const auto& [range, escapes] : plans) {
    const auto count = static_cast<std::uint32_t>(escapes.size());
    const std::int16_t offset = range.width == 8 ? std::int16_t{0} : range.low;
    heads.push_back({at, count, offset, static_cast<std::uint8_t>(range.width)});
    at += strip_bytes(count, blocks_of(columns), range.width);
  }
  return {rows, columns, std::move(heads), at};
}

void check_head(const StripHead& head, std::size_t blocks, PlaneWidths widths) {
  const bool is_dense = widths == PlaneWidths::kDense;
  const bool is_known = is_dense ? head.width == 4 || head.width == 8 : head.width - 2U <= 6U;
  corrupt_unless(is_known, "integer planes: width", is_dense ? "4 or 8" : "2 to 8", head.width);
  const int low = head.width == 8 ? 0 : -128;
  const int high = head.width == 8 ? 0 : 128 - (1 << head.width);
  corrupt_unless(head.offset >= low && head.offset <= high, "integer planes: offset",
                 "one whose codes have 8 bits", static_cast<std::uint16_t>(head.offset));
  const bool may_escape = !is_dense && head.width != 8;
  corrupt_unless(may_escape ? head.escapes % blocks == 0 : head.escapes == 0,
                 "integer planes: escapes", may_escape ? "a multiple of the blocks" : "0",
                 head.escapes);
  corrupt_unless(head.reserved == 0, "integer planes: reserved byte", "0", head.reserved);
}

// Checks that adding the escapes of a strip gives codes of 8 bits, and intermediate sums of 32
// bits: kernels add them to four sets of sums in turn, see EscapeFeed in kernels/integer/frame.h.
class EscapeCheck {
 public:
  EscapeCheck(const kernels::IntegerStrip& strip, std::size_t columns)
      : strip_(strip), columns_(columns), of_block_(strip.escape_count / strip.blocks) {}

  void run() {
    for (std::uint32_t n = 0; n < strip_.escape_count; ++n) {
      const unsigned escape = strip_.escapes[n];
      if (const unsigned gap = escape & 31; gap != 0) {
        check_codes();
        column_ += gap;
        corrupt_unless(column_ < columns_, "integer planes: column of an escape",
                       "one in the weight", column_);
      }
      const std::size_t row = (escape >> 5) & 15;
      const int addend = static_cast<std::int16_t>(escape) >> 9;
      missing_[row] += addend;
      std::int64_t& sum = sets_[n % of_block_ % kSets][row];
      sum += std::abs(addend);
      corrupt_unless(sum <= kMostOfSet, "integer planes: escapes of a row",
                     "no more than sums of 32 bits hold", static_cast<std::uint64_t>(sum));
    }
    check_codes();
  }

 private:
  static constexpr std::size_t kSets = 4;
  static constexpr std::int64_t kMostOfSet = ((std::int64_t{1} << 31) - 1) / 127;

  // Checks the column that ends.
  void check_codes() {
    for (std::size_t row = 0; row < kStripRows; ++row) {
      if (missing_[row] == 0) continue;
      const std::int64_t code = field(row) + strip_.offset + missing_[row];
      corrupt_unless(code >= -128 && code <= 127, "integer planes: code of an escape",
                     "one of 8 bits", static_cast<std::uint64_t>(code + 128));
      missing_[row] = 0;
    }
  }

  // As write_block stored it.
  [[nodiscard]] int field(std::size_t row) const noexcept {
    const std::uint8_t* at = strip_.fields + column_ / kBlockColumns * kPiece * strip_.width;
    const std::size_t step = column_ % kBlockColumns / 4;
    const std::size_t i = 4 * row + column_ % 4;
    unsigned found = 0;
    unsigned from = 0;
    for (const unsigned piece : {4U, 2U, 1U}) {
      if ((strip_.width & piece) == 0) continue;
      const std::size_t steps = 8 / piece;
      const unsigned byte = at[kPiece * (step / steps) + i];
      found |= (byte >> piece * (step % steps) & ((1U << piece) - 1)) << from;
      from += piece;
      at += kPiece * piece;
    }
    return static_cast<int>(found);
  }

  kernels::IntegerStrip strip_;
  std::size_t columns_;
  std::size_t of_block_;  // 0 only without escapes
  std::size_t column_ = 0;
  std::array<std::int64_t, kStripRows> missing_{};
  std::array<std::array<std::int64_t, kStripRows>, kSets> sets_{};
};

// Copies a strip's codes from the layout of the kernels to rows.
void copy_row(const std::int8_t* decoded, std::size_t row, std::size_t columns,
              std::int8_t* codes) noexcept {
  for (std::size_t c = 0; c < columns; c += 16) {
    const std::int8_t* from = decoded + (c / 16 * kStripRows + row) * 16;
    std::memcpy(codes + c, from, std::min<std::size_t>(16, columns - c));
  }
}

std::vector<std::int8_t> decoded_strip(const IntegerPlanes& planes, std::size_t n) {
  std::vector<std::int8_t> codes(planes.blocks() * kBlockCodes);
  kernels::integer_kernels(active_isa()).decode(planes.strip(n), codes.data());
  return codes;
}

}  // namespace

IntegerPlanes::IntegerPlanes(std::size_t rows, std::size_t columns, std::vector<StripHead> heads,
                             std::size_t size)
    : rows_(rows),
      columns_(columns),
      owned_heads_(std::move(heads)),
      owned_data_(size),
      heads_(owned_heads_),
      data_(owned_data_) {}

IntegerPlanes::IntegerPlanes(std::size_t rows, std::size_t columns,
                             std::span<const StripHead> heads, std::span<const std::uint8_t> data)
    : rows_(rows), columns_(columns), heads_(heads), data_(data) {}

std::size_t IntegerPlanes::bytes() const noexcept {
  return data_.size() + heads_.size() * sizeof(StripHead);
}

std::size_t IntegerPlanes::blocks() const noexcept { return blocks_of(columns_); }

kernels::IntegerStrip IntegerPlanes::strip(std::size_t n) const noexcept {
  const StripHead& head = heads_[n];
  const std::uint8_t* at = data_.data() + head.at;
  return {at + padded(head.escapes * sizeof(std::uint16_t)),
          reinterpret_cast<const std::uint16_t*>(at),
          head.escapes,
          head.offset,
          head.width,
          static_cast<std::uint32_t>(blocks())};
}

IntegerPlanes encode_integer_planes(const std::int8_t* codes, std::size_t rows, std::size_t columns,
                                    PlaneWidths widths, unsigned threads) {
  check_shape(rows, columns);
  const std::vector<StripPlan> plans = plans_of(codes, rows, columns, widths, threads);
  IntegerPlanes planes = room_for(plans, rows, columns);
  parallel_for(plans.size(), threads, [&](std::size_t n) {
    write_strip(nth_strip(codes, rows, columns, n), plans[n].range, plans[n].escapes,
                planes.strip_data(n));
  });
  return planes;
}

void check_integer_planes(const IntegerPlanes& planes, PlaneWidths widths) {
  check_shape(planes.rows(), planes.columns());
  std::size_t at = 0;
  for_each_block({0, planes.heads().size()}, [&](Block block) {
    for (std::size_t n = block.begin; n < block.end; ++n) {
      const StripHead& head = planes.heads()[n];
      corrupt_unless(head.at == at, "integer planes: start of a strip",
                     "the end of the previous one", head.at);
      check_head(head, planes.blocks(), widths);
      at += strip_bytes(head.escapes, planes.blocks(), head.width);
      corrupt_unless(at <= planes.data().size(), "integer planes: end of a strip",
                     "one in the data", at);
      EscapeCheck(planes.strip(n), planes.columns()).run();
    }
  });
  corrupt_unless(at == planes.data().size(), "integer planes: bytes", "the end of the last strip",
                 planes.data().size());
}

void decode_integer_planes(const IntegerPlanes& planes, std::int8_t* codes, unsigned threads) {
  const std::size_t columns = planes.columns();
  parallel_for(planes.heads().size(), threads, [&](std::size_t n) {
    const std::vector<std::int8_t> decoded = decoded_strip(planes, n);
    const Block rows = nth_block(n, planes.rows(), kStripRows);
    for (std::size_t r = rows.begin; r < rows.end; ++r) {
      copy_row(decoded.data(), r - rows.begin, columns, codes + r * columns);
    }
  });
}

void decode_integer_rows(const IntegerPlanes& planes, Block rows, std::int8_t* codes) {
  const std::size_t n = rows.begin / kStripRows;
  MEADOW_DCHECK(rows.begin < rows.end && rows.end <= planes.rows());
  MEADOW_DCHECK((rows.end - 1) / kStripRows == n);
  const std::vector<std::int8_t> decoded = decoded_strip(planes, n);
  for (std::size_t r = rows.begin; r < rows.end; ++r) {
    copy_row(decoded.data(), r % kStripRows, planes.columns(),
             codes + (r - rows.begin) * planes.columns());
  }
}

}  // namespace meadow
