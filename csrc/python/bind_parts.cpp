// Takes matrices apart into arrays, and makes matrices from such arrays.
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.h"
#include "bind.h"
#include "bind_matrix.h"
#include "core_call.h"
#include "meadow/base/error.h"
#include "meadow/base/huge_pages.h"
#include "meadow/matrix/parts.h"

namespace meadow::python {
namespace {

py::dtype dtype_of(PartType type) { return py::dtype(std::string(name_of(type))); }

PartType part_type(const py::array& array, const std::string& name) {
  const py::dtype dtype = array.dtype();  // for an unpickled array not one of numpy's own objects
  const auto width = static_cast<std::size_t>(dtype.itemsize());
  for (const PartType type : {PartType::kU8, PartType::kU16, PartType::kU32, PartType::kF32}) {
    if (dtype.kind() == dtype_of(type).kind() && width == width_of(type)) return type;
  }
  wrong_dtype("part '" + name + "': expected uint8, uint16, uint32 or float32, found " +
              std::string(py::str(dtype)));
}

// A read-only view of the matrix's memory, which it keeps alive: checked contents must not change.
py::array view_of(const MatrixPart& part, const py::object& matrix) {
  py::array made(dtype_of(part.type), {static_cast<py::ssize_t>(part.count)}, part.data, matrix);
  made.attr("flags").attr("writeable") = false;
  return made;
}

py::dict header_of(const MatrixParts& parts) {
  py::dict header;
  header["form"] = parts.form;
  header["rows"] = parts.rows;
  header["columns"] = parts.columns;
  if (parts.integers) {
    header["per_scale"] = parts.integers->per_scale;
    header["activations"] = parts.integers->input_form == InputForm::kInt8 ? "int8" : "none";
  }
  return header;
}

py::tuple parts_of(const py::object& self) {
  const auto& held = self.cast<const HeldMatrix&>();
  if (held.from()) {
    return py::make_tuple(held.from()->header.attr("copy")(), held.from()->parts.attr("copy")());
  }
  const MatrixParts parts = held.matrix().parts();
  const py::dict arrays;
  for (const MatrixPart& part : parts.parts) arrays[part.name.c_str()] = view_of(part, self);
  return py::make_tuple(header_of(parts), arrays);
}

template <typename T>
T value_of(const py::dict& header, const char* key, const char* expected) {
  if (!header.contains(key)) {
    invalid("header: expected '" + std::string(key) + "', " + expected + ", found none");
  }
  try {
    return header[key].cast<T>();
  } catch (const py::cast_error&) {
    invalid("header '" + std::string(key) + "': expected " + expected + ", found " +
            std::string(py::repr(header[key])));
  }
}

constexpr const char* kNumber = "a whole number of at least 0";

std::optional<IntegerOptions> integer_options(const py::dict& header) {
  if (!header.contains("per_scale") && !header.contains("activations")) return std::nullopt;
  const auto activations = value_of<std::string>(header, "activations", "'int8' or 'none'");
  if (activations != "int8" && activations != "none") {
    invalid("header 'activations': expected 'int8' or 'none', found '" + activations + "'");
  }
  return IntegerOptions{value_of<std::size_t>(header, "per_scale", kNumber),
                        activations == "int8" ? InputForm::kInt8 : InputForm::kFloats};
}

std::string name_in(const py::handle& key) {
  if (!py::isinstance<py::str>(key)) {
    wrong_dtype("parts: expected strings as keys, found " +
                std::string(py::repr(py::type::of(key))));
  }
  return key.cast<std::string>();
}

py::array array_in(const py::handle& value, const std::string& name) {
  const std::string what = "part '" + name + "'";
  if (!py::isinstance<py::array>(value)) {
    wrong_dtype(what + ": expected an array, found " + std::string(py::repr(py::type::of(value))));
  }
  auto array = py::reinterpret_borrow<py::array>(value);
  require_plain(array, what.c_str());
  if (array.ndim() != 1) {
    invalid(what + ": expected 1 dimension, found " + std::to_string(array.ndim()));
  }
  return array;
}

MatrixParts described(const py::dict& header) {
  MatrixParts parts;
  parts.form = value_of<std::string>(header, "form", "a name");
  parts.rows = value_of<std::size_t>(header, "rows", kNumber);
  parts.columns = value_of<std::size_t>(header, "columns", kNumber);
  parts.integers = integer_options(header);
  return parts;
}

// Own memory, aligned for products, for parts that are copied.
using Copies = std::vector<StreamedBytes>;

Copies copied(MatrixParts& parts) {
  Copies copies;
  for (MatrixPart& part : parts.parts) {
    const std::size_t size = part.count * width_of(part.type);
    StreamedBytes& copy = copies.emplace_back(size);
    if (size != 0) std::memcpy(copy.data(), part.data, size);
    part.data = copy.data();
  }
  return copies;
}

py::object kept(Copies&& copies) {
  auto owned = std::make_unique<Copies>(std::move(copies));
  py::capsule owner(owned.get(), [](void* p) { delete static_cast<Copies*>(p); });
  [[maybe_unused]] const Copies* held = owned.release();  // by the capsule
  return owner;
}

HeldMatrix matrix_of_parts(const py::dict& header, const py::dict& arrays, bool copy) {
  MatrixParts parts = described(header);
  py::list owners;
  for (const auto& [key, value] : arrays) {
    const std::string name = name_in(key);
    const py::array array = array_in(value, name);
    parts.parts.push_back(
        {name, part_type(array, name), array.data(), static_cast<std::size_t>(array.size())});
    owners.append(array);
  }
  std::unique_ptr<Matrix> made;
  Copies copies;
  {
    const CoreCall call;
    if (copy) copies = copied(parts);
    made = matrix_of(parts);
  }
  return {std::move(made), copy ? kept(std::move(copies)) : py::object(std::move(owners))};
}

HeldMatrix decoded_matrix(const py::dict& header, const py::dict& arrays,
                          const HeldMatrix& matrix) {
  const auto form = value_of<std::string>(header, "form", "a name");
  const auto rows = value_of<std::size_t>(header, "rows", kNumber);
  const auto columns = value_of<std::size_t>(header, "columns", kNumber);
  const Matrix& decoded = matrix.matrix();
  if (rows != decoded.rows() || columns != decoded.columns()) {
    invalid("header: expected the shape of the matrix, " + std::to_string(decoded.rows()) + " x " +
            std::to_string(decoded.columns()) + ", found " + std::to_string(rows) + " x " +
            std::to_string(columns));
  }
  return {matrix, DecodedFrom{form, header.attr("copy")(), arrays.attr("copy")()}};
}

// The package `forms` knows how to make a matrix of each form.
py::tuple reduced(const py::object& self) {
  const py::tuple parts = parts_of(self);
  return py::make_tuple(py::module_::import("meadow_py.forms.parts").attr("unpickled"), parts);
}

py::object deep_copy(const py::object& self, const py::object& /*memo*/) {
  const py::tuple parts = parts_of(self);
  return py::module_::import("meadow_py.forms.parts").attr("unpickled")(*parts);
}

}  // namespace

void bind_parts(py::module_& module) {
  py::reinterpret_borrow<py::class_<HeldMatrix>>(module.attr("Matrix"))
      .def("__reduce__", reduced)
      .def("__copy__", [](const py::object& self) { return self; })
      .def("__deepcopy__", deep_copy, py::arg("memo"))
      .def("parts", parts_of);
  module.def("matrix_of_parts", matrix_of_parts, py::arg("header"), py::arg("parts"),
             py::arg("copy") = false);
  module.def("decoded_matrix", decoded_matrix, py::arg("header"), py::arg("parts"),
             py::arg("matrix"));
}

}  // namespace meadow::python
