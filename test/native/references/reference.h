// The right answer of each op, in double precision, and what may be off by rounding. One function an op (and
// type), one line in references.inc; kernels_test.cc holds every kernel against it.
#pragma once

#include <memory>
#include <vector>

#include "../../../native/sparsemark.h"
#include "../samples.h"
#include "../stored.h"

namespace sparsemark::test {

#if defined(__SANITIZE_ADDRESS__)
#define SPARSEMARK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SPARSEMARK_ASAN 1
#endif
#endif
#if defined(SPARSEMARK_ASAN)
inline constexpr std::size_t kCanariesBehind = 0;  // the sanitizer's own red zone begins at the first byte
#else
inline constexpr std::size_t kCanariesBehind = 2048;
#endif
inline constexpr std::size_t kCanariesBefore = 2048;  // 512 floats, a row of most problems

// An operand: bytes on a 64-byte boundary, allocated to the byte, between canaries, which are NaN: what is
// read there, and used, shows. Under the address sanitizer none of their bytes may be touched.
class Operand {
 public:
  explicit Operand(std::size_t bytes);
  Operand(Operand&& other) noexcept;
  Operand(const Operand&) = delete;
  Operand& operator=(const Operand&) = delete;
  Operand& operator=(Operand&&) = delete;
  ~Operand();

  unsigned char* data() { return data_; }
  const unsigned char* data() const { return data_; }
  float* floats() { return reinterpret_cast<float*>(data_); }
  std::size_t bytes() const { return bytes_; }
  // Every whole word of 4 bytes; what is left behind the last one, the first bytes of it.
  void fill_words(std::uint32_t word);
  bool canaries_live() const;

 private:
  std::size_t bytes_;
  unsigned char* data_;
};

// Operands of one op on one matrix, with the right answer. product.c and product.threads are the test's.
struct OpCase {
  sparsemark_product product{};
  std::vector<std::unique_ptr<Operand>> held;  // what product points to
  sparsemark_csr sparse_b{};
  sparsemark_conv conv{};
  std::vector<double> expected;   // each element of c
  std::vector<double> tolerance;  // its largest permitted error; 0 for exact

  // An operand of so many elements of T.
  template <typename T>
  T* hold(std::size_t size) {
    held.push_back(std::make_unique<Operand>(size * sizeof(T)));
    return reinterpret_cast<T*>(held.back()->data());
  }
};

float* random_floats(OpCase& out, std::size_t size, Random& random);
// NaN in each row of b, of so many columns, for which `met` is false.
void poison_unmet_rows(const std::vector<bool>& met, std::int32_t columns, float* b);

// k roundings of products and sums, each 2^-24 of what is added, or half a denormal.
double sum_tolerance(std::int32_t terms, double magnitude);

// The same for f16 as sparsemark.h permits it: sums of up to 64 products in 11 bits, then in 24, then the
// result in 11.
double half_tolerance(std::int32_t terms, double magnitude);

// The number of f16 nearest to x, ties to even.
std::uint16_t half_of(float x);

struct OpReference {
  const char* op;
  const char* dtype;
  // Makes the operands and the answer for A (already of that type). n is a wish: an op may take another, in
  // product.n. stored: where operands meet other places of A they are to hold NaN; nullptr: none do. False
  // where A does not suit.
  bool (*make)(const Sample& a, std::int32_t n, const Stored* stored, Random& random, OpCase& out);
};

extern const OpReference* const kReferences[];
extern const int kReferenceCount;

}  // namespace sparsemark::test
