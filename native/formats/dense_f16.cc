// dense of f16: bytes = rows x cols values of 2 bytes, row-major. Units are rows.
#include "f16.h"
#include "two_bytes.h"

namespace sparsemark::formats {

extern const Format dense_f16 = {"dense", encode_dense_of<F16>, decode_dense_of<F16>, "f16"};

}  // namespace sparsemark::formats
