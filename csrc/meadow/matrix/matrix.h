// A weight [rows = out, columns = in] for products: one interface for dense and packed ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "meadow/base/thread_pool.h"

namespace meadow {

namespace kernels {
struct Bf16DotKernels;
}

struct MatrixParts;  // parts.h

// How the inputs of products with float weights are rounded: not at all, or to BF16 with denormals
// taken as zeros; the contract of the latter is in kernels/bf16_dot.
enum class InputRounding { kNone, kBF16 };

// The inputs of a product: [count, columns] in F32 and, if a matrix asks for it, the same in
// another form.
struct Inputs {
  std::size_t count = 0;
  std::size_t columns = 0;
  const float* values = nullptr;  // [count, stride]
  std::size_t stride = 0;
  // BF16 in pairs, see kernels/bf16_dot; null unless the product uses them.
  const std::uint16_t* pairs = nullptr;  // [count, pair_stride]
  std::size_t pair_stride = 0;
  const kernels::Bf16DotKernels* pair_kernels = nullptr;  // which made them
  // Symmetric INT8 with one scale per token; null unless a matrix wants them.
  const std::int8_t* codes = nullptr;        // [count, code_stride], zeros after the columns
  std::size_t code_stride = 0;               // a multiple of 64
  const float* scales = nullptr;             // [count]
  const std::int32_t* block_sums = nullptr;  // [count, code_stride / 32], of 32 codes each
};

class Matrix {
 public:
  Matrix(std::size_t rows, std::size_t columns) : rows_(rows), columns_(columns) {}
  virtual ~Matrix() = default;
  Matrix(const Matrix&) = delete;
  Matrix& operator=(const Matrix&) = delete;

  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t columns() const noexcept { return columns_; }

  // How the weight is stored: the dtype of a dense one, else the name of a packed form.
  [[nodiscard]] virtual std::string_view form() const noexcept = 0;
  // Everything it consists of, referring to its own memory; `matrix_of` makes it again.
  [[nodiscard]] virtual MatrixParts parts() const = 0;
  // The bytes of the weight that a product with one vector reads, including tables and scales.
  [[nodiscard]] virtual std::size_t bytes() const noexcept = 0;
  // Whether its values are integers with scales, to which InputRounding does not apply.
  [[nodiscard]] virtual bool holds_integers() const noexcept { return false; }
  // Whether it is multiplied with the INT8 codes of the inputs.
  [[nodiscard]] virtual bool wants_codes() const noexcept { return false; }
  // Whether it can be multiplied with inputs in pairs.
  [[nodiscard]] virtual bool takes_pairs() const noexcept { return false; }
  // The number of rows that are stored together: blocks passed to multiply_rows begin at multiples
  // of it, and end at one or at the last row.
  [[nodiscard]] virtual std::size_t row_step() const noexcept { return 1; }

  // Computes y[t * rows() + r] for r in `range` and every token t.
  void multiply_rows(Block range, const Inputs& x, float* y) const;
  // Writes the exact values in F32, values[(r - range.begin) * columns() + c], for r in `range`,
  // which may begin and end anywhere.
  void read_rows(Block range, float* values) const;
  // The same for one row.
  void read_row(std::size_t row, float* values) const { read_rows({row, row + 1}, values); }

 protected:
  // The same, after their preconditions have been checked.
  virtual void do_multiply_rows(Block range, const Inputs& x, float* y) const = 0;
  virtual void do_read_rows(Block range, float* values) const = 0;

 private:
  std::size_t rows_;
  std::size_t columns_;
};

// One of several products that are computed in parallel.
struct Product {
  const Matrix* matrix;
  const float* x;  // [tokens, matrix->columns()]
  float* y;        // [tokens, matrix->rows()]
  // Groups of row_step() rows, in ascending order, each at most once: only their rows are written,
  // with the same bits as in the whole product. If none are given, all rows are written.
  std::optional<std::span<const std::uint32_t>> groups = std::nullopt;
};

// Computes all products, with their rows spread over the threads. Matrices with the same x share
// its other forms. Products of chosen groups and of all rows may be mixed.
void multiply(std::span<const Product> products, std::size_t tokens, unsigned threads,
              InputRounding rounding = InputRounding::kNone);

enum class DenseType { kF32, kBF16, kF16 };

// Refers to memory that must outlive it: rows * columns elements in row order, not copied.
std::unique_ptr<Matrix> dense_matrix(DenseType type, const void* values, std::size_t rows,
                                     std::size_t columns);
std::unique_ptr<Matrix> dense_matrix_of(const MatrixParts& parts);

}  // namespace meadow
