// csr of f16: offsets and indices as in csr; bytes = nnz values of 2 bytes. Units are rows; work = offsets.
#include "f16.h"
#include "two_bytes.h"

namespace sparsemark::formats {

extern const Format csr_f16 = {"csr", encode_csr_of<F16>, decode_csr_of<F16>, "f16"};

}  // namespace sparsemark::formats
