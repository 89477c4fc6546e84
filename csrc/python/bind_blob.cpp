#include <pybind11/stl.h>

#include <cstring>
#include <string>
#include <tuple>
#include <vector>

#include "arrays.h"
#include "bind.h"
#include "core_call.h"
#include "meadow/base/error.h"
#include "meadow/blob/blob.h"
#include "meadow/blob/header_fields.h"
#include "meadow/stats/histogram.h"

namespace meadow::python {
namespace {

using PlaneTuple = std::tuple<unsigned, unsigned, unsigned>;  // offset, count, width

Effort effort_of(const std::string& name) {
  if (name == "fast") return Effort::kFast;
  if (name == "balanced") return Effort::kBalanced;
  if (name == "small") return Effort::kSmall;
  if (name == "huffman") return Effort::kHuffman;
  if (name == "raw") return Effort::kRaw;
  invalid("effort: expected fast, balanced, small, huffman or raw, found '" + name + "'");
}

const char* name_of(LayoutKind kind) {
  switch (kind) {
    case LayoutKind::kSegments:
      return "segments";
    case LayoutKind::kGroups:
      return "groups";
    case LayoutKind::kScaled:
      return "scaled";
    case LayoutKind::kGrid:
      return "grid";
    default:
      return "palette";
  }
}

py::array encode_floats_of(const py::buffer& raw, const std::string& dtype, std::uint64_t columns,
                           const std::string& effort, unsigned threads) {
  const py::buffer_info info = raw.request();
  const auto bytes = flat_bytes(info, "raw");
  const FloatType type = float_type(dtype);
  if (type != FloatType::kF32 && type != FloatType::kF16 && type != FloatType::kBF16) {
    wrong_dtype("dtype: expected F32, F16 or BF16, found " + dtype);
  }
  const Effort wanted = effort_of(effort);
  Bytes blob;
  {
    const CoreCall call;
    const AlignedBytes aligned(bytes);
    blob = encode_floats({aligned.get(), dtype, columns}, type, wanted, threads);
  }
  return adopt(std::move(blob));
}

py::array encode_records_of(const py::buffer& raw, const std::string& dtype,
                            const std::string& kind, unsigned record_bytes,
                            const std::vector<PlaneTuple>& planes, const std::string& effort,
                            unsigned threads) {
  const py::buffer_info info = raw.request();
  const auto bytes = flat_bytes(info, "raw");
  Layout layout;
  if (kind != "segments" && kind != "groups") {
    invalid("kind: expected 'segments' or 'groups', found '" + kind + "'");
  }
  layout.kind = kind == "groups" ? LayoutKind::kGroups : LayoutKind::kSegments;
  layout.record_bytes = record_bytes;
  for (const auto& [offset, count, width] : planes) layout.planes.push_back({offset, count, width});
  const Effort wanted = effort_of(effort);
  Bytes blob;
  {
    const CoreCall call;
    blob = encode_records({bytes, dtype, 0}, layout, wanted, threads);
  }
  return adopt(std::move(blob));
}

std::span<std::uint8_t> writable_bytes(const py::buffer_info& info) {
  const auto bytes = flat_bytes(info, "out");
  return {const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
}

void decode_tiles_into(const py::buffer& blob, std::size_t first, std::size_t last,
                       const py::buffer& out, unsigned threads) {
  const py::buffer_info from = blob.request();
  const py::buffer_info to = out.request(true);
  const auto bytes = flat_bytes(from, "blob");
  const auto memory = writable_bytes(to);
  const CoreCall call;
  decode_tiles(parse_blob(bytes), first, last, memory, threads);
}

void decode_into(const py::buffer& blob, const py::buffer& out, unsigned threads) {
  const py::buffer_info from = blob.request();
  const py::buffer_info to = out.request(true);
  const auto bytes = flat_bytes(from, "blob");
  const auto memory = writable_bytes(to);
  const CoreCall call;
  decode_blob(parse_blob(bytes), memory, threads);
}

void verify(const py::buffer& blob, unsigned threads) {
  const py::buffer_info from = blob.request();
  const auto bytes = flat_bytes(from, "blob");
  const CoreCall call;
  verify_blob(parse_blob(bytes), threads);
}

py::dict plane_info(const PlaneShape& shape, const PlaneCode& code) {
  py::dict out;
  out["offset"] = shape.offset;
  out["count"] = shape.count;
  out["width"] = shape.width;
  out["coding"] = std::string(name_of(code.coding()));
  out["entries"] = code.entries();
  out["longest"] = code.longest();
  out["table_bytes"] = code.table().size();
  return out;
}

py::dict blob_info(const py::buffer& blob) {
  const py::buffer_info from = blob.request();
  const BlobView view = parse_blob(flat_bytes(from, "blob"));
  const BlobHead& head = view.head;
  py::list planes;
  for (std::size_t n = 0; n < head.codes.size(); ++n) {
    planes.append(plane_info(head.layout.planes[n], head.codes[n]));
  }
  py::list tiles;
  for (const auto& tile : view.tiles) tiles.append(tile.size());
  const bool scaled =
      head.layout.kind == LayoutKind::kScaled || head.layout.kind == LayoutKind::kGrid;
  py::dict out;
  out["dtype"] = head.dtype;
  out["kind"] = name_of(head.layout.kind);
  out["nbytes"] = head.nbytes();
  out["bytes"] = view.bytes;
  out["records"] = head.records;
  out["record_bytes"] = head.layout.record_bytes;
  out["tile_records"] = head.tile_records;
  out["floor_bits"] = head.floor_bits;
  out["tiles"] = tiles;
  out["planes"] = planes;
  out["content"] = scaled ? py::object(py::str(std::string(name_of(head.layout.content))))
                          : py::object(py::none());
  out["row_bases"] = head.bases.rows.size();
  out["column_bases"] = head.bases.columns.size();
  return out;
}

}  // namespace

void bind_blob(py::module_& module) {
  module.attr("BLOB_FIXED_BYTES") = kFixedBlobBytes;
  module.attr("BLOB_PLANE_BYTES") = blob_fields::kPlaneEntryBytes;
  module.attr("BLOB_TILE_BYTES") = blob_fields::kTileEntryBytes;
  module.attr("BLOB_CHECKSUM_BYTES") = blob_fields::kChecksumBytes;
  py::dict sizes;
  for (const Coding coding : kCodings) {
    sizes[py::str(std::string(name_of(coding)))] = size_bytes(coding);
  }
  module.attr("CODING_SIZE_BYTES") = sizes;
  module.def("encode_floats", encode_floats_of, py::arg("raw"), py::arg("dtype"),
             py::arg("columns"), py::arg("effort") = "balanced", py::arg("threads") = 0);
  module.def("encode_records", encode_records_of, py::arg("raw"), py::arg("dtype"), py::arg("kind"),
             py::arg("record_bytes"), py::arg("planes"), py::arg("effort") = "balanced",
             py::arg("threads") = 0);
  module.def("decode_blob", decode_into, py::arg("blob"), py::arg("out"), py::arg("threads") = 0);
  module.def("decode_tiles", decode_tiles_into, py::arg("blob"), py::arg("first"), py::arg("last"),
             py::arg("out"), py::arg("threads") = 0);
  module.def("verify_blob", verify, py::arg("blob"), py::arg("threads") = 0);
  module.def("blob_info", blob_info, py::arg("blob"));
}

}  // namespace meadow::python
