// Inputs brought into another form, once for all products that need it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "meadow/base/thread_pool.h"
#include "meadow/matrix/matrix.h"

namespace meadow {

// A Form is constructed from (x, columns, tokens, rounding). prepare(token) fills it,
// add_to(Inputs) adds it to the others, and wanted(matrix, tokens, rounding) says whether it is
// needed.
template <typename Form>
class Prepared {
 public:
  Prepared(std::span<const Product> products, std::size_t tokens, InputRounding rounding,
           unsigned threads) {
    for (const Product& product : products) {
      if (!Form::wanted(*product.matrix, tokens, rounding) || find(product) != nullptr) continue;
      Entry& entry =
          all_.emplace_back(Entry{product.x, product.matrix->columns(),
                                  Form(product.x, product.matrix->columns(), tokens, rounding)});
      parallel_for(tokens, tokens < kTokensOfThreads ? 1 : threads,
                   [&](std::size_t t) { entry.form.prepare(t); });
    }
  }

  // Null for a product that does not need it.
  [[nodiscard]] const Form* of(const Product& product, std::size_t tokens,
                               InputRounding rounding) const noexcept {
    return Form::wanted(*product.matrix, tokens, rounding) ? find(product) : nullptr;
  }

 private:
  // Fewer tokens are not worth waking a thread.
  static constexpr std::size_t kTokensOfThreads = 8;

  struct Entry {
    const float* x;
    std::size_t columns;
    Form form;
  };

  [[nodiscard]] const Form* find(const Product& product) const noexcept {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const Entry& entry) {
      return entry.x == product.x && entry.columns == product.matrix->columns();
    });
    return found == all_.end() ? nullptr : &found->form;
  }

  std::vector<Entry> all_;
};

}  // namespace meadow
