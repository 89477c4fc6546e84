#include "meadow/blob/tile.h"

#include <algorithm>
#include <cstring>

#include "meadow/base/bits.h"
#include "meadow/blob/tile_groups.h"
#include "meadow/kernels/convert/convert.h"
#include "meadow/kernels/isa.h"

namespace meadow {
namespace {

// The number of floats processed at a time if all columns share one base.
constexpr std::size_t kUniformColumns = 4096;

// -- segments -----------------------------------------------------------------------------------

void copy_segment(const std::uint8_t* from, std::size_t from_step, std::uint8_t* to,
                  std::size_t to_step, std::size_t bytes, std::size_t records) noexcept {
  if (bytes == 1) {
    for (std::size_t i = 0; i < records; ++i) to[i * to_step] = from[i * from_step];
    return;
  }
  for (std::size_t i = 0; i < records; ++i) {
    std::memcpy(to + i * to_step, from + i * from_step, bytes);
  }
}

void split_segments(const Layout& layout, std::span<const std::uint8_t> bytes, TilePlanes& tile) {
  const std::size_t step = layout.record_bytes;
  for (std::size_t n = 0; n < layout.planes.size(); ++n) {
    const PlaneShape& plane = layout.planes[n];
    copy_segment(bytes.data() + plane.offset, step, tile.planes[n].data(), plane.count, plane.count,
                 bytes.size() / step);
  }
}

void merge_segments(const Layout& layout, const TilePlanes& tile, std::span<std::uint8_t> bytes) {
  const std::size_t step = layout.record_bytes;
  for (std::size_t n = 0; n < layout.planes.size(); ++n) {
    const PlaneShape& plane = layout.planes[n];
    copy_segment(tile.at[n], plane.count, bytes.data() + plane.offset, step, plane.count,
                 bytes.size() / step);
  }
}

// -- groups -------------------------------------------------------------------------------------

template <typename Element>
void split_groups(const Layout& layout, std::span<const std::uint8_t> bytes, TilePlanes& tile) {
  for (std::size_t n = 0; n < layout.planes.size(); ++n) {
    const PlaneShape& plane = layout.planes[n];
    std::uint8_t* out = tile.planes[n].data();
    const auto mask = static_cast<Element>(low_bits(plane.width));
    for (std::size_t i = 0; i < bytes.size() / sizeof(Element); ++i) {
      const auto element = load<Element>(bytes.data() + i * sizeof(Element));
      out[i] = static_cast<std::uint8_t>((element >> plane.offset) & mask);
    }
  }
}

template <typename Element>
void merge_groups(const Layout& layout, const TilePlanes& tile, std::span<std::uint8_t> bytes) {
  std::memset(bytes.data(), 0, bytes.size());
  for (std::size_t n = 0; n < layout.planes.size(); ++n) {
    const unsigned shift = layout.planes[n].offset;
    const std::uint8_t* from = tile.at[n];
    for (std::size_t i = 0; i < bytes.size() / sizeof(Element); ++i) {
      std::uint8_t* at = bytes.data() + i * sizeof(Element);
      store(at, static_cast<Element>(load<Element>(at) | Element{from[i]} << shift));
    }
  }
}

// The widest element of a group layout is a word.
template <typename Visit>
void by_element(unsigned bytes, const Visit& visit) {
  if (bytes == 1) return visit(std::uint8_t{});
  if (bytes == 2) return visit(std::uint16_t{});
  if (bytes == 4) return visit(std::uint32_t{});
  visit(std::uint64_t{});
}

// -- scaled floats ------------------------------------------------------------------------------

// Divides `count` floats from number `first` on into parts that share a row, or parts of
// kUniformColumns, and calls visit(begin, end, row) for each; begin and end are relative to the
// tile.
template <typename Visit>
void for_each_row(const Geometry& geometry, std::size_t first, std::size_t count,
                  const Visit& visit) {
  for (std::size_t begin = 0; begin < count;) {
    const std::size_t column = (first + begin) % geometry.columns;
    const std::size_t end = std::min(count, begin + geometry.columns - column);
    visit(begin, end, (first + begin) / geometry.columns, column);
    begin = end;
  }
}

// Calls visit(i) for symbols of `escape` or more, which are rare: eight symbols are skipped at
// once. A byte of 128 or more is at least `escape` if its low 7 bits carry into the highest.
template <typename Visit>
void for_each_escape(std::span<const std::uint8_t> symbols, unsigned escape, const Visit& visit) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t carry = kOnes * (256 - escape);
  std::size_t i = 0;
  for (; i + 8 <= symbols.size(); i += 8) {
    const auto word = load<std::uint64_t>(&symbols[i]);
    if ((word & ((word & kOnes * 0x7F) + carry) & kOnes * 0x80) == 0) continue;
    for (std::size_t n = i; n < i + 8; ++n) {
      if (symbols[n] >= escape) visit(n);
    }
  }
  for (; i < symbols.size(); ++i) {
    if (symbols[i] >= escape) visit(i);
  }
}

void collect_escapes(const Geometry& geometry, const std::uint16_t* upper, TilePlanes& tile) {
  const kernels::FloatCut& cut = geometry.cut;
  for_each_escape(tile.planes[0], cut.escape, [&](std::size_t i) {
    const unsigned field = (upper[i] >> cut.shift) & cut.field;
    tile.escapes.push_back(static_cast<std::uint8_t>(field >> geometry.layout->top));
  });
}

void split_scaled(const Geometry& geometry, std::span<const std::uint8_t> bytes, std::size_t first,
                  TilePlanes& tile, bool symbols_only) {
  const Layout& layout = *geometry.layout;
  const kernels::FloatCutKernels& kernels = kernels::float_cut_kernels(active_isa());
  const std::size_t count = bytes.size() / layout.record_bytes;
  const std::uint16_t* upper = nullptr;
  if (layout.content == FloatType::kF32 && !symbols_only) {
    tile.upper.resize(count);
    const auto* values = reinterpret_cast<const std::uint32_t*>(bytes.data());
    kernels.split_f32(values, count, tile.upper.data(), tile.planes[2].data(),
                      tile.planes[3].data());
    upper = tile.upper.data();
  } else {
    upper = upper_halves(layout, bytes, tile.upper);
  }
  std::size_t escapes = 0;
  for_each_row(geometry, first, count,
               [&](std::size_t begin, std::size_t end, std::size_t row, std::size_t column) {
                 escapes += kernels.split(geometry.cut, upper + begin, end - begin,
                                          geometry.column_bases.data() + column,
                                          geometry.row_base(row), &tile.planes[0][begin],
                                          symbols_only ? nullptr : &tile.planes[1][begin]);
               });
  if (escapes != 0 && !symbols_only) collect_escapes(geometry, upper, tile);
}

bool put_escapes_back(const Geometry& geometry, const TilePlanes& tile,
                      std::span<const std::uint8_t> symbols, std::uint16_t* upper) {
  const kernels::FloatCut& cut = geometry.cut;
  const unsigned shift = cut.shift + geometry.layout->top;
  const auto exponent = static_cast<std::uint16_t>((cut.field >> geometry.layout->top) << shift);
  std::size_t next = 0;
  for_each_escape(symbols, cut.escape, [&](std::size_t i) {
    const std::uint8_t told = next < tile.escapes.size() ? tile.escapes[next] : std::uint8_t{0};
    const auto placed = static_cast<std::uint16_t>(told << shift);
    const auto top = static_cast<std::uint16_t>((symbols[i] & cut.top) << cut.shift);
    const auto field = static_cast<std::uint16_t>(cut.field << cut.shift);
    upper[i] = static_cast<std::uint16_t>((upper[i] & ~field) | (placed & exponent) | top);
    ++next;
  });
  return next == tile.escapes.size();
}

bool merge_scaled(const Geometry& geometry, TilePlanes& tile, std::size_t first,
                  std::span<std::uint8_t> bytes) {
  const Layout& layout = *geometry.layout;
  const std::size_t count = bytes.size() / layout.record_bytes;
  const bool in_place = layout.stored == layout.content && layout.record_bytes == 2;
  if (!in_place) tile.upper.resize(count);
  std::uint16_t* upper =
      in_place ? reinterpret_cast<std::uint16_t*>(bytes.data()) : tile.upper.data();
  const kernels::FloatCutKernels& kernels = kernels::float_cut_kernels(active_isa());
  for_each_row(geometry, first, count,
               [&](std::size_t begin, std::size_t end, std::size_t row, std::size_t column) {
                 kernels.merge(geometry.cut, tile.at[0] + begin, tile.at[1] + begin, end - begin,
                               geometry.column_bases.data() + column, geometry.row_base(row),
                               upper + begin);
               });
  const bool may_escape = geometry.may_escape && geometry.cut.escape < 256;
  const std::span<const std::uint8_t> symbols(tile.at[0], may_escape ? count : 0);
  if (!put_escapes_back(geometry, tile, symbols, upper)) return false;
  if (!in_place) widen(layout, tile, upper, bytes);
  return true;
}

}  // namespace

