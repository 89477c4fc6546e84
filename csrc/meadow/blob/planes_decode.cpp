#include <algorithm>
#include <cstring>
#include <string>

#include "meadow/base/bits.h"
#include "meadow/base/cancellation.h"
#include "meadow/base/checksum.h"
#include "meadow/base/error.h"
#include "meadow/blob/planes_blob.h"
#include "meadow/kernels/convert/convert.h"
#include "meadow/kernels/isa.h"

namespace meadow {

using namespace planes_fields;

namespace {

using kernels::kGroupRows;
using kernels::kUnitColumns;

// The number of units widened at a time: four rows of F32 in 32 KiB.
constexpr std::size_t kUnitsAtOnce = 64;
constexpr std::size_t kColumnsAtOnce = kUnitsAtOnce * kUnitColumns;

struct Scratch {
  float widened[kGroupRows * kColumnsAtOnce];
  std::uint16_t bf16[kColumnsAtOnce];
  std::uint16_t f16[kColumnsAtOnce];
};

// Two runs of bytes: the codes and the lower bytes of a block.
struct BlockPlanes {
  std::span<const std::uint8_t> codes;
  std::span<const std::uint8_t> lower;
};

BlockPlanes planes_of_block(const PlanesView& view, std::size_t n) {
  const PlanesLayout& layout = view.layout;
  const Block rows = nth_block(n, layout.rows, layout.block_rows);
  const std::size_t units = kernels::units_of(layout.columns);
  const std::size_t begin = rows.begin / kGroupRows * units;
  const std::size_t end = block_count(rows.end, kGroupRows) * units;
  return {{view.planes.codes + begin * kernels::kUnitCodes, (end - begin) * kernels::kUnitCodes},
          {view.planes.lower + begin * kernels::kUnitLower, (end - begin) * kernels::kUnitLower}};
}

void check_block(const PlanesView& view, std::size_t n) {
  const BlockPlanes planes = planes_of_block(view, n);
  const std::uint8_t* expected = view.checksums.data() + n * kBlockEntryBytes;
  if (xxh64(planes.codes.data(), planes.codes.size()) != load<std::uint64_t>(expected) ||
      xxh64(planes.lower.data(), planes.lower.size()) !=
          load<std::uint64_t>(expected + kChecksumBytes)) {
    const Block rows = nth_block(n, view.layout.rows, view.layout.block_rows);
    corrupt("planes: rows " + std::to_string(rows.begin) + " to " + std::to_string(rows.end - 1) +
            " do not match their checksum");
  }
}

class Decoder {
 public:
  explicit Decoder(const PlanesView& view) : view_(view) {}

  // Writes the stored bytes of a block, row after row.
  void decode(std::size_t n, std::uint8_t* out) const {
    thread_local Scratch scratch;
    const Block rows = nth_block(n, view_.layout.rows, view_.layout.block_rows);
    for (std::size_t row = rows.begin; row < rows.end; row += kGroupRows) {
      if (row % PlanesLayout::kTableRows == 0) throw_if_cancelled();
      decode_group(row, std::min(kGroupRows, rows.end - row),
                   out + (row - rows.begin) * view_.row_bytes(), scratch);
    }
  }

 private:
  void decode_group(std::size_t row, std::size_t rows, std::uint8_t* out, Scratch& scratch) const {
    const std::size_t units = kernels::units_of(view_.layout.columns);
    const std::size_t width = layout_of(view_.stored).bytes;
    for (std::size_t unit = 0; unit < units; unit += kUnitsAtOnce) {
      const std::size_t end = std::min(units, unit + kUnitsAtOnce);
      const std::size_t column = unit * kUnitColumns;
      const std::size_t count = std::min(end * kUnitColumns, view_.layout.columns) - column;
      packed_.widen(view_.planes, row / kGroupRows, unit, end, scratch.widened, kColumnsAtOnce);
      for (std::size_t r = 0; r < rows; ++r) {
        narrow(scratch.widened + r * kColumnsAtOnce, count,
               out + r * view_.row_bytes() + column * width, scratch);
      }
    }
  }

  // Converts F32 whose lower halves are zero to the stored type.
  void narrow(const float* from, std::size_t count, std::uint8_t* out, Scratch& scratch) const {
    if (view_.stored == FloatType::kF32) {
      std::memcpy(out, from, count * sizeof *from);
      return;
    }
    for (std::size_t c = 0; c < count; ++c) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, from + c, sizeof bits);
      scratch.bf16[c] = static_cast<std::uint16_t>(bits >> 16);
    }
    const std::uint16_t* halves = scratch.bf16;
    if (view_.stored == FloatType::kF16) {
      convert_.f16_of_bf16(scratch.bf16, count, scratch.f16);
      halves = scratch.f16;
    }
    std::memcpy(out, halves, count * sizeof *halves);
  }

  const PlanesView& view_;
  const kernels::Bf16PlanesKernels& packed_ = kernels::bf16_planes_kernels(active_isa());
  const kernels::ConvertKernels& convert_ = kernels::convert_kernels(active_isa());
};

}  // namespace

void decode_planes(const PlanesView& view, std::size_t first, std::size_t last,
                   std::span<std::uint8_t> out, unsigned threads) {
  const PlanesLayout& layout = view.layout;
  if (first > last || last > layout.blocks()) {
    invalid("blocks: expected a range within 0 to " + std::to_string(layout.blocks()) + ", found " +
            std::to_string(first) + " to " + std::to_string(last));
  }
  const std::size_t begin = std::min(first * layout.block_rows, layout.rows);
  const std::size_t rows = std::min(last * layout.block_rows, layout.rows) - begin;
  if (out.size() != rows * view.row_bytes()) {
    invalid("memory for decoded blocks: expected " + std::to_string(rows * view.row_bytes()) +
            " bytes, found " + std::to_string(out.size()));
  }
  const Decoder decoder(view);
  parallel_for(last - first, threads, [&](std::size_t i) {
    check_block(view, first + i);
    decoder.decode(first + i, out.data() + i * layout.block_rows * view.row_bytes());
  });
}

void verify_planes(const PlanesView& view, unsigned threads) {
  parallel_for(view.layout.blocks(), threads, [&](std::size_t n) { check_block(view, n); });
}

void fix_planes_checksums(std::span<std::uint8_t> blob) {
  if (blob.size() < kFixedBytes) return;
  const auto head = load<std::uint64_t>(&blob[kAtHeadBytes]);
  if (head <= kFixedBytes || head > blob.size()) return;
  const std::size_t covered = static_cast<std::size_t>(head) - kChecksumBytes;
  store(&blob[covered], xxh64(blob.data(), covered));
  try {
    const PlanesView view = parse_planes_blob(blob);
    std::uint8_t* sums = blob.data() + kFixedBytes;
    for (std::size_t n = 0; n < view.layout.blocks(); ++n, sums += kBlockEntryBytes) {
      const BlockPlanes planes = planes_of_block(view, n);
      store(sums, xxh64(planes.codes.data(), planes.codes.size()));
      store(sums + kChecksumBytes, xxh64(planes.lower.data(), planes.lower.size()));
    }
    store(&blob[covered], xxh64(blob.data(), covered));
  } catch (const Error&) {
    return;  // the head does not describe blocks
  }
}

}  // namespace meadow
