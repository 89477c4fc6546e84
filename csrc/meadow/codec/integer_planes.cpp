#include "meadow/codec/integer_planes.h"

#include <algorithm>
#include <array>
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

// In the order of the columns, each told by how far it is behind the one before.
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
  // As many as a multiple of `count`, which is not 0: the last ones add nothing.
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

// Of one block, step after step; 0 where the weight has no code.
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

// Pieces that hold `width` bits of all fields, from bit `from` on.
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

IntegerPlanes room_for(const std::vector<StripPlan>& plans, std::size_t rows, std::size_t columns) {
  std::vector<StripHead> heads;
  heads.reserve(plans.size());
  std::size_t at = 0;
  for (const auto& [range, escapes] : plans) {
    const auto count = static_cast<std::uint32_t>(escapes.size());
    const std::int16_t offset = range.width == 8 ? std::int16_t{0} : range.low;
    heads.push_back({at, count, offset, static_cast<std::uint8_t>(range.width)});
    at += padded(count * sizeof(std::uint16_t)) + blocks_of(columns) * kPiece * range.width;
  }
  return {rows, columns, std::move(heads), at};
}

// A strip's codes as the kernels decode them, to rows.
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
    : rows_(rows), columns_(columns), heads_(std::move(heads)), data_(size) {}

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
                planes.data() + planes.heads()[n].at);
  });
  return planes;
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
