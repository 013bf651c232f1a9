#include "generic_design.h"

#include <cmath>

namespace sparsemark::accelerator {
namespace {

constexpr double kMostFactor = 9007199254740992.0;  // 2^53

// A whole number in least..most, or -1.
std::int64_t whole(double value, double least, double most) {
  if (!(value >= least && value <= most) || value != std::floor(value)) return -1;
  return static_cast<std::int64_t>(value);
}

bool not_negative(double value) { return value >= 0.0 && value < 1e18; }

bool read_residence(const double* row, Residence& space) {
  const std::int64_t format = whole(row[1], 0, 3);
  const std::int64_t action = whole(row[4], 0, 2);
  const std::int64_t condition = whole(row[5], 0, 7);
  if (!(row[0] >= 1.0 && row[0] <= 1024.0) || !not_negative(row[2]) || !not_negative(row[3])) return false;
  if (format < 0 || action < 0 || condition < 0) return false;
  space.value_bits = row[0];
  space.format = static_cast<RankFormat>(format);
  space.metadata_bits = row[2];
  space.pointer_bits = row[3];
  space.action = static_cast<Action>(action);
  space.condition = static_cast<int>(condition);
  return true;
}

bool read_level(const double* row, Level& level) {
  for (int i = 0; i < 4; ++i) {
    if (!not_negative(row[i])) return false;
  }
  const std::int64_t keeps = whole(row[4], 0, 7);
  const std::int64_t dimensions = whole(row[7], 0, 7);
  level.mesh_x = whole(row[5], 1, 1048576.0);
  level.mesh_y = whole(row[6], 1, 1048576.0);
  if (keeps < 0 || dimensions < 0 || level.mesh_x < 1 || level.mesh_y < 1) return false;
  level.capacity_bits = row[0];
  level.read_bandwidth = row[1];
  level.write_bandwidth = row[2];
  level.shared_bandwidth = row[3];
  level.keeps = static_cast<int>(keeps);
  level.spatial_dimensions = static_cast<int>(dimensions);
  for (int s = 0; s < kDataSpaces; ++s) {
    if (!read_residence(row + 8 + 6 * s, level.spaces[s])) return false;
  }
  return true;
}

}  // namespace

bool read_design(const double* row, Design& design) {
  const std::int64_t levels = whole(row[0], 1, kMostLevels);
  const std::int64_t compute = whole(row[1], 0, 2);
  const std::int64_t weights = whole(row[2], 0, 2);
  const std::int64_t inputs = whole(row[3], 0, 2);
  if (levels < 1 || compute < 0 || weights < 0 || inputs < 0) return false;
  design.level_count = static_cast<int>(levels);
  design.compute = static_cast<Action>(compute);
  design.distributions[0] = static_cast<Distribution>(weights);
  design.distributions[1] = static_cast<Distribution>(inputs);
  for (int l = 0; l < design.level_count; ++l) {
    if (!read_level(row + kDesignHead + l * kLevelFields, design.levels[l])) return false;
  }
  // What nothing keeps could come from nowhere.
  return design.levels[0].keeps == 7;
}

bool read_mapping(const double* row, int level_count, LoopNest& nest) {
  for (int l = 0; l < level_count; ++l, row += kLoopFields) {
    int seen = 0;
    for (int d = 0; d < kDimensions; ++d) {
      const std::int64_t temporal = whole(row[d], 1, kMostFactor);
      const std::int64_t dimension = whole(row[3 + d], 0, 2);
      const std::int64_t spatial = whole(row[6 + d], 1, 1048576.0);
      if (temporal < 1 || dimension < 0 || spatial < 1) return false;
      nest.levels[l].temporal[d] = temporal;
      nest.levels[l].order[d] = static_cast<std::int8_t>(dimension);
      nest.levels[l].spatial[d] = spatial;
      seen |= 1 << dimension;
    }
    if (seen != 7) return false;
  }
  return true;
}

void write_mapping(const LoopNest& nest, double* row) {
  for (const LevelLoops& loops : nest.levels) {
    for (int d = 0; d < kDimensions; ++d) {
      row[d] = static_cast<double>(loops.temporal[d]);
      row[3 + d] = static_cast<double>(loops.order[d]);
      row[6 + d] = static_cast<double>(loops.spatial[d]);
    }
    row += kLoopFields;
  }
}

}  // namespace sparsemark::accelerator
