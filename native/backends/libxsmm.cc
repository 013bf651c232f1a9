// libxsmm (Heinecke, Henry, Hutchinson and Pabst, SC 2016), release 1.17, linked where its archive was found:
// Debian has no shared one. Its three ways to a sparse product, each generating code or reading slices of A:
//   csr-jit   unrolls the pattern of A into code that addresses B directly; for small A
//   fsspmdm   keeps up to 480 distinct values of A in registers; AVX-512 only
//   spmdm     reads A in slices with 16-bit indices, copies B and C by blocks
// and its dense sgemm. Blocks of rows are small enough that the code generator's buffer of 128 KiB cannot
// overflow: it does not check everywhere.
#include "csr_backend.h"
#include "dense_backend.h"

#if !defined(SPARSEMARK_LIBXSMM)

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message* message) {
  sparsemark::backends::say(
      message,
      "Expected libxsmm at compile time for libxsmm, received a build without it (not built: install "
      "libxsmm-dev). Debian on x86: apt-get install libxsmm-dev, then build again: npm run build");
  return nullptr;
}

#else

#include <libxsmm.h>

namespace {

using namespace sparsemark::backends;
using sparsemark::Aligned;

// The generated code costs about 8 bytes a nonzero and vector: beyond this many it leaves every cache.
constexpr std::int32_t kMostNonzeros = 150000;
constexpr std::int64_t kMostBytes = INT32_MAX;  // of an operand: offsets in the code are 32-bit
constexpr std::int64_t kCodeBytes = 120000;     // of 131072
constexpr std::int64_t kMostDistinct = 480;     // values that fsspmdm keeps in registers
constexpr std::size_t kJitVectors = 8;
constexpr std::size_t kJitVectorsAvx2 = 8;

void decline_unless(bool fits, const char* what) {
  if (!fits) throw std::runtime_error(std::string("libxsmm takes ") + what);
}

int lanes() { return libxsmm_cpuid_vlen32(libxsmm_get_target_archid()); }

void check_sizes(const sparsemark_matrix& a, const sparsemark_product& p) {
  const std::int64_t row = std::int64_t{p.n} * std::int64_t{sizeof(float)};
  decline_unless(a.cols * row <= kMostBytes && a.rows * row <= kMostBytes &&
                     std::int64_t{a.rows} * a.cols * std::int64_t{sizeof(float)} <= kMostBytes,
                 "operands of at most 2 GiB");
}

void check_code(const sparsemark_matrix& a, const sparsemark_product& p, int width) {
  check_sizes(a, p);
  decline_unless(width > 0 && p.n % width == 0, "only n that is a multiple of the vector here");
  decline_unless(a.nnz <= kMostNonzeros, "at most 150000 nonzeros where it makes code of them");
}

// Runs work(part) for each part, in an OpenMP thread of its own, as libxsmm's samples do.
template <typename Work>
void share_out(std::size_t threads, const Work& work) {
  const int parts = static_cast<int>(threads);
  if (parts == 1) return work(0);
#pragma omp parallel for num_threads(parts) schedule(static, 1)
  for (int part = 0; part < parts; ++part) work(part);
}

// Generated code of one block of rows.
struct Code {
  libxsmm_xmmfunction call{};
  Code() = default;
  explicit Code(libxsmm_xmmfunction made) : call(made) {
    if (made.smm == nullptr) throw std::runtime_error("libxsmm cannot make code for this matrix");
  }
  Code(Code&& other) noexcept : call(other.call) { other.call.smm = nullptr; }
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;
  Code& operator=(Code&&) = delete;
  ~Code() {
    if (call.smm != nullptr) libxsmm_release_kernel(reinterpret_cast<const void*>(call.smm));
  }
};

// Rows [begin, end) with their own offsets from 0.
struct RowBlock {
  std::int32_t begin;
  std::int32_t end;
  std::vector<unsigned> offsets;
};

// Blocks of rows that hold at most that many nonzeros and code bytes; a row alone may not hold more.
std::vector<RowBlock> blocks_of(const sparsemark_matrix& a, std::int64_t most_nonzeros,
                                std::int64_t bytes_a_nonzero, std::int64_t bytes_a_row) {
  std::vector<RowBlock> blocks;
  for (std::int32_t begin = 0, end = 0; begin < a.rows; begin = end) {
    RowBlock block{begin, begin, {0}};
    const std::int32_t* offsets = a.offsets.data();
    for (; end < a.rows; ++end) {
      const std::int64_t held = offsets[end + 1] - offsets[begin];
      const std::int64_t bytes = held * bytes_a_nonzero + (end + 1 - begin) * bytes_a_row;
      if (held > most_nonzeros || bytes > kCodeBytes) break;
      block.offsets.push_back(static_cast<unsigned>(held));
    }
    decline_unless(end > begin, "no row with so many nonzeros where it makes code of them");
    block.end = end;
    blocks.push_back(std::move(block));
  }
  return blocks;
}

std::vector<std::int32_t> empty_rows(const sparsemark_matrix& a) {
  std::vector<std::int32_t> rows;
  for (std::int32_t i = 0; i < a.rows; ++i) {
    const auto at = static_cast<std::size_t>(i);
    if (a.offsets[at] == a.offsets[at + 1]) rows.push_back(i);
  }
  return rows;
}

// Both generators skip empty rows, even with beta = 0.
void zero(const std::vector<std::int32_t>& rows, float* c, std::size_t n, std::size_t begin,
          std::size_t end) {
  for (const std::int32_t i : rows) {
    std::memset(c + static_cast<std::size_t>(i) * n + begin, 0, (end - begin) * sizeof(float));
  }
}

const unsigned* indices_of(const sparsemark_matrix& a, const RowBlock& block) {
  return reinterpret_cast<const unsigned*>(a.indices.data()) +
         a.offsets[static_cast<std::size_t>(block.begin)];
}

const float* values_of(const sparsemark_matrix& a, const RowBlock& block) {
  return a.values.data() + a.offsets[static_cast<std::size_t>(block.begin)];
}

const libxsmm_gemm_descriptor* describe(libxsmm_descriptor_blob& blob, std::int32_t rows, std::size_t n,
                                        std::int32_t k, std::size_t stride) {
  const auto* made = libxsmm_sgemm_descriptor_init(&blob, rows, static_cast<libxsmm_blasint>(n), k, 0,
                                                   static_cast<libxsmm_blasint>(stride),
                                                   static_cast<libxsmm_blasint>(stride), 1.0f, 0.0f,
                                                   LIBXSMM_GEMM_FLAGS('N', 'N'), LIBXSMM_GEMM_PREFETCH_NONE);
  if (made == nullptr) throw std::runtime_error("libxsmm cannot describe this product");
  return made;
}

// The code of every block of rows, for one width of columns.
struct JitBlock {
  std::int32_t begin;
  const float* values;
  Code code;
};

std::vector<JitBlock> make_jit(const sparsemark_matrix& a, std::size_t vectors, std::size_t stride,
                               std::size_t width) {
  // An FMA or a broadcast has at most 11 bytes, and B's pointer moves at most twice a nonzero.
  const auto count = static_cast<std::int64_t>(vectors);
  std::vector<JitBlock> made;
  for (const RowBlock& block : blocks_of(a, 1500, 11 * count + 25, 17 * count + 21)) {
    if (block.offsets.back() == 0) continue;
    libxsmm_descriptor_blob blob;
    const auto* desc = describe(blob, block.end - block.begin, vectors, a.cols, stride);
    made.push_back({block.begin, values_of(a, block),
                    Code(libxsmm_create_xcsr_soa(desc, block.offsets.data(), indices_of(a, block),
                                                 values_of(a, block), static_cast<unsigned>(width)))});
  }
  return made;
}

std::function<void()> bind_jit(const sparsemark_matrix& a, const sparsemark_product& p,
                               sparsemark_message* message) {
  const int width = lanes();
  decline_unless(width >= 8, "only CPUs with AVX for this");
  check_code(a, p, width);
  struct Plan {
    std::size_t step;  // columns of a full chunk
    std::size_t fulls;
    std::vector<JitBlock> full;
    std::vector<JitBlock> rest;  // for the columns after the full chunks
    std::vector<std::int32_t> empty;
  };
  const auto lane_count = static_cast<std::size_t>(width);
  const std::size_t vectors = static_cast<std::size_t>(p.n) / lane_count;
  const auto threads = static_cast<std::size_t>(p.threads);
  const std::size_t most =
      std::min(width == 16 ? kJitVectors : kJitVectorsAvx2, (vectors + threads - 1) / threads);
  const std::size_t chunks = (vectors + most - 1) / most;
  const std::size_t chunk = (vectors + chunks - 1) / chunks;
  auto plan = std::make_shared<Plan>(
      Plan{chunk * lane_count, vectors / chunk, make_jit(a, chunk, vectors, lane_count), {}, empty_rows(a)});
  if (vectors % chunk != 0) plan->rest = make_jit(a, vectors % chunk, vectors, lane_count);
  say(message, std::to_string(plan->full.size()) + " blocks of rows, " + std::to_string(chunk) + " vectors");
  return [plan, n = static_cast<std::size_t>(p.n), threads, b = b_of(p), c = c_of(p)] {
    share_out(threads, [&](int part) {
      const std::size_t chunks_in_all = (n + plan->step - 1) / plan->step;
      const std::size_t first = chunks_in_all * static_cast<std::size_t>(part) / threads;
      const std::size_t last = chunks_in_all * static_cast<std::size_t>(part + 1) / threads;
      const auto call = [&](const JitBlock& block, std::size_t at) {
        const std::size_t col = at * plan->step;
        block.code.call.smm(block.values, b + col, c + static_cast<std::size_t>(block.begin) * n + col);
      };
      for (const JitBlock& block : plan->full) {
        for (std::size_t at = first; at < std::min(last, plan->fulls); ++at) call(block, at);
      }
      if (last > plan->fulls) {
        for (const JitBlock& block : plan->rest) call(block, plan->fulls);
      }
      if (first < last) zero(plan->empty, c, n, first * plan->step, std::min(n, last * plan->step));
    });
  };
}

// What fsspmdm makes, without its dense stand-in for blocks with more distinct values: here no block has
// more.
std::function<void()> bind_fsspmdm(const sparsemark_matrix& a, const sparsemark_product& p,
                                   sparsemark_message* message) {
  decline_unless(lanes() == 16, "only CPUs with AVX-512 for this");
  check_code(a, p, 16);
  struct Plan {
    std::vector<JitBlock> blocks;
    std::vector<std::int32_t> empty;
    Aligned<unsigned> permutations;
  };
  auto plan = std::make_shared<Plan>(Plan{{}, empty_rows(a), Aligned<unsigned>(16 * 16)});
  for (std::size_t i = 0; i < 16 * 16; ++i) plan->permutations[i] = static_cast<unsigned>(i / 16);
  for (const RowBlock& block : blocks_of(a, kMostDistinct, 33, 33)) {
    if (block.offsets.back() == 0) continue;
    libxsmm_descriptor_blob blob;
    const auto* desc = describe(blob, block.end - block.begin, 16, a.cols, static_cast<std::size_t>(p.n));
    libxsmm_xmmfunction made{};
    made.smm = libxsmm_create_scsr_reg(desc, block.offsets.data(), indices_of(a, block), values_of(a, block));
    plan->blocks.push_back({block.begin, nullptr, Code(made)});
  }
  say(message, std::to_string(plan->blocks.size()) + " blocks of rows");
  return [plan, n = static_cast<std::size_t>(p.n), threads = static_cast<std::size_t>(p.threads), b = b_of(p),
          c = c_of(p)] {
    share_out(threads, [&](int part) {
      const std::size_t first = n / 16 * static_cast<std::size_t>(part) / threads * 16;
      const std::size_t last = n / 16 * static_cast<std::size_t>(part + 1) / threads * 16;
      const auto* permutations = reinterpret_cast<const float*>(plan->permutations.data());
      for (const JitBlock& block : plan->blocks) {
        float* rows = c + static_cast<std::size_t>(block.begin) * n;
        for (std::size_t col = first; col < last; col += 16) {
          block.code.call.smm(permutations, b + col, rows + col);
        }
      }
      zero(plan->empty, c, n, first, last);
    });
  };
}

std::function<void()> bind_spmdm(const sparsemark_matrix& a, const sparsemark_product& p,
                                 sparsemark_message*) {
  check_sizes(a, p);
  struct Plan {
    libxsmm_spmdm_handle handle{};
    libxsmm_CSR_sparseslice* slices = nullptr;
    Plan() = default;
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    ~Plan() {
      if (handle.m > 0) libxsmm_spmdm_destroy(&handle);
    }
  };
  Aligned<float> dense(static_cast<std::size_t>(a.rows) * static_cast<std::size_t>(a.cols));
  decode_csr(a, dense.data());
  auto plan = std::make_shared<Plan>();
  libxsmm_spmdm_handle& handle = plan->handle;
  libxsmm_spmdm_init(a.rows, p.n, a.cols, p.threads, &handle, &plan->slices);
  if (handle.base_ptr_scratch_A == nullptr || handle.base_ptr_scratch_B_scratch_C == nullptr) {
    throw std::bad_alloc();
  }
  // The library does not look whether a slice is full: positions in it are 16-bit, and indices are written 32
  // at a time, over the first values where fewer are left.
  std::vector<std::int32_t> held(static_cast<std::size_t>(handle.mb) * static_cast<std::size_t>(handle.kb));
  for (std::int32_t i = 0; i < a.rows; ++i) {
    const auto row = static_cast<std::size_t>(i);
    for (std::int32_t q = a.offsets[row]; q < a.offsets[row + 1]; ++q) {
      const std::int32_t j = a.indices[static_cast<std::size_t>(q)];
      ++held[static_cast<std::size_t>(i / handle.bm * handle.kb + j / handle.bk)];
    }
  }
  const std::int32_t most = std::min(handle.bm * handle.bk - 32, std::int32_t{UINT16_MAX});
  decline_unless(*std::max_element(held.begin(), held.end()) <= most,
                 "no matrix that is full here and there");
  for (int i = 0; i < libxsmm_spmdm_get_num_createSparseSlice_blocks(&handle); ++i) {
    libxsmm_spmdm_createSparseSlice_fp32_thread(&handle, 'N', dense.data(), plan->slices, i, 0, 1);
  }
  return [plan, threads = p.threads, b = b_of(p), c = c_of(p)] {
    share_out(static_cast<std::size_t>(threads), [&](int part) {
      const float one = 1.0f;
      const float nothing = 0.0f;
      const int count = libxsmm_spmdm_get_num_compute_blocks(&plan->handle);
      const int last = count * (part + 1) / threads;
      for (int i = count * part / threads; i < last; ++i) {
        libxsmm_spmdm_compute_fp32_thread(&plan->handle, 'N', 'N', &one, plan->slices, b, 'N', &nothing, c, i,
                                          part, threads);
      }
    });
  };
}

// libxsmm is for small products and hands larger ones to another BLAS. Its matrices are column-major: C^T =
// B^T A^T.
std::function<void()> bind_dense(const sparsemark_matrix& a, const sparsemark_product& p,
                                 sparsemark_message*) {
  check_sizes(a, p);
  decline_unless(std::int64_t{a.rows} * p.n <= LIBXSMM_MAX_MNK / a.cols,
                 "no larger dense products by itself");
  const float one = 1.0f;
  const float nothing = 0.0f;
  const libxsmm_smmfunction call =
      libxsmm_smmdispatch(p.n, a.rows, a.cols, nullptr, nullptr, nullptr, &one, &nothing, nullptr, nullptr);
  if (call == nullptr) throw std::runtime_error("libxsmm cannot make code for this product");
  return [call, values = a.values.data(), b = b_of(p), c = c_of(p)] { call(b, values, c); };
}

}  // namespace

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message*) {
  libxsmm_init();
  Competitor library;
  library.name = "libxsmm";
  library.version = LIBXSMM_CONFIG_VERSION;
#if defined(_OPENMP)
  library.config = std::string("core ") + libxsmm_get_target_arch() + "; threads openmp; compiled in";
  library.set_threads = [](int) {};  // each call says how many
#else
  library.config = std::string("core ") + libxsmm_get_target_arch() + "; threads none; compiled in";
#endif
  library.formats = {kCsr, kDense};
  library.kernels = {{"csr-jit", "spmm", bind_jit},
                     {"fsspmdm", "spmm", bind_fsspmdm},
                     {"spmdm", "spmm", bind_spmdm},
                     {"dense", "spmm", bind_dense, 1, 1}};
  return publish(std::move(library));
}

#endif
