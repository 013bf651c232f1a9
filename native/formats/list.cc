#include "format.h"

namespace sparsemark {

namespace formats {
#define SPARSEMARK_FORMAT(symbol) extern const Format symbol;
#include "formats.inc"
#undef SPARSEMARK_FORMAT
}  // namespace formats

const Format* const kFormats[] = {
#define SPARSEMARK_FORMAT(symbol) &formats::symbol,
#include "formats.inc"
#undef SPARSEMARK_FORMAT
};
const int kFormatCount = static_cast<int>(sizeof(kFormats) / sizeof(kFormats[0]));

}  // namespace sparsemark
