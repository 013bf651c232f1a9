#include "generic.h"

#include "batch.h"

namespace sparsemark::accelerator {
namespace {

constexpr FormulaLine kFormula[] = {
    {"cycles", "", "max(computeCycles, levelCycles)", "levels work at once"},
    {"computeCycles", "", "",
     "steps of the loop nest of the mapping, padded to its factors, times the share that is not skipped"},
    {"levelCycles", "", "",
     "values and metadata that its ports read and write over their bandwidth and instances; the traffic is "
     "of "
     "the mapping, less what is skipped; 0 without a bandwidth"},
};

void raise_to(double& value, double other) { value = other > value ? other : value; }

void write_row(const Design& design, const GenericEstimate& made, double* row) {
  for (int level = 0; level < design.level_count; ++level) {
    *row++ = made.level_cycles[level];
    *row++ = made.moved_bits[level];
    *row++ = made.sparse.held_bits[level];
    for (int space = 0; space < kDataSpaces; ++space) {
      const Flow& flow = made.dense.flows[level][space];
      for (const std::int64_t values : {flow.fills, flow.serves, flow.drains, flow.updates, flow.clears}) {
        *row++ = static_cast<double>(values);
      }
      const SparseFlow& sparse = made.sparse.flows[level][space];
      for (const double values :
           {sparse.reads, sparse.gated_reads, sparse.writes, sparse.gated_writes, sparse.metadata_read_bits,
            sparse.metadata_write_bits, sparse.gated_metadata_bits, sparse.skipped_metadata_bits}) {
        *row++ = values;
      }
    }
  }
}

}  // namespace

extern const Formula generic_formula = kFormula;

Status evaluate(const Design& design, const LoopNest& nest, const Layer& layer,
                GenericEstimate& out) noexcept {
  out = GenericEstimate();
  out.reason = fault_of(layer);
  if (out.reason != nullptr) return Status::kUnsupported;
  Counter counter;
  const std::int64_t macs =
      counter.times(counter.times(layer.m, layer.n), counter.times(layer.k, layer.groups));
  if (counter.overflow()) return Status::kOverflow;
  const Status status = dense_traffic(design, nest, layer, out.dense, out.reason);
  if (status != Status::kOk) return status;
  DenseTraffic& dense = out.dense;
  const int levels = design.level_count;
  const std::int64_t slots = counter.times(counter.times(dense.steps, dense.instances[levels]), layer.groups);
  // Groups one after the other.
  for (int level = 0; level < levels; ++level) {
    for (Flow& flow : dense.flows[level]) {
      for (std::int64_t* values : {&flow.fills, &flow.serves, &flow.drains, &flow.updates, &flow.clears}) {
        *values = counter.times(*values, layer.groups);
      }
    }
  }
  if (counter.overflow()) return Status::kOverflow;
  out.sparse = sparse_traffic(design, layer, dense);
  out.macs = static_cast<double>(macs);
  out.effectual_macs = out.macs * layer.weights.density * layer.activations.density;
  const double all = static_cast<double>(slots);
  out.done = all * out.sparse.done;
  out.gated = all * (out.sparse.slots - out.sparse.done);
  out.skipped = all * (1.0 - out.sparse.slots);
  out.multipliers = 1.0;
  out.compute_cycles =
      static_cast<double>(dense.steps) * static_cast<double>(layer.groups) * out.sparse.slots;
  out.cycles = out.compute_cycles;
  for (int i = 0; i < levels; ++i) {
    const Level& level = design.levels[i];
    out.multipliers *= static_cast<double>(level.mesh_x) * static_cast<double>(level.mesh_y);
    if (level.capacity_bits > 0.0 && out.sparse.held_bits[i] > level.capacity_bits) {
      out.level = i;
      out.reason = "a tile larger than the level that holds it";
      return Status::kUnsupported;
    }
    double reads = 0.0;
    double writes = 0.0;
    for (int space = 0; space < kDataSpaces; ++space) {
      const SparseFlow& flow = out.sparse.flows[i][space];
      const double bits = level.spaces[space].value_bits;
      reads += (flow.reads + flow.gated_reads) * bits + flow.metadata_read_bits;
      writes += (flow.writes + flow.gated_writes) * bits + flow.metadata_write_bits;
      out.moved_bits[i] +=
          (flow.reads + flow.writes) * bits + flow.metadata_read_bits + flow.metadata_write_bits;
    }
    const double instances = static_cast<double>(dense.instances[i]);
    double& cycles = out.level_cycles[i];
    if (level.read_bandwidth > 0.0) raise_to(cycles, reads / (level.read_bandwidth * instances));
    if (level.write_bandwidth > 0.0) raise_to(cycles, writes / (level.write_bandwidth * instances));
    if (level.shared_bandwidth > 0.0) {
      raise_to(cycles, (reads + writes) / (level.shared_bandwidth * instances));
    }
    raise_to(out.cycles, cycles);
  }
  return Status::kOk;
}

Design dense_of(const Design& design) {
  Design dense = design;
  dense.compute = Action::kNone;
  for (Level& level : dense.levels) {
    for (Residence& space : level.spaces) {
      space.format = RankFormat::kUncompressed;
      space.action = Action::kNone;
    }
  }
  return dense;
}

const char* estimate_generic(const double* design_row, const double* layers, std::int64_t count,
                             double* mappings, double* estimates, std::int64_t most, bool baseline) noexcept {
  Design design;
  if (!read_design(design_row, design)) return "a design that is none";
  const Design dense = dense_of(design);
  const char* first = nullptr;
  Search found;
  for (std::int64_t i = 0; i < count; ++i) {
    double* const row = estimates + i * kGenericFields;
    double* const mapping = mappings + i * kMappingFields;
    Layer layer;
    Status status = Status::kUnsupported;
    found = Search();
    GenericEstimate& made = found.estimate;
    const bool given = mapping[0] > 0.0;
    if (!read_layer(layers + i * kLayerFields, layer)) {
      made.reason = "a size that is no whole number from 1 to 2^53";
    } else if (given && !read_mapping(mapping, design.level_count, found.nest)) {
      made.reason = "a mapping that is none";
    } else {
      status =
          given ? evaluate(design, found.nest, layer, made) : search(design, layer, most, nullptr, found);
    }
    if (status == Status::kOk) {
      if (!given) write_mapping(found.nest, mapping);
      write_row(design, made, row + kGenericHead);
      if (baseline) {
        Layer full = layer;
        full.weights = Density();
        full.activations = Density();
        Search best;
        status = search(dense, full, most, &found.nest, best);
        made.reason = status == Status::kOk ? nullptr : best.estimate.reason;
        row[2] = best.estimate.cycles;
      }
    }
    row[0] = static_cast<double>(status);
    row[1] = made.cycles;
    row[3] = made.macs;
    row[4] = made.effectual_macs;
    row[5] = made.multipliers;
    row[6] = made.compute_cycles;
    row[7] = made.done;
    row[8] = made.gated;
    row[9] = made.skipped;
    row[10] = static_cast<double>(found.evaluations);
    row[11] = found.complete ? 1.0 : 0.0;
    row[12] = static_cast<double>(made.level);
    if (first == nullptr && status != Status::kOk) first = made.reason == nullptr ? "" : made.reason;
  }
  return first;
}

}  // namespace sparsemark::accelerator
