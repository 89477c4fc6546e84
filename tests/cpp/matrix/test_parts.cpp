#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "every_isa.h"
#include "matrix_support.h"
#include "meadow/base/error.h"
#include "meadow/matrix/bf16_planes.h"
#include "meadow/matrix/f16_planes.h"
#include "meadow/matrix/parts.h"

using namespace meadow;
using namespace meadow::test;

namespace {

constexpr std::size_t kRows = 6;
constexpr std::size_t kColumns = 1100;

// Ends where the next page must not be read.
class GuardedBytes {
 public:
  explicit GuardedBytes(std::size_t size) : size_(size) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    mapped_ = (size + page - 1) / page * page + page;
    memory_ = static_cast<std::uint8_t*>(
        mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    REQUIRE(memory_ != MAP_FAILED);
    REQUIRE(mprotect(memory_ + mapped_ - page, page, PROT_NONE) == 0);
    begin_ = memory_ + mapped_ - page - size;
  }
  GuardedBytes(const GuardedBytes&) = delete;
  GuardedBytes& operator=(const GuardedBytes&) = delete;
  ~GuardedBytes() { munmap(memory_, mapped_); }

  [[nodiscard]] std::uint8_t* data() const noexcept { return begin_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
  std::size_t mapped_;
  std::uint8_t* memory_;
  std::uint8_t* begin_;
};

struct GuardedParts {
  explicit GuardedParts(const Matrix& matrix) : parts(matrix.parts()) {
    for (MatrixPart& part : parts.parts) {
      const std::size_t size = part.count * width_of(part.type);
      memory.push_back(std::make_unique<GuardedBytes>(size));
      if (size != 0) std::memcpy(memory.back()->data(), part.data, size);
      part.data = memory.back()->data();
    }
  }

