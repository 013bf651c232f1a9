// SuiteSparse:GraphBLAS 7 (graphblas.org), opened at run time: C += A B over its semiring (+, x) of float,
// with A in its rows of 64-bit indices and B and C the harness's own arrays, packed as full matrices. This
// way it works in place; without the accumulation it would make a C of its own on every call. C is therefore
// cleared first, inside the clock.
#include "backend.h"
#include "graphblas_api.h"

namespace {

using namespace sparsemark::backends;
namespace grb = sparsemark::backends::graphblas;

// The functions and constants needed; found once.
struct Api {
  grb::Init* init = nullptr;
  grb::SetOption* set_option = nullptr;
  grb::GetOption* get_option = nullptr;
  grb::MatrixNew* matrix_new = nullptr;
  grb::MatrixFree* matrix_free = nullptr;
  grb::MatrixWait* matrix_wait = nullptr;
  grb::VectorNew* vector_new = nullptr;
  grb::VectorFree* vector_free = nullptr;
  grb::PackCsr* pack_csr = nullptr;
  grb::PackFullRows* pack_rows = nullptr;
  grb::UnpackFullRows* unpack_rows = nullptr;
  grb::PackFull* pack_vector = nullptr;
  grb::UnpackFull* unpack_vector = nullptr;
  grb::ExtractTuples* extract_tuples = nullptr;
  grb::Mxm* mxm = nullptr;
  grb::Mxv* mxv = nullptr;
  grb::Type* fp32 = nullptr;
  grb::BinaryOp* plus = nullptr;
  grb::Semiring* plus_times = nullptr;
};
Api api;

bool find_api(void* handle) {
  bool all = true;
  const auto seek = [&](auto*& found, const char* symbol) {
    found = reinterpret_cast<std::remove_reference_t<decltype(found)>>(dlsym(handle, symbol));
    all = all && found != nullptr;
  };
  seek(api.init, "GrB_init");
  seek(api.set_option, "GxB_Global_Option_set_INT32");
  seek(api.get_option, "GxB_Global_Option_get_INT32");
  seek(api.matrix_new, "GrB_Matrix_new");
  seek(api.matrix_free, "GrB_Matrix_free");
  seek(api.matrix_wait, "GrB_Matrix_wait");
  seek(api.vector_new, "GrB_Vector_new");
  seek(api.vector_free, "GrB_Vector_free");
  seek(api.pack_csr, "GxB_Matrix_pack_CSR");
  seek(api.pack_rows, "GxB_Matrix_pack_FullR");
  seek(api.unpack_rows, "GxB_Matrix_unpack_FullR");
  seek(api.pack_vector, "GxB_Vector_pack_Full");
  seek(api.unpack_vector, "GxB_Vector_unpack_Full");
  seek(api.extract_tuples, "GrB_Matrix_extractTuples_FP32");
  seek(api.mxm, "GrB_mxm");
  seek(api.mxv, "GrB_mxv");
  seek(api.fp32, "GrB_FP32");
  seek(api.plus, "GrB_PLUS_FP32");
  seek(api.plus_times, "GrB_PLUS_TIMES_SEMIRING_FP32");
  return all;
}

void must(int info, const char* what) {
  if (info == grb::kOutOfMemory) throw std::bad_alloc();
  if (info != grb::kSuccess) {
    throw std::runtime_error(std::string("GraphBLAS cannot ") + what + " (info " + std::to_string(info) +
                             ")");
  }
}

grb::Index index_of(std::size_t size) { return static_cast<grb::Index>(size); }

grb::Matrix matrix_of(const sparsemark_matrix& matrix) { return static_cast<grb::Matrix>(matrix.own.get()); }

grb::Matrix new_matrix(std::int32_t rows, std::int32_t cols) {
  grb::Matrix made = nullptr;
  must(api.matrix_new(&made, *api.fp32, static_cast<grb::Index>(rows), static_cast<grb::Index>(cols)),
       "make a matrix");
  return made;
}

// Memory that GraphBLAS takes over, and frees with free.
template <typename T>
std::unique_ptr<T, void (*)(void*)> allocated(std::size_t size) {
  std::unique_ptr<T, void (*)(void*)> memory(static_cast<T*>(std::malloc(size * sizeof(T))), std::free);
  if (!memory) throw std::bad_alloc();
  return memory;
}

// Rows as the library holds them, which is by row with 64-bit indices.
sparsemark::Footprint encode_rows(const sparsemark_csr& csr, sparsemark_matrix& matrix) {
  if (csr.nnz == 0) return {};
  const auto rows = static_cast<std::size_t>(csr.rows);
  const auto nnz = static_cast<std::size_t>(csr.nnz);
  auto offsets = allocated<grb::Index>(rows + 1);
  auto indices = allocated<grb::Index>(nnz);
  auto values = allocated<float>(nnz);
  for (std::size_t i = 0; i <= rows; ++i) offsets.get()[i] = static_cast<grb::Index>(csr.row_offsets[i]);
  for (std::size_t p = 0; p < nnz; ++p) indices.get()[p] = static_cast<grb::Index>(csr.col_indices[p]);
  std::memcpy(values.get(), csr.values, nnz * sizeof(float));

  const grb::Matrix made = new_matrix(csr.rows, csr.cols);
  matrix.own = {static_cast<void*>(made), [](void* gone) {
                  auto* old = static_cast<grb::Matrix>(gone);
                  api.matrix_free(&old);
                }};
  grb::Index* ap = offsets.get();
  grb::Index* aj = indices.get();
  void* ax = values.get();
  const grb::Index word = sizeof(grb::Index);
  must(api.pack_csr(made, &ap, &aj, &ax, index_of(rows + 1) * word, index_of(nnz) * word,
                    index_of(nnz) * sizeof(float), false, false, nullptr),
       "hold this matrix");
  offsets.release();
  indices.release();
  values.release();
  return {static_cast<std::int64_t>(nnz * sizeof(float)),
          static_cast<std::int64_t>((rows + 1 + nnz) * sizeof(grb::Index)), 0};
}

void decode_rows(const sparsemark_matrix& matrix, float* dense) {
  grb::Index count = static_cast<grb::Index>(matrix.nnz);
  std::vector<grb::Index> rows(count);
  std::vector<grb::Index> cols(count);
  std::vector<float> values(count);
  must(api.extract_tuples(rows.data(), cols.data(), values.data(), &count, matrix_of(matrix)),
       "decode this matrix");
  for (std::size_t p = 0; p < count; ++p) {
    dense[rows[p] * static_cast<grb::Index>(matrix.cols) + cols[p]] = values[p];
  }
}

// An array of the harness's as a full matrix or vector; given back before GraphBLAS could free it.
class FullMatrix {
 public:
  FullMatrix(std::int32_t rows, std::int32_t cols, float* data) : made_(new_matrix(rows, cols)) {
    void* packed = data;
    const auto size = static_cast<grb::Index>(rows) * static_cast<grb::Index>(cols);
    must(api.pack_rows(made_, &packed, size * sizeof(float), false, nullptr), "take B and C as they lie");
  }
  FullMatrix(const FullMatrix&) = delete;
  FullMatrix& operator=(const FullMatrix&) = delete;
  ~FullMatrix() {
    void* data = nullptr;
    grb::Index bytes = 0;
    bool same = false;
    api.unpack_rows(made_, &data, &bytes, &same, nullptr);
    api.matrix_free(&made_);
  }
  grb::Matrix get() const { return made_; }

