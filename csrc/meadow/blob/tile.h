// Splits one tile of a tensor into planes of symbols, and merges them again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "meadow/blob/header.h"
#include "meadow/blob/layout.h"

namespace meadow {

// The properties that the tiles of a tensor share.
struct Geometry {
  const Layout* layout;
  kernels::FloatCut cut;                       // kScaled only
  std::size_t columns;                         // floats that share a row base
  std::vector<std::uint16_t> column_bases;     // [columns], in units of the field
  const std::vector<std::uint8_t>* rows;       // empty: no row bases
  bool may_escape = true;                      // whether symbols of escapes have codes
  const std::vector<float>* scales = nullptr;  // kGrid, to split

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
      at;         // input of a merge: planes, or whole bytes if they are stored
  Bytes escapes;  // kScaled only: the exponents of fields whose symbols are escapes
  RawVector<std::uint16_t> upper;

  // Sizes the planes for `records` records.
  void resize(const Layout& layout, std::size_t records);
};

// `bytes` are whole records, the first of which has number `first` in the tensor. With kScaled,
// `symbols_only` leaves the other planes as they are.
void split_tile(const Geometry& geometry, std::span<const std::uint8_t> bytes, std::size_t first,
                TilePlanes& tile, bool symbols_only = false);

// False if the number of escapes is not the one that the symbols ask for.
bool merge_tile(const Geometry& geometry, TilePlanes& tile, std::size_t first,
                std::span<std::uint8_t> bytes);

// The upper 16 bits of floats of type `layout.content`: a pointer into `bytes` or to `scratch`.
const std::uint16_t* upper_halves(const Layout& layout, std::span<const std::uint8_t> bytes,
                                  RawVector<std::uint16_t>& scratch);

// Makes floats from their upper halves of type `layout.content`, in place if those are the floats
// themselves; of F32 also from planes 2 and 3.
void widen(const Layout& layout, const TilePlanes& tile, const std::uint16_t* upper,
           std::span<std::uint8_t> bytes);

}  // namespace meadow
