#include <bit>
#include <cstdint>
#include <optional>
#include <string>

#include "arrays.h"
#include "bind.h"
#include "core_call.h"
#include "meadow/base/error.h"
#include "meadow/blob/planes_blob.h"

namespace meadow::python {
namespace {

py::object encode(const py::buffer& raw, const std::string& dtype, std::size_t rows,
                  std::size_t columns, unsigned threads) {
  const py::buffer_info info = raw.request();
  const auto bytes = flat_bytes(info, "raw");
  const FloatType type = float_type(dtype);
  if (type != FloatType::kF32 && type != FloatType::kF16 && type != FloatType::kBF16) {
    wrong_dtype("dtype: expected F32, F16 or BF16, found " + dtype);
  }
  const std::size_t width = layout_of(type).bytes;
  const bool fits = columns == 0 || rows <= bytes.size() / width / columns;
  if (!fits || bytes.size() != rows * columns * width) {
    invalid("raw: expected " + std::to_string(rows) + " x " + std::to_string(columns) + " of " +
            dtype + ", found " + std::to_string(bytes.size()) + " bytes");
  }
  std::optional<Bytes> blob;
  {
    const CoreCall call;
    const AlignedBytes aligned(bytes);
    blob = encode_planes_blob(type, aligned.get().data(), rows, columns, threads);
  }
  return blob ? py::object(adopt(std::move(*blob))) : py::object(py::none());
}

void decode(const py::buffer& blob, std::size_t first, std::size_t last, const py::buffer& out,
            unsigned threads) {
  const py::buffer_info from = blob.request();
  const py::buffer_info to = out.request(true);
  const auto bytes = flat_bytes(from, "blob");
  const auto memory = flat_bytes(to, "out");
  const CoreCall call;
  const AlignedBytes aligned(bytes);
  decode_planes(parse_planes_blob(aligned.get()), first, last,
                {const_cast<std::uint8_t*>(memory.data()), memory.size()}, threads);
}

void verify(const py::buffer& blob, unsigned threads) {
  const py::buffer_info from = blob.request();
  const auto bytes = flat_bytes(from, "blob");
  const CoreCall call;
  const AlignedBytes aligned(bytes);
  verify_planes(parse_planes_blob(aligned.get()), threads);
}

// Codes and lower bytes of every block of rows.
py::tuple block_bytes(const PlanesLayout& layout) {
  constexpr std::size_t kOfUnit = kernels::kUnitCodes + kernels::kUnitLower;
  const std::size_t of_group = kernels::units_of(layout.columns) * kOfUnit;
  py::tuple out(layout.blocks());
  for (std::size_t n = 0; n < layout.blocks(); ++n) {
    const Block rows = nth_block(n, layout.rows, layout.block_rows);
    out[n] = block_count(rows.end - rows.begin, kernels::kGroupRows) * of_group;
  }
  return out;
}

py::dict planes_info(const py::buffer& blob) {
  const py::buffer_info from = blob.request();
  const AlignedBytes aligned(flat_bytes(from, "blob"));
  const PlanesView view = parse_planes_blob(aligned.get());
  const PlanesLayout& layout = view.layout;
  py::dict out;
  out["dtype"] = std::string(name_of(view.stored));
  out["rows"] = layout.rows;
  out["columns"] = layout.columns;
  out["block_rows"] = layout.block_rows;
  out["blocks"] = layout.blocks();
  out["block_bytes"] = block_bytes(layout);
  out["nbytes"] = view.nbytes();
  out["bytes"] = layout.bytes();
  out["floor_bits"] = view.floor_bits;
  out["head"] = layout.head_bytes();
  out["codes"] = layout.code_bytes();
  out["lower"] = layout.lower_bytes();
  out["tables"] = layout.table_bytes();
  out["escapes"] = layout.escape_bytes();
  out["escaped"] = layout.escaped_bytes();
  return out;
}

}  // namespace

void bind_planes(py::module_& module) {
  const auto& magic = planes_fields::kMagic;
  module.attr("PLANES_MAGIC") =
      py::bytes(reinterpret_cast<const char*>(magic.data()), magic.size());
  module.attr("PLANES_TABLE_ENTRIES") = kernels::kUpperBytes;
  module.attr("PLANES_CODE_BITS") = std::bit_width(kernels::kUpperBytes - 1);
  module.def("encode_planes", encode, py::arg("raw"), py::arg("dtype"), py::arg("rows"),
             py::arg("columns"), py::arg("threads") = 0);
  module.def("decode_planes", decode, py::arg("blob"), py::arg("first"), py::arg("last"),
             py::arg("out"), py::arg("threads") = 0);
  module.def("verify_planes", verify, py::arg("blob"), py::arg("threads") = 0);
  module.def("planes_info", planes_info, py::arg("blob"));
}

}  // namespace meadow::python
