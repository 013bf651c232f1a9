// librsb (librsb.sourceforge.net), opened at run time: recursive sparse blocks, fitted to the operands by its
// own rsb_tune_spmm, as its documentation advises. That is part of prepare, so its time is reported: some 0.1
// ms for 64 x 64, where it made the product eight times faster, and 140 ms for 512 x 2048 x 128, where it won
// 5 %.
#include <algorithm>
#include <chrono>
#include <fstream>
#include <iterator>

#include "backend.h"
#include "librsb_api.h"

namespace {

using namespace sparsemark::backends;
namespace rsb = sparsemark::backends::librsb;

// The functions needed; found once.
struct Api {
  rsb::LibInit* lib_init = nullptr;
  rsb::LibSetOpt* set_opt = nullptr;
  rsb::AllocFromCsr* alloc_from_csr = nullptr;
  rsb::Clone* clone = nullptr;
  rsb::Free* free = nullptr;
  rsb::GetInfo* get_info = nullptr;
  rsb::AddToDense* add_to_dense = nullptr;
  rsb::TuneSpmm* tune_spmm = nullptr;
  rsb::Spmm* spmm = nullptr;
  rsb::Spmv* spmv = nullptr;
};
Api api;

bool find_api(void* handle) {
  bool all = true;
  const auto seek = [&](auto*& function, const char* symbol) {
    function = find<std::remove_reference_t<decltype(*function)>>(handle, symbol);
    all = all && function != nullptr;
  };
  seek(api.lib_init, "rsb_lib_init");
  seek(api.set_opt, "rsb_lib_set_opt");
  seek(api.alloc_from_csr, "rsb_mtx_alloc_from_csr_const");
  seek(api.clone, "rsb_mtx_clone");
  seek(api.free, "rsb_mtx_free");
  seek(api.get_info, "rsb_mtx_get_info");
  seek(api.add_to_dense, "rsb_mtx_add_to_dense");
  seek(api.tune_spmm, "rsb_tune_spmm");
  seek(api.spmm, "rsb_spmm");
  seek(api.spmv, "rsb_spmv");
  return all;
}

constexpr float kOne = 1.0f;
constexpr float kZero = 0.0f;

void must(int error, const char* what) {
  if (error == rsb::kOutOfMemory) throw std::bad_alloc();
  if (error != 0)
    throw std::runtime_error(std::string("librsb cannot ") + what + " (error " + std::to_string(error) + ")");
}

std::shared_ptr<rsb_mtx_t> owned(rsb_mtx_t* matrix) {
  return {matrix, [](rsb_mtx_t* gone) { api.free(gone); }};
}

const rsb_mtx_t* blocks_of(const sparsemark_matrix& matrix) {
  return static_cast<const rsb_mtx_t*>(matrix.own.get());
}

sparsemark::Footprint encode_rsb(const sparsemark_csr& csr, sparsemark_matrix& matrix) {
  if (csr.nnz == 0) return {};
  int error = 0;
  rsb_mtx_t* made =
      api.alloc_from_csr(csr.values, csr.row_offsets, csr.col_indices, csr.nnz, rsb::kFloat, csr.rows,
                         csr.cols, rsb::kBlocking, rsb::kBlocking, rsb::kNoFlags, &error);
  must(error, "hold this matrix");
  if (made == nullptr) throw std::bad_alloc();
  matrix.own = owned(made);
  std::size_t index_bytes = 0;
  must(api.get_info(made, rsb::kIndexBytes, &index_bytes), "tell its size");
  return {csr.nnz * std::int64_t{sizeof(float)}, static_cast<std::int64_t>(index_bytes), 0};
}

void decode_rsb(const sparsemark_matrix& matrix, float* dense) {
  must(api.add_to_dense(&kOne, blocks_of(matrix), matrix.cols, matrix.rows, matrix.cols, rsb::kTrue, dense),
       "decode this matrix");
}

int multiply(const rsb_mtx_t* a, std::int32_t n, const float* b, float* c) {
  if (n == 1) return api.spmv(rsb::kPlain, &kOne, a, b, 1, &kZero, c, 1);
  return api.spmm(rsb::kPlain, &kOne, a, n, rsb::kRowMajor, b, n, &kZero, c, n);
}

// Rounds and seconds a round that the tuner may take; it stops where another round wins nothing. Half a
// second chose the same blocks.
constexpr int kTuningRounds = 3;
constexpr double kTuningSeconds = 0.1;

// The tuner judges by few evaluations and on a busy machine chose blocks that were 20 % slower than those it
// began with, so the two are compared once more.
constexpr int kComparisons = 5;

double seconds_of(const rsb_mtx_t* a, std::int32_t n, const float* b, float* c) {
  const auto start = std::chrono::steady_clock::now();
  must(multiply(a, n, b, c), "compute this product");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::function<void()> bind(const sparsemark_matrix& a, const sparsemark_product& p,
                           sparsemark_message* message) {
  const std::int32_t n = p.n;
  const float* b = b_of(p);
  float* c = c_of(p);
  rsb_mtx_t* made = nullptr;
  must(api.clone(&made, rsb::kFloat, rsb::kPlain, nullptr, blocks_of(a), rsb::kNoFlags), "copy this matrix");
  const int error = api.tune_spmm(&made, nullptr, nullptr, kTuningRounds, kTuningSeconds, rsb::kPlain, &kOne,
                                  nullptr, n, rsb::kRowMajor, b, n, &kZero, c, n);
  std::shared_ptr<const rsb_mtx_t> blocks = owned(made);
  must(error, "tune this product");

  double before = seconds_of(blocks_of(a), n, b, c);
  double after = seconds_of(blocks.get(), n, b, c);
  for (int i = 1; i < kComparisons; ++i) {
    before = std::min(before, seconds_of(blocks_of(a), n, b, c));
    after = std::min(after, seconds_of(blocks.get(), n, b, c));
  }
  const bool tuned = after < before;
  if (!tuned) blocks = std::shared_ptr<const rsb_mtx_t>(a.own, blocks_of(a));
  int leaves = 0;
  must(api.get_info(blocks.get(), rsb::kLeaves, &leaves), "tell its blocks");
  say(message, std::to_string(leaves) + " blocks, " + (tuned ? "tuned" : "as assembled"));
  return [blocks, n, b, c] { multiply(blocks.get(), n, b, c); };
}

// "1.3.0.2" of the words "librsb version 1.3.0.2 - ..." in the file: no function tells it.
std::string version_in(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const std::string words = "librsb version ";
  const std::size_t begin = bytes.find(words);
  if (begin == std::string::npos) return "unknown";
  const std::size_t at = begin + words.size();
  return bytes.substr(at, bytes.find_first_not_of("0123456789.", at) - at);
}

void set_threads(int threads) { api.set_opt(rsb::kExecutingThreads, &threads); }

}  // namespace

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message* message) {
  calm_openmp();
  void* handle = open_first("librsb", {"librsb.so.0", "librsb.so", "librsb.dylib"},
                            "Debian: apt-get install librsb0", message);
  if (handle == nullptr) return nullptr;
  static const bool ready = find_api(handle) && api.lib_init(nullptr) == 0;
  if (!ready) {
    say(message,
        "Expected the functions of librsb 1.2 or newer for librsb, received a library without them. Debian: "
        "apt-get install librsb0");
    return nullptr;
  }

  Competitor library;
  library.name = "librsb";
  library.config = "core compiler's choice; threads openmp; file " + file_of(api.spmm);
  library.version = version_in(file_of(api.spmm));
  library.set_threads = set_threads;
  library.formats = {{"rsb", encode_rsb, decode_rsb}};
  library.kernels = {{"rsb", "spmm", bind}, {"rsb", "spmv", bind}};
  return publish(std::move(library));
}
