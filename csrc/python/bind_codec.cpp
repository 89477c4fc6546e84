#include <pybind11/stl.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "bind.h"
#include "core_call.h"
#include "made_by_functions.h"
#include "meadow/base/error.h"
#include "meadow/codec/decoder.h"
#include "meadow/codec/dictionary.h"
#include "meadow/codec/huffman_code.h"
#include "meadow/codec/packets.h"
#include "meadow/codec/stream_codecs.h"
#include "meadow/stats/histogram.h"

namespace meadow::python {
namespace {

bool along_output(const std::string& along) {
  if (along != "in" && along != "out") {
    invalid("along: expected 'in' or 'out', found '" + along + "'");
  }
  return along == "out";
}

py::bytes to_bytes(const Bytes& stream) {
  return {reinterpret_cast<const char*>(stream.data()), stream.size()};
}

py::dict info_of(std::span<const std::uint8_t> stream, unsigned threads) {
  StreamHeader header;
  StreamLedger ledger{};
  {
    const CoreCall call;
    const StreamView view = parse_stream(stream);
    header = view.header;
    ledger = ledger_of(view, threads);
  }
  py::dict out;
  out["codec"] = std::string(find_codec(header.codec)->name);
  out["shape"] = py::make_tuple(header.rows, header.columns);
  out["bits"] = header.bits;
  out["signed"] = header.is_signed;
  out["chunk"] = header.chunk;
  out["along"] = header.along_output ? "out" : "in";
  out["unique"] = header.unique;
  out["index_bits"] = header.widths.back();
  out["reindexed"] = header.reindexed;
  out["packet_length"] = header.packet_length;
  out["mode_bits"] = header.mode_bits();
  out["widths"] = py::tuple(py::cast(std::vector<int>(header.widths.begin(), header.widths.end())));
  out["bytes"] = stream.size();
  out["header_bits"] = ledger.header;
  out["dictionary_bits"] = ledger.dictionary;
  out["mode_payload_bits"] = ledger.modes;
  out["index_payload_bits"] = ledger.indices;
  out["padding_bits"] = ledger.padding;
  return out;
}

// Keeps the numpy array alive as long as chunks point into it.
class Chunks {
 public:
  Chunks(py::array codes, unsigned bits, unsigned chunk, const std::string& along, unsigned threads)
      : array_(std::move(codes)) {
    const CodeMatrix matrix = code_matrix(array_, bits);
    const bool output = along_output(along);
    const CoreCall call;
    source_ = std::make_unique<ChunkedCodes>(matrix, chunk, output, threads);
  }

  [[nodiscard]] std::size_t count() const { return chunks().indices.size(); }
  [[nodiscard]] std::size_t unique() const { return chunks().unique(); }
  [[nodiscard]] double entropy_per_chunk() const {
    const CoreCall call;
    return entropy(chunks().counts);
  }

  [[nodiscard]] py::array dictionary() const {
    const CodeMatrix& codes = source_->codes();
    return adopt(Bytes(chunks().dictionary), code_dtype(codes.element_bytes, codes.is_signed),
                 {static_cast<py::ssize_t>(unique()), source_->chunk()});
  }
  [[nodiscard]] py::array counts() const {
    return adopt(RawVector<std::uint32_t>(chunks().counts));
  }
  [[nodiscard]] py::array indices() const {
    return adopt(RawVector<std::uint32_t>(chunks().indices));
  }

  [[nodiscard]] py::list growth(std::size_t points) const {
    std::vector<GrowthPoint> growth;
    {
      const CoreCall call;
      growth = dictionary_growth(chunks(), points);
    }
    py::list out;
    for (const GrowthPoint& point : growth) out.append(py::make_tuple(point.chunks, point.unique));
    return out;
  }

  [[nodiscard]] py::object packed(bool verify, bool info_only) const {
    return pack(verify, info_only,
                [](const ChunkedCodes& source) { return pack_dictionary(source); });
  }

  [[nodiscard]] py::object packed_in_packets(bool reindex, unsigned length,
                                             const std::vector<int>& widths, bool verify,
                                             bool info_only) const {
    PacketOptions options{reindex, length, {}};
    for (const int width : widths) {
      if (width < 0 || width > static_cast<int>(kMaxWidth)) {
        invalid("packet widths: expected 0 to 32 bits, found " + std::to_string(width));
      }
      options.widths.push_back(static_cast<std::uint8_t>(width));
    }
    return pack(verify, info_only,
                [&](const ChunkedCodes& source) { return pack_packets(source, options); });
  }

 private:
  [[nodiscard]] const UniqueChunks& chunks() const { return source_->chunks(); }

  template <typename Pack>
  [[nodiscard]] py::object pack(bool verify, bool info_only, const Pack& pack_stream) const {
    Bytes stream;
    {
      const CoreCall call;
      stream = pack_stream(*source_);
      if (verify) verify_stream(stream, *source_);
    }
    if (info_only) return info_of(stream, source_->threads());
    return to_bytes(stream);
  }

