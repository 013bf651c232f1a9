// csr of bf16: offsets and indices as in csr; bytes = nnz values of 2 bytes. Units are rows; work = offsets.
#include "bf16.h"
#include "two_bytes.h"

namespace sparsemark::formats {

extern const Format csr_bf16 = {"csr", encode_csr_of<Bf16>, decode_csr_of<Bf16>, "bf16"};

}  // namespace sparsemark::formats
