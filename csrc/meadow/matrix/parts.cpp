#include "meadow/matrix/parts.h"

#include <algorithm>
#include <array>

#include "meadow/base/error.h"
#include "meadow/matrix/bf16_planes.h"
#include "meadow/matrix/f16_planes.h"
#include "meadow/matrix/input_major.h"

namespace meadow {
namespace {

constexpr std::size_t kMostWeights = std::size_t{1} << 40;  // as in a packed file

struct FormMaker {
  std::string_view form;
  std::unique_ptr<Matrix> (*make)(const MatrixParts& parts);
};

constexpr std::array kForms = {FormMaker{"F32", dense_matrix_of},
                               FormMaker{"BF16", dense_matrix_of},
                               FormMaker{"F16", dense_matrix_of},
                               FormMaker{"F32 by input", input_major_matrix_of},
                               FormMaker{"BF16 by input", input_major_matrix_of},
                               FormMaker{"F16 by input", input_major_matrix_of},
                               FormMaker{"planes", bf16_planes_matrix_of},
                               FormMaker{"F16 planes", f16_planes_matrix_of},
                               FormMaker{"INT8", integer_matrix_of},
                               FormMaker{"INT8 planes", integer_matrix_of},
                               FormMaker{"Q8", integer_matrix_of},
                               FormMaker{"Q8 planes", integer_matrix_of}};

std::string listed_forms() {
  std::string all;
  for (const FormMaker& known : kForms) {
    if (!all.empty()) all += ", ";
    all += known.form;
  }
  return all;
}

void require_shape(const MatrixParts& parts) {
  const bool fits = parts.rows >= 1 && parts.columns >= 1 && parts.columns <= kMostWeights &&
                    parts.rows <= kMostWeights / parts.columns;
  if (!fits) {
    invalid("parts: expected 1 to 2^40 weights, found " + std::to_string(parts.rows) + " x " +
            std::to_string(parts.columns));
  }
}

}  // namespace

std::string_view name_of(PartType type) noexcept {
  switch (type) {
    case PartType::kF32:
      return "float32";
    case PartType::kU32:
      return "uint32";
    case PartType::kU16:
      return "uint16";
    default:
      return "uint8";
  }
}

std::size_t width_of(PartType type) noexcept {
  switch (type) {
    case PartType::kF32:
    case PartType::kU32:
      return 4;
    case PartType::kU16:
      return 2;
    default:
      return 1;
  }
}

std::unique_ptr<Matrix> matrix_of(const MatrixParts& parts) {
  const auto known = std::find_if(kForms.begin(), kForms.end(),
                                  [&](const FormMaker& maker) { return maker.form == parts.form; });
  if (known == kForms.end()) {
    invalid("form: expected one of " + listed_forms() + ", found '" + parts.form + "'");
  }
  require_shape(parts);
  return known->make(parts);
}

const MatrixPart& PartReader::found(std::string_view name, const Wanted& wanted,
                                    std::optional<std::size_t> count) {
  const auto part = std::find_if(parts_.parts.begin(), parts_.parts.end(),
                                 [&](const MatrixPart& one) { return one.name == name; });
  const std::string what = "part '" + std::string(name) + "' of " + parts_.form;
  if (part == parts_.parts.end()) {
    invalid(parts_.form + ": expected a part '" + std::string(name) + "', found none");
  }
  if (part->type != wanted.type) {
    wrong_dtype(what + ": expected " + std::string(name_of(wanted.type)) + ", found " +
                std::string(name_of(part->type)));
  }
  const std::size_t width = width_of(wanted.type);
  const std::size_t of_one = wanted.size / width;
  if (part->count % of_one != 0 || (count && part->count / of_one != *count)) {
    const std::string expected =
        count ? std::to_string(*count * of_one) : "a multiple of " + std::to_string(of_one);
    invalid(what + ": expected " + expected + " elements, found " + std::to_string(part->count));
  }
  if (reinterpret_cast<std::uintptr_t>(part->data) % wanted.alignment != 0) {
    invalid(what + ": expected an address that is a multiple of " +
            std::to_string(wanted.alignment) + ", found another");
  }
  taken_.push_back(part->name);
  return *part;
}

void PartReader::finish() const {
  for (const MatrixPart& part : parts_.parts) {
    if (std::find(taken_.begin(), taken_.end(), part.name) == taken_.end()) {
      invalid("parts of " + parts_.form + ": found '" + part.name + "', which it does not have");
    }
  }
}

DenseValues dense_values_of(const MatrixParts& parts) {
  PartReader reader(parts);
  const std::size_t count = parts.rows * parts.columns;
  const std::string_view dtype = std::string_view(parts.form).substr(0, parts.form.find(' '));
  const bool is_f32 = dtype == "F32";
  const DenseType half = dtype == "F16" ? DenseType::kF16 : DenseType::kBF16;
  const void* values = is_f32 ? static_cast<const void*>(reader.take<float>("values", count).data())
                              : reader.take<std::uint16_t>("values", count).data();
  reader.finish();
  return {is_f32 ? DenseType::kF32 : half, values};
}

}  // namespace meadow
