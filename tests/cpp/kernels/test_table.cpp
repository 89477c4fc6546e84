// Which table each family uses under each ISA. KERNEL_FILES are the files that CMake found.
#include "meadow/kernels/table.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

#include "meadow/kernels/bf16_dot/bf16_dot.h"
#include "meadow/kernels/bf16_planes/bf16_planes.h"
#include "meadow/kernels/convert/convert.h"
#include "meadow/kernels/f16_planes/f16_planes.h"
#include "meadow/kernels/float_cut/float_cut.h"
#include "meadow/kernels/huffman/huffman.h"
#include "meadow/kernels/integer/integer.h"
#include "meadow/kernels/product/product.h"
#include "meadow/kernels/quantize/quantize.h"
#include "meadow/kernels/rans/rans.h"
#include "meadow/kernels/stream/stream.h"
#include "meadow/kernels/vector/vector.h"
#include "support.h"

using namespace meadow;
using namespace meadow::kernels;

namespace {

std::set<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

constexpr Isa kEveryIsa[] = {Isa::kScalar, Isa::kNeon, Isa::kAvx2, Isa::kAvx512};
static_assert(std::size(kEveryIsa) == kIsaCount);

// By ISA; null where the family has no file that is built here.
template <typename Kernels>
using ByIsa = std::array<const Kernels*, kIsaCount>;

template <typename Kernels, std::size_t kCount>
const Kernels* best_of_first(const std::array<const Kernels*, kCount>& tables, std::size_t count) {
  const Kernels* best = nullptr;
  for (std::size_t i = 0; i < count; ++i) best = tables[i] != nullptr ? tables[i] : best;
  return best;
}

// The families, one after another: each is compared with the files that were found for it.
class Families {
 public:
  template <typename Kernels, typename Chosen>
  void check(const std::string& family, const Kernels* IsaTables::* member, const Chosen& chosen,
             const ByIsa<Kernels>& own) {
    CAPTURE(family);
    for (const Isa isa : kEveryIsa) {
      CAPTURE(std::string(isa_name(isa)));
      const auto i = static_cast<std::size_t>(isa);
      const auto file = "kernels/" + family + "/" + std::string(isa_name(isa)) + ".cpp";
      CHECK(files_.erase(file) == (own[i] != nullptr ? 1 : 0));
      CHECK(isa_tables[i].*member == own[i]);
      CHECK(chosen(isa) == best_of_first(own, i + 1));
    }
    check_isa_above(member, own);
  }

  // Files that no family checked.
  [[nodiscard]] const std::set<std::string>& left() const { return files_; }

 private:
  // An ISA better than all others, for which nobody has kernels yet.
  template <typename Kernels>
  static void check_isa_above(const Kernels* IsaTables::* member, const ByIsa<Kernels>& own) {
    std::array<IsaTables, kIsaCount + 1> tables{};
    std::copy(isa_tables.begin(), isa_tables.end(), tables.begin());
    const auto found = with_fallback(tables, member);
    CHECK(found.back() == best_of_first(own, kIsaCount));
    CHECK(found.back() != own.front());
  }