  py::array array_;
  std::unique_ptr<ChunkedCodes> source_;
};

py::tuple unique_chunks_of(const py::array& codes, unsigned bits, unsigned chunk,
                           const std::string& along, unsigned threads) {
  const CodeMatrix matrix = code_matrix(codes, bits);
  const bool output = along_output(along);
  UniqueChunks chunks;
  {
    const CoreCall call;
    chunks = ChunkedCodes(matrix, chunk, output, threads).take_chunks();
  }
  const auto unique = static_cast<py::ssize_t>(chunks.unique());
  return py::make_tuple(
      adopt(std::move(chunks.dictionary), code_dtype(matrix.element_bytes, matrix.is_signed),
            {unique, static_cast<py::ssize_t>(chunk)}),
      adopt(std::move(chunks.counts)), adopt(std::move(chunks.indices)));
}

std::span<const std::uint8_t> bytes_of(const py::buffer_info& info) {
  if (info.ndim != 1 || info.itemsize != 1 || info.strides[0] != 1) {
    wrong_dtype("coded stream: expected bytes, found a buffer of another kind");
  }
  return {static_cast<const std::uint8_t*>(info.ptr), static_cast<std::size_t>(info.size)};
}

void check_size(const StreamHeader& header, std::uint64_t max_bytes) {
  const std::uint64_t bytes = header.rows * header.columns * header.element_bytes();
  if (bytes <= max_bytes) return;
  corrupt("coded stream: expected at most " + std::to_string(max_bytes) +
          " bytes of codes, found a header that promises " + std::to_string(bytes));
}

py::array decode(const py::buffer& stream, unsigned threads, std::uint64_t max_bytes) {
  const py::buffer_info info = stream.request();
  const auto bytes = bytes_of(info);
  StreamHeader header;
  Bytes codes;
  {
    const CoreCall call;
    const StreamView view = parse_stream(bytes);
    header = view.header;
    check_size(header, max_bytes);
    codes = decode_codes(view, threads);
  }
  return adopt(std::move(codes), code_dtype(header.element_bytes(), header.is_signed),
               {static_cast<py::ssize_t>(header.rows), static_cast<py::ssize_t>(header.columns)});
}

py::dict stream_info(const py::buffer& stream, unsigned threads) {
  const py::buffer_info info = stream.request();
  return info_of(bytes_of(info), threads);
}

py::array huffman_lengths_of(const py::array& counts, std::optional<unsigned> longest) {
  require_plain(counts, "counts");
  if (counts.dtype().kind() != 'u' || counts.itemsize() != 8) {
    wrong_dtype("counts: expected uint64, found dtype " + std::string(py::str(counts.dtype())));
  }
  const std::span<const std::uint64_t> all(static_cast<const std::uint64_t*>(counts.data()),
                                           static_cast<std::size_t>(counts.size()));
  std::vector<std::uint8_t> lengths;
  {
    const CoreCall call;
    lengths = huffman_lengths(all, longest);
  }
  return adopt(std::move(lengths));
}

}  // namespace

void bind_codec(py::module_& module) {
  py::class_<Chunks>(module, "_Chunks", made_by_functions())
      .def_property_readonly("count", &Chunks::count)
      .def_property_readonly("unique", &Chunks::unique)
      .def("dictionary", &Chunks::dictionary)
      .def("counts", &Chunks::counts)
      .def("indices", &Chunks::indices)
      .def("entropy", &Chunks::entropy_per_chunk)
      .def("growth", &Chunks::growth, py::arg("points") = 16)
      .def("pack_dictionary", &Chunks::packed, py::arg("verify") = true,
           py::arg("info_only") = false)
      .def("pack_packets", &Chunks::packed_in_packets, py::arg("reindex"),
           py::arg("packet_length") = 0, py::arg("widths") = std::vector<int>{},
           py::arg("verify") = true, py::arg("info_only") = false);
  module.def(
      "Chunks",
      [](const py::array& codes, unsigned bits, unsigned chunk, const std::string& along,
         unsigned threads) { return std::make_unique<Chunks>(codes, bits, chunk, along, threads); },
      py::arg("codes"), py::arg("bits"), py::arg("chunk"), py::arg("along") = "in",
      py::arg("threads") = 0);
  module.def("unique_chunks", unique_chunks_of, py::arg("codes"), py::arg("bits"), py::arg("chunk"),
             py::arg("along") = "in", py::arg("threads") = 0);
  module.def("decode", decode, py::arg("stream"), py::arg("threads") = 0,
             py::arg("max_bytes") = std::numeric_limits<std::uint64_t>::max());
  py::list names;
  for (const StreamCodec& codec : stream_codecs()) names.append(std::string(codec.name));
  module.attr("STREAM_CODECS") = py::tuple(names);
  module.attr("MAX_CHUNK") = kMaxChunk;
  module.attr("MAX_CODE_BITS") = kMaxCodeBits;
  module.def("stream_info", stream_info, py::arg("stream"), py::arg("threads") = 0);
  module.def("huffman_lengths", huffman_lengths_of, py::arg("counts"),
             py::arg("longest") = py::none());
}

}  // namespace meadow::python