Geometry::Geometry(const BlobHead& head)
    : Geometry(head.layout, head.bases, static_cast<std::size_t>(head.columns)) {
  scales = &head.scales;
  if (!head.codes.empty()) may_escape = head.codes[0].may_hold(cut.escape);
}

Geometry::Geometry(const Layout& cut_layout, const Bases& bases, std::size_t row_length)
    : layout(&cut_layout),
      cut{},
      columns(row_length == 0 ? kUniformColumns : row_length),
      rows(&bases.rows) {
  if (layout->kind != LayoutKind::kScaled) return;
  cut = layout->cut();
  column_bases.resize(columns);
  for (std::size_t column = 0; column < columns; ++column) {
    const unsigned own = bases.columns.empty() ? 0 : bases.columns[column];
    column_bases[column] = static_cast<std::uint16_t>((bases.base + own) << layout->top);
  }
}

void TilePlanes::resize(const Layout& layout, std::size_t records) {
  planes.resize(layout.planes.size());
  for (std::size_t n = 0; n < planes.size(); ++n)
    planes[n].resize(records * layout.planes[n].count);
}

const std::uint16_t* upper_halves(const Layout& layout, std::span<const std::uint8_t> bytes,
                                  RawVector<std::uint16_t>& scratch) {
  const auto* halves = reinterpret_cast<const std::uint16_t*>(bytes.data());
  if (layout.stored == layout.content && layout.stored != FloatType::kF32) return halves;
  const std::size_t count = bytes.size() / layout_of(layout.stored).bytes;
  scratch.resize(count);
  const auto* words = reinterpret_cast<const std::uint32_t*>(bytes.data());
  if (layout.stored == FloatType::kF16) {
    kernels::convert_kernels(active_isa()).bf16_of_f16(halves, count, scratch.data());
  } else if (layout.content == FloatType::kF16) {
    kernels::convert_kernels(active_isa()).f16_of_f32(words, count, scratch.data());
  } else {
    for (std::size_t i = 0; i < count; ++i) scratch[i] = static_cast<std::uint16_t>(words[i] >> 16);
  }
  return scratch.data();
}

