// dense of bf16: bytes = rows x cols values of 2 bytes, row-major. Units are rows.
#include "bf16.h"
#include "two_bytes.h"

namespace sparsemark::formats {

extern const Format dense_bf16 = {"dense", encode_dense_of<Bf16>, decode_dense_of<Bf16>, "bf16"};

}  // namespace sparsemark::formats
