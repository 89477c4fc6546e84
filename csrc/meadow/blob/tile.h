// One tile of a tensor as planes of symbols, and back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/blob/header.h"
#include "meadow/blob/layout.h"

namespace meadow {

// What the tiles of a tensor have in common.
struct Geometry {
  const Layout* layout;
  kernels::FloatCut cut;                    // of kScaled
  std::size_t columns;                      // floats that share a row base
  std::vector<std::uint16_t> column_bases;  // [columns], in units of the field
  const std::vector<std::uint8_t>* rows;    // empty: no row bases
  bool may_escape = true;                   // whether symbols of escapes have a code at all

  // `head` must outlive it.
  explicit Geometry(const BlobHead& head);
  Geometry(const Layout& cut_layout, const Bases& bases, std::size_t row_length);

  [[nodiscard]] std::uint16_t row_base(std::size_t row) const noexcept {
    return rows->empty() ? std::uint16_t{0}
                         : static_cast<std::uint16_t>((*rows)[row] << layout->top);
  }
};

struct TilePlanes {
  std::vector<Bytes> planes;
  std::vector<const std::uint8_t*>
      at;         // to be merged: planes, or whole bytes where they are stored
  Bytes escapes;  // of kScaled: the fields' exponents that a symbol does not tell
  RawVector<std::uint16_t> upper;

  // Sizes the planes for so many records.
  void resize(const Layout& layout, std::size_t records);
};

// `bytes`: whole records, the first of which is number `first` of the tensor.
// Of kScaled: `symbols_only` leaves the other planes as they are.
void split_tile(const Geometry& geometry, std::span<const std::uint8_t> bytes, std::size_t first,
                TilePlanes& tile, bool symbols_only = false);

// False if the escapes are not as many as the symbols ask for.
bool merge_tile(const Geometry& geometry, TilePlanes& tile, std::size_t first,
                std::span<std::uint8_t> bytes);

// The upper 16 bits of floats as `layout.content`: a pointer into `bytes`, or to `scratch`.
const std::uint16_t* upper_halves(const Layout& layout, std::span<const std::uint8_t> bytes,
                                  RawVector<std::uint16_t>& scratch);

}  // namespace meadow