  std::set<std::string> files_ = words_of(KERNEL_FILES);
};

template <typename Kernels>
auto address(const Kernels& (*accessor)(Isa) noexcept) {
  return [=](Isa isa) { return &accessor(isa); };
}

#if defined(__x86_64__)
void check_all(Families& families) {
  families.check("bf16_planes", &IsaTables::bf16_planes, address(bf16_planes_kernels),
                 {&bf16_planes_scalar, nullptr, &bf16_planes_avx2, &bf16_planes_avx512});
  families.check("convert", &IsaTables::convert, address(convert_kernels),
                 {&convert_scalar, nullptr, &convert_avx2, &convert_avx512});
  families.check("f16_planes", &IsaTables::f16_planes, address(f16_planes_kernels),
                 {&f16_planes_scalar, nullptr, &f16_planes_avx2, &f16_planes_avx512});
  families.check("float_cut", &IsaTables::float_cut, address(float_cut_kernels),
                 {&float_cut_scalar, nullptr, &float_cut_avx2, &float_cut_avx512});
  families.check("huffman", &IsaTables::huffman, address(huffman_kernels),
                 {&huffman_scalar, nullptr, &huffman_avx2, nullptr});
  families.check("integer", &IsaTables::integer, address(integer_kernels),
                 {&integer_scalar, nullptr, &integer_avx2, &integer_avx512});
  families.check("product", &IsaTables::product, address(product_kernels),
                 {&product_scalar, nullptr, &product_avx2, &product_avx512});
  families.check("quantize", &IsaTables::quantize, address(quantize_kernels),
                 {&quantize_scalar, nullptr, &quantize_avx2, &quantize_avx512});
  families.check("rans", &IsaTables::rans, address(rans_kernels),
                 {&rans_scalar, nullptr, &rans_avx2, &rans_avx512});
  families.check("stream", &IsaTables::stream, address(stream_kernels),
                 {&stream_scalar, nullptr, &stream_avx2, &stream_avx512});
  families.check("vector", &IsaTables::vector, address(vector_kernels),
                 {&vector_scalar, nullptr, &vector_avx2, &vector_avx512});
}
#elif defined(__aarch64__)
void check_all(Families& families) {
  families.check("bf16_planes", &IsaTables::bf16_planes, address(bf16_planes_kernels),
                 {&bf16_planes_scalar, &bf16_planes_neon, nullptr, nullptr});
  families.check("convert", &IsaTables::convert, address(convert_kernels),
                 {&convert_scalar, &convert_neon, nullptr, nullptr});
  families.check("f16_planes", &IsaTables::f16_planes, address(f16_planes_kernels),
                 {&f16_planes_scalar, &f16_planes_neon, nullptr, nullptr});
  families.check("float_cut", &IsaTables::float_cut, address(float_cut_kernels),
                 {&float_cut_scalar, &float_cut_neon, nullptr, nullptr});
  families.check("huffman", &IsaTables::huffman, address(huffman_kernels),
                 {&huffman_scalar, &huffman_neon, nullptr, nullptr});
  families.check("integer", &IsaTables::integer, address(integer_kernels),
                 {&integer_scalar, &integer_neon, nullptr, nullptr});
  families.check("product", &IsaTables::product, address(product_kernels),
                 {&product_scalar, &product_neon, nullptr, nullptr});
  families.check("quantize", &IsaTables::quantize, address(quantize_kernels),
                 {&quantize_scalar, &quantize_neon, nullptr, nullptr});
  families.check("rans", &IsaTables::rans, address(rans_kernels),
                 {&rans_scalar, &rans_neon, nullptr, nullptr});
  families.check("stream", &IsaTables::stream, address(stream_kernels),
                 {&stream_scalar, &stream_neon, nullptr, nullptr});
  families.check("vector", &IsaTables::vector, address(vector_kernels),
                 {&vector_scalar, &vector_neon, nullptr, nullptr});
}
#endif

}  // namespace

TEST_CASE("every family uses its file for an ISA, or else that for the next lower ISA") {
  Families families;
  check_all(families);
  std::set<std::string> left = {"kernels/bf16_dot/scalar.cpp"};
#if defined(__x86_64__)
  left.insert("kernels/bf16_dot/avx512.cpp");
#endif
  CHECK(families.left() == left);
}

TEST_CASE("BF16 pairs are used where the CPU has their instruction, and never from scalar") {
  for (const Isa isa : kEveryIsa) {
    CAPTURE(std::string(isa_name(isa)));
    const Bf16DotKernels* expected = nullptr;
#if defined(__x86_64__)
    if (isa == Isa::kAvx512) expected = &bf16_dot_avx512;
#endif
    CHECK(isa_tables[static_cast<std::size_t>(isa)].bf16_dot == expected);
    const Bf16DotKernels* chosen = bf16_dot_kernels(isa);
    CHECK((chosen == nullptr || chosen == expected));
#if defined(__x86_64__)
    CHECK((chosen != nullptr) == (expected != nullptr && __builtin_cpu_supports("avx512bf16")));
#endif
  }
}
