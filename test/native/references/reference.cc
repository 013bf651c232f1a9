#include "reference.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "../../../native/matrix.h"

#if defined(SPARSEMARK_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace sparsemark::test {
namespace {
constexpr unsigned char kCanary = 0xFF;
}

#define SPARSEMARK_REFERENCE(symbol) extern const OpReference symbol##_reference;
#include "references.inc"
#undef SPARSEMARK_REFERENCE

#define SPARSEMARK_REFERENCE(symbol) &symbol##_reference,
const OpReference* const kReferences[] = {
#include "references.inc"
};
#undef SPARSEMARK_REFERENCE
const int kReferenceCount = static_cast<int>(sizeof(kReferences) / sizeof(kReferences[0]));

Operand::Operand(std::size_t bytes)
    : bytes_(bytes),
      data_(static_cast<unsigned char*>(
                ::operator new (kCanariesBefore + bytes + kCanariesBehind, std::align_val_t{kAlignment})) +
            kCanariesBefore) {
  std::memset(data_ - kCanariesBefore, kCanary, kCanariesBefore);
  std::memset(data_ + bytes, kCanary, kCanariesBehind);
#if defined(SPARSEMARK_ASAN)
  // Its own red zone before an allocation may be no longer than a vector.
  __asan_poison_memory_region(data_ - kCanariesBefore, kCanariesBefore);
#endif
}

Operand::Operand(Operand&& other) noexcept
    : bytes_(other.bytes_), data_(std::exchange(other.data_, nullptr)) {}

Operand::~Operand() {
  if (data_ == nullptr) return;
#if defined(SPARSEMARK_ASAN)
  __asan_unpoison_memory_region(data_ - kCanariesBefore, kCanariesBefore);
#endif
  ::operator delete (data_ - kCanariesBefore, std::align_val_t{kAlignment});
}

void Operand::fill_words(std::uint32_t word) {
  for (std::size_t at = 0; at < bytes_; at += sizeof(word)) {
    std::memcpy(data_ + at, &word, bytes_ - at < sizeof(word) ? bytes_ - at : sizeof(word));
  }
}

bool Operand::canaries_live() const {
#if !defined(SPARSEMARK_ASAN)
  for (std::size_t i = 0; i < kCanariesBefore; ++i) {
    if (*(data_ - kCanariesBefore + i) != kCanary) return false;
  }
#endif
  for (std::size_t i = 0; i < kCanariesBehind; ++i) {
    if (data_[bytes_ + i] != kCanary) return false;
  }
  return true;
}

float* random_floats(OpCase& out, std::size_t size, Random& random) {
  float* data = out.hold<float>(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = random.value();
  return data;
}

void poison_unmet_rows(const std::vector<bool>& met, std::int32_t columns, float* b) {
  const std::size_t n = static_cast<std::size_t>(columns);
  for (std::size_t row = 0; row < met.size(); ++row) {
    for (std::size_t j = 0; j < n && !met[row]; ++j) b[row * n + j] = std::numeric_limits<float>::quiet_NaN();
  }
}

double sum_tolerance(std::int32_t terms, double magnitude) {
  const double k = terms + 4.0;
  return k * 0x1p-24 * magnitude + k * 0x1p-149;
}

double half_tolerance(std::int32_t terms, double magnitude) {
  const auto gamma = [](double count, double unit) { return count * unit / (1.0 - count * unit); };
  const double halves = gamma(std::min(terms, 64) + 2.0, 0x1p-11);
  const double floats = gamma(std::ceil(terms / 64.0) + 1.0, 0x1p-24);
  const double factor = (1.0 + halves) * (1.0 + floats) - 1.0;
  return factor * magnitude + (2.0 * terms + 1.0) * 0x1p-25 * (1.0 + factor);
}

std::uint16_t half_of(float x) {
  std::uint16_t sign = std::signbit(x) ? 0x8000 : 0;
  if (std::isnan(x)) return 0x7e00;
  const double magnitude = std::fabs(static_cast<double>(x));
  if (magnitude >= 65520.0) return static_cast<std::uint16_t>(sign | 0x7c00);
  const int exponent = magnitude < 0x1p-14 ? -14 : std::ilogb(magnitude);
  const int steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  // 1024 steps are the first number of an exponent; a fraction of 2048 is the next one's.
  return static_cast<std::uint16_t>(sign | (steps + (exponent + 14) * 1024));
}

}  // namespace sparsemark::test
