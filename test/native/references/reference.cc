#include "reference.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "../../../native/matrix.h"

namespace sparsemark::test {
namespace {
constexpr unsigned char kCanary = 0xA5;
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
                ::operator new (bytes + 2 * kCanaryBytes, std::align_val_t{kAlignment})) +
            kCanaryBytes) {
  std::memset(data_ - kCanaryBytes, kCanary, kCanaryBytes);
  std::memset(data_ + bytes, kCanary, kCanaryBytes);
}

Operand::Operand(Operand&& other) noexcept
    : bytes_(other.bytes_), data_(std::exchange(other.data_, nullptr)) {}

Operand::~Operand() {
  if (data_ != nullptr) ::operator delete (data_ - kCanaryBytes, std::align_val_t{kAlignment});
}

void Operand::fill_words(std::uint32_t word) {
  for (std::size_t at = 0; at < bytes_; at += sizeof(word)) {
    std::memcpy(data_ + at, &word, bytes_ - at < sizeof(word) ? bytes_ - at : sizeof(word));
  }
}

bool Operand::canaries_live() const {
  for (std::size_t i = 0; i < kCanaryBytes; ++i) {
    if (*(data_ - kCanaryBytes + i) != kCanary || data_[bytes_ + i] != kCanary) return false;
  }
  return true;
}

float* random_floats(OpCase& out, std::size_t size, Random& random) {
  float* data = out.hold<float>(size);
  for (std::size_t i = 0; i < size; ++i) data[i] = random.value();
  return data;
}

void poison_unmet_rows(const Sample& a, std::int32_t columns, float* b) {
  std::vector<bool> met(static_cast<std::size_t>(a.cols));
  for (const std::int32_t column : a.col_indices) met[static_cast<std::size_t>(column)] = true;
  const std::size_t n = static_cast<std::size_t>(columns);
  for (std::size_t row = 0; row < met.size(); ++row) {
    for (std::size_t j = 0; j < n && !met[row]; ++j) b[row * n + j] = std::numeric_limits<float>::quiet_NaN();
  }
}

double sum_tolerance(std::int32_t terms, double magnitude) {
  const double k = terms + 4.0;
  return k * 0x1p-24 * magnitude + k * 0x1p-149;
}

}  // namespace sparsemark::test
