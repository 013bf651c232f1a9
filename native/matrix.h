// The canonical CSR view, the encoded Matrix and its Footprint. Includes nothing of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace sparsemark {

// A cache line and the widest vector. A timed buffer off this boundary costs up to 2x, since every vector
// load then splits a line.
inline constexpr std::size_t kAlignment = 64;

// Compressed sparse rows as they come in: columns ascending within a row, no duplicates.
struct Csr {
  std::int32_t rows = 0;
  std::int32_t cols = 0;
  std::int32_t nnz = 0;
  const std::int32_t* row_offsets = nullptr;  // rows + 1
  const std::int32_t* col_indices = nullptr;  // nnz
  const float* values = nullptr;              // nnz
};

// Bytes that a format stores.
struct Footprint {
  std::int64_t payload_bytes = 0;   // values of nonzeros
  std::int64_t metadata_bytes = 0;  // indices, offsets, masks
  std::int64_t padding_bytes = 0;   // zeros that fill blocks, slices and rows, with their indices
};

// From here on an array asks for huge pages: with pages of 4 KiB a streamed A or the panel of a wide B misses
// the TLB at every step.
inline constexpr std::size_t kHugeBytes = std::size_t{4} << 20;

// A fixed-size array on a 64-byte boundary, zero-filled, its storage rounded up to whole lines so that a
// vector load at the end stays inside. T is a plain number.
template <typename T>
class Aligned {
 public:
  Aligned() = default;
  explicit Aligned(std::size_t size) : size_(size) {
    if (size == 0) return;
    data_ = static_cast<T*>(::operator new(bytes(), boundary()));
#if defined(__linux__)
    // Advice only: where it is refused the array is as good, a little slower.
    if (bytes() >= kHugeBytes) (void)madvise(data_, bytes(), MADV_HUGEPAGE);
#endif
    std::memset(data_, 0, bytes());
  }
  Aligned(Aligned&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  Aligned& operator=(Aligned&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;
  ~Aligned() {
    if (data_ != nullptr) ::operator delete(data_, boundary());
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return data_[i]; }
  const T& operator[](std::size_t i) const { return data_[i]; }
  T* begin() { return data_; }
  T* end() { return data_ + size_; }

 private:
  std::size_t bytes() const { return (size_ * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment; }
  // Huge pages are 2 MiB here and lie on such a boundary.
  std::align_val_t boundary() const {
    return std::align_val_t{bytes() >= kHugeBytes ? std::size_t{2} << 20 : kAlignment};
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
};

// An encoded matrix as the kernels see it: plain pointers into a Matrix. Which of the arrays a format fills,
// and what they mean, stands at the head of its file in formats/.
struct Encoded {
  std::int32_t rows = 0;
  std::int32_t cols = 0;
  std::int32_t nnz = 0;
  // Sizes of the format: block rows x columns, slice height and sorting window, N and M.
  std::int32_t p0 = 0;
  std::int32_t p1 = 0;
  const float* values = nullptr;
  const std::int32_t* offsets = nullptr;
  const std::int32_t* indices = nullptr;
  const std::uint8_t* bytes = nullptr;
  const std::uint64_t* bits = nullptr;
  const std::int32_t* order = nullptr;  // stored row -> row of A, where a format permutes rows
  // Units are what threads share out: rows, block rows or slices. work[u] is the stored work before unit u;
  // for the shard plan alone, kernels do not read it (where it is not offsets itself).
  std::int32_t units = 0;
  const std::int32_t* work = nullptr;  // units + 1
};

// An encoded matrix with its storage.
struct Matrix {
  Encoded view;
  Footprint footprint;
  Aligned<float> values;
  Aligned<std::int32_t> offsets;
  Aligned<std::int32_t> indices;
  Aligned<std::uint8_t> bytes;
  Aligned<std::uint64_t> bits;
  Aligned<std::int32_t> order;
  Aligned<std::int32_t> work;

  // Points the view at the storage; the last step of every encode.
  void bind() {
    view.values = values.data();
    view.offsets = offsets.data();
    view.indices = indices.data();
    view.bytes = bytes.data();
    view.bits = bits.data();
    view.order = order.data();
    view.work = work.data();
  }
};

}  // namespace sparsemark
