// Which way of fetching scattered floats this CPU is fast at.
#pragma once

namespace sparsemark {

// Whether gathers and expanding loads are microcode here, so that loads of single floats put together by
// inserts are faster. AMD's are: a Zen 5 gathers 2.9e9 floats a second from 8 KiB, and inserts 5.8e9. On
// Intel's Sapphire Rapids a gather fetches two floats a cycle, and inserts would wait for its one shuffle
// port. SPARSEMARK_GATHER=slow or fast imitates the other kind, for tests.
extern const bool slow_gathers;

}  // namespace sparsemark