  MatrixParts parts;
  std::vector<std::unique_ptr<GuardedBytes>> memory;
};

std::vector<float> product(const Matrix& matrix, std::size_t tokens, InputRounding rounding) {
  const std::vector<float> x(tokens * matrix.columns(), 0.5F);
  std::vector<float> y(tokens * matrix.rows());
  const Product one{&matrix, x.data(), y.data()};
  multiply({&one, 1}, tokens, 1, rounding);
  return y;
}

// Bits, as NaN is not equal to itself.
std::vector<std::uint32_t> results(const Matrix& matrix) {
  std::vector<float> all;
  for (const std::size_t tokens : {std::size_t{1}, std::size_t{33}}) {
    for (const auto rounding : {InputRounding::kNone, InputRounding::kBF16}) {
      const std::vector<float> some = product(matrix, tokens, rounding);
      all.insert(all.end(), some.begin(), some.end());
    }
  }
  all.resize(all.size() + matrix.columns());
  matrix.read_row(matrix.rows() - 1, &all[all.size() - matrix.columns()]);
  std::vector<std::uint32_t> bits(all.size());
  std::memcpy(bits.data(), all.data(), all.size() * sizeof(float));
  return bits;
}

std::unique_ptr<Matrix> integers(std::size_t per_scale, bool coded, PlaneWidths widths,
                                 InputForm input_form) {
  auto random = generator(7);
  std::normal_distribution<float> gaussian(0.0F, 3.0F);
  std::vector<std::int8_t> codes(kRows * kColumns);
  for (std::int8_t& code : codes) code = static_cast<std::int8_t>(gaussian(random));
  codes[40] = 127;
  codes[kColumns + 900] = -127;
  const std::vector<float> scales(kRows * kColumns, 0.25F);
  const std::vector<std::uint8_t> coded_scales(kRows * kColumns, 3);
  return integer_matrix({codes.data(), kRows, kColumns, per_scale, scales.data(),
                         coded ? coded_scales.data() : nullptr},
                        widths, input_form, 1);
}

// Mostly small halves, which as BF16 are other numbers, and some of any exponent.
std::vector<std::uint16_t> halves() {
  auto random = generator(3);
  std::vector<std::uint16_t> values(kRows * kColumns);
  for (std::uint16_t& value : values) {
    value = static_cast<std::uint16_t>(0x2400 | (random() & 0x81FF));
    if (random() % 90 == 0) value = static_cast<std::uint16_t>(random() & 0xBBFF);
  }
  return values;
}

void for_each_form(const std::function<void(const Matrix& matrix)>& see) {
  const std::vector<std::uint16_t> values = halves();
  const std::vector<float> wide(values.begin(), values.end());
  see(*dense_matrix(DenseType::kF32, wide.data(), kRows, kColumns));
  see(*dense_matrix(DenseType::kF16, values.data(), kRows, kColumns));
  see(*dense_matrix(DenseType::kBF16, values.data(), kRows, kColumns));
  see(*bf16_planes_matrix(DenseType::kBF16, values.data(), kRows, kColumns, 1));
  see(*f16_planes_matrix(values.data(), kRows, kColumns, 1));
  for (const auto widths : {PlaneWidths::kDense, PlaneWidths::kPacked}) {
    for (const auto input_form : {InputForm::kInt8, InputForm::kFloats}) {
      see(*integers(0, false, widths, input_form));
      see(*integers(kColumns, false, widths, input_form));
      see(*integers(64, false, widths, input_form));
      see(*integers(32, true, widths, input_form));
    }
  }
}

}  // namespace

TEST_CASE("parts at the end of readable memory give the same bits") {
  const EveryIsa isas;
  isas.run([] {
    for_each_form([](const Matrix& matrix) {
      CAPTURE(std::string(matrix.form()));
      const GuardedParts guarded(matrix);
      const auto again = matrix_of(guarded.parts);
      CHECK(again->form() == matrix.form());
      CHECK(again->bytes() == matrix.bytes());
      CHECK(results(*again) == results(matrix));
    });
  });
}

TEST_CASE("damaged parts are refused, or read nothing outside their memory") {
  const EveryIsa isas;
  isas.run([] {
    for_each_form([](const Matrix& matrix) {
      CAPTURE(std::string(matrix.form()));
      const GuardedParts guarded(matrix);
      auto random = generator(11);
      std::size_t computed = 0;
      for (const auto& part : guarded.memory) {
        for (int n = 0; n < 8 && part->size() != 0; ++n) {
          std::uint8_t& byte = part->data()[random() % part->size()];
          const std::uint8_t before = byte;
          byte = static_cast<std::uint8_t>(byte ^ (1U << random() % 8));
          try {
            computed += results(*matrix_of(guarded.parts)).size();
          } catch (const Error& error) {
            CHECK(error.kind() == ErrorKind::kCorrupt);
          }
          byte = before;
        }
      }
      CHECK(computed != 0);
    });
  });
}

TEST_CASE("parts of other sizes, types and names are refused") {
  for_each_form([](const Matrix& matrix) {
    CAPTURE(std::string(matrix.form()));
    const MatrixParts parts = matrix.parts();
    for (std::size_t n = 0; n < parts.parts.size(); ++n) {
      MatrixParts other = parts;
      other.parts[n].count += 1;
      CHECK_THROWS_AS(matrix_of(other), Error);
      other = parts;
      other.parts[n].name = "other";
      CHECK_THROWS_AS(matrix_of(other), Error);
      other = parts;
      other.parts[n].type = other.parts[n].type == PartType::kU8 ? PartType::kU32 : PartType::kU8;
      CHECK_THROWS_AS(matrix_of(other), Error);
    }
    MatrixParts other = parts;
    other.rows = 0;
    CHECK_THROWS_AS(matrix_of(other), Error);
    other.rows = std::size_t{1} << 62;
    CHECK_THROWS_AS(matrix_of(other), Error);
    other = parts;
    other.form = "none";
    CHECK_THROWS_AS(matrix_of(other), Error);
  });
}