 private:
  grb::Matrix made_;
};

class FullVector {
 public:
  FullVector(std::int32_t size, float* data) {
    must(api.vector_new(&made_, *api.fp32, static_cast<grb::Index>(size)), "make a vector");
    void* packed = data;
    must(api.pack_vector(made_, &packed, static_cast<grb::Index>(size) * sizeof(float), false, nullptr),
         "take x and y as they lie");
  }
  FullVector(const FullVector&) = delete;
  FullVector& operator=(const FullVector&) = delete;
  ~FullVector() {
    void* data = nullptr;
    grb::Index bytes = 0;
    bool same = false;
    api.unpack_vector(made_, &data, &bytes, &same, nullptr);
    api.vector_free(&made_);
  }
  grb::Vector get() const { return made_; }

 private:
  grb::Vector made_ = nullptr;
};

// GraphBLAS reads B only; its interface has no const.
float* unlocked_b(const sparsemark_product& p) { return const_cast<float*>(b_of(p)); }

std::function<void()> bind_mxm(const sparsemark_matrix& a, const sparsemark_product& p) {
  auto b = std::make_shared<FullMatrix>(a.cols, p.n, unlocked_b(p));
  auto c = std::make_shared<FullMatrix>(a.rows, p.n, c_of(p));
  const std::size_t bytes = static_cast<std::size_t>(a.rows) * static_cast<std::size_t>(p.n) * sizeof(float);
  return [matrix = matrix_of(a), b, c, data = c_of(p), bytes] {
    std::memset(data, 0, bytes);
    api.mxm(c->get(), nullptr, *api.plus, *api.plus_times, matrix, b->get(), nullptr);
    api.matrix_wait(c->get(), grb::kComplete);
  };
}

// 1.4 times as fast as the same with matrices of one column.
std::function<void()> bind_mxv(const sparsemark_matrix& a, const sparsemark_product& p) {
  auto x = std::make_shared<FullVector>(a.cols, unlocked_b(p));
  auto y = std::make_shared<FullVector>(a.rows, c_of(p));
  const std::size_t bytes = static_cast<std::size_t>(a.rows) * sizeof(float);
  return [matrix = matrix_of(a), x, y, data = c_of(p), bytes] {
    std::memset(data, 0, bytes);
    api.mxv(y->get(), nullptr, *api.plus, *api.plus_times, matrix, x->get(), nullptr);
  };
}

std::function<void()> bind(const sparsemark_matrix& a, const sparsemark_product& p, sparsemark_message*) {
  return p.n == 1 ? bind_mxv(a, p) : bind_mxm(a, p);
}

void set_threads(int threads) { api.set_option(grb::kThreads, threads); }

}  // namespace

extern "C" SPARSEMARK_EXPORT const sparsemark_library* sparsemark_describe(std::uint32_t,
                                                                           sparsemark_message* message) {
  calm_openmp();
  // Version 8 and later are refused: the numbers of their options differ.
  void* handle = open_first("graphblas", {"libgraphblas.so.7", "libgraphblas.7.dylib"},
                            "Debian: apt-get install libgraphblas7", message);
  if (handle == nullptr) return nullptr;
  static const bool ready = find_api(handle) && api.init(grb::kNonblocking) == grb::kSuccess;
  if (!ready) {
    say(message,
        "Expected the functions of SuiteSparse:GraphBLAS 7 for graphblas, received a library without them. "
        "Debian: apt-get install libgraphblas7");
    return nullptr;
  }
  std::int32_t version[3] = {};
  api.get_option(grb::kVersion, version);

  Competitor library;
  library.name = "graphblas";
  library.version =
      std::to_string(version[0]) + "." + std::to_string(version[1]) + "." + std::to_string(version[2]);
  library.config = "core compiler's choice; threads openmp; file " + file_of(api.mxm);
  library.set_threads = set_threads;
  library.formats = {{"csr64", encode_rows, decode_rows}};
  library.kernels = {{"csr64", "spmm", bind}, {"csr64", "spmv", bind}};
  return publish(std::move(library));
}
