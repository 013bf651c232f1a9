// What of the dense traffic is left when zeros are not stored, gated or skipped: expected values and
// metadata, as Sparseloop has it (Wu et al., MICRO 2022). A read of a tile on condition of another data space
// does not happen where that one's tile is empty; gating saves its energy, skipping its time too.
#pragma once

#include "generic_nest.h"

namespace sparsemark::accelerator {

// Expected values of one data space that pass a level, and bits of metadata. Gated ones take their slot.
struct SparseFlow {
  double reads = 0.0;
  double gated_reads = 0.0;
  double writes = 0.0;
  double gated_writes = 0.0;
  double metadata_read_bits = 0.0;  // gated reads' included
  double metadata_write_bits = 0.0;
  // Of those read, what gated reads take; and beside them what is read to find the reads that are skipped,
  // which costs energy and, as Sparseloop has it, no time of a port.
  double gated_metadata_bits = 0.0;
  double skipped_metadata_bits = 0.0;
};

struct SparseTraffic {
  SparseFlow flows[kMostLevels][kDataSpaces];
  double held_bits[kMostLevels] = {};  // tiles of an instance, expected
  // Shares of all multiplications that take a slot, and of those that are done.
  double slots = 1.0;
  double done = 1.0;
};

// The share of values that are stored, paddings included, and metadata bits a point of a tile.
struct Compression {
  double values = 1.0;
  double metadata_bits = 0.0;
};
Compression compression_of(const Residence& space, double density, double rows, double row_points);

SparseTraffic sparse_traffic(const Design& design, const Layer& layer, const DenseTraffic& dense) noexcept;

}  // namespace sparsemark::accelerator
