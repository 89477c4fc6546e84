// A weight [rows = out, columns = in] as it is multiplied: dense or packed, seen the same way.
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

// What activations are before they are multiplied with weights in floats: as they come, or rounded
// to BF16, with denormals taken as zeros; the contract of such products is in kernels/bf16_dot.
enum class ActivationType { kF32, kBF16 };

// What a product is taken with: [count, columns] in F32, and, where a matrix asks for them, the
// same in another form.
struct Activations {
  std::size_t count = 0;
  std::size_t columns = 0;
  const float* values = nullptr;  // [count, stride]
  std::size_t stride = 0;
  // BF16 in pairs, see kernels/bf16_dot; null unless the product is to be taken with them.
  const std::uint16_t* pairs = nullptr;  // [count, pair_stride]
  std::size_t pair_stride = 0;
  const kernels::Bf16DotKernels* pair_kernels = nullptr;  // that they were made by
  // Symmetric INT8 with one scale per token; null unless a matrix wants them.
  const std::int8_t* codes = nullptr;        // [count, code_stride], zeros behind the columns
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

  // How the weight is stored: a dtype for dense ones, else the name of a packed form.
  [[nodiscard]] virtual std::string_view form() const noexcept = 0;
  // Everything it is made of, over its own memory; `matrix_of` makes it again.
  [[nodiscard]] virtual MatrixParts parts() const = 0;
  // What one product with one vector reads of the weight, tables and scales counted.
  [[nodiscard]] virtual std::size_t bytes() const noexcept = 0;
  // Whether its values are integers with scales: the type of activations is none of its business.
  [[nodiscard]] virtual bool holds_integers() const noexcept { return false; }
  // Whether it is multiplied with the activations' integers.
  [[nodiscard]] virtual bool wants_codes() const noexcept { return false; }
  // Whether it can be multiplied with activations in pairs.
  [[nodiscard]] virtual bool takes_pairs() const noexcept { return false; }
  // Rows that are stored together: blocks handed to multiply_rows begin at multiples of this, and
  // end there or with the last row.
  [[nodiscard]] virtual std::size_t row_step() const noexcept { return 1; }

  // y[t * rows() + r] for r in `range` and every token t.
  void multiply_rows(Block range, const Activations& x, float* y) const;
  // values[(r - range.begin) * columns() + c] for r in `range`, which may begin and end anywhere,
  // in F32, exactly.
  void read_rows(Block range, float* values) const;
  // A block of one row.
  void read_row(std::size_t row, float* values) const { read_rows({row, row + 1}, values); }

 protected:
  // The same, once their preconditions are checked.
  virtual void do_multiply_rows(Block range, const Activations& x, float* y) const = 0;
  virtual void do_read_rows(Block range, float* values) const = 0;

 private:
  std::size_t rows_;
  std::size_t columns_;
};

// One of several products that are taken side by side.
struct Product {
  const Matrix* matrix;
  const float* x;  // [tokens, matrix->columns()]
  float* y;        // [tokens, matrix->rows()]
  // Groups of row_step() rows, ascending, each at most once: only the rows of these are written,
  // with the bits they have in the whole product. None given: all rows.
  std::optional<std::span<const std::uint32_t>> groups = std::nullopt;
};

// All products, their rows spread over the threads. Matrices with the same x share its other forms.
// A product of chosen groups may stand beside one of all rows.
void multiply(std::span<const Product> products, std::size_t tokens, unsigned threads,
              ActivationType type = ActivationType::kF32);

enum class DenseType { kF32, kBF16, kF16 };

// Over memory that outlives it: rows * columns elements in row order, not copied.
std::unique_ptr<Matrix> dense_matrix(DenseType type, const void* values, std::size_t rows,
                                     std::size_t columns);
std::unique_ptr<Matrix> dense_matrix_of(const MatrixParts& parts);

}  // namespace meadow