void widen(const Layout& layout, const TilePlanes& tile, const std::uint16_t* upper,
           std::span<std::uint8_t> bytes) {
  const std::size_t count = bytes.size() / layout_of(layout.stored).bytes;
  if (layout.stored == FloatType::kF16) {
    kernels::convert_kernels(active_isa())
        .f16_of_bf16(upper, count, reinterpret_cast<std::uint16_t*>(bytes.data()));
    return;
  }
  auto* values = reinterpret_cast<std::uint32_t*>(bytes.data());
  if (layout.content == FloatType::kF16) {
    kernels::convert_kernels(active_isa()).f32_of_f16(upper, count, values);
  } else if (layout.content == FloatType::kF32) {
    kernels::float_cut_kernels(active_isa())
        .merge_f32(upper, tile.at[2], tile.at[3], count, values);
  } else {
    for (std::size_t i = 0; i < count; ++i) values[i] = std::uint32_t{upper[i]} << 16;
  }
}

void split_tile(const Geometry& geometry, std::span<const std::uint8_t> bytes, std::size_t first,
                TilePlanes& tile, bool symbols_only) {
  const Layout& layout = *geometry.layout;
  tile.resize(layout, bytes.size() / layout.record_bytes);
  tile.escapes.clear();
  if (layout.kind == LayoutKind::kScaled)
    return split_scaled(geometry, bytes, first, tile, symbols_only);
  if (layout.kind == LayoutKind::kGrid) return split_grids(geometry, bytes, first, tile);
  if (layout.kind == LayoutKind::kPalette) return split_palettes(layout, bytes, tile);
  if (layout.kind == LayoutKind::kSegments) return split_segments(layout, bytes, tile);
  by_element(layout.record_bytes,
             [&]<typename Element>(Element) { split_groups<Element>(layout, bytes, tile); });
}

bool merge_tile(const Geometry& geometry, TilePlanes& tile, std::size_t first,
                std::span<std::uint8_t> bytes) {
  const Layout& layout = *geometry.layout;
  if (layout.kind == LayoutKind::kScaled) return merge_scaled(geometry, tile, first, bytes);
  if (layout.kind == LayoutKind::kGrid) return merge_grids(layout, tile, bytes);
  if (layout.kind == LayoutKind::kPalette) return merge_palettes(layout, tile, bytes);
  if (layout.kind == LayoutKind::kSegments) {
    merge_segments(layout, tile, bytes);
  } else {
    by_element(layout.record_bytes,
               [&]<typename Element>(Element) { merge_groups<Element>(layout, tile, bytes); });
  }
  return true;
}

}  // namespace meadow
