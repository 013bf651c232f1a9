// A design wholly described by its file: levels of storage, an array, what each level keeps, in which format,
// and what it gates or skips; and the mapping of a layer onto it. Rows of numbers carry both over the
// boundary.
#pragma once

#include <cstdint>

#include "layer.h"

namespace sparsemark::accelerator {

inline constexpr int kMostLevels = 6;

// Data spaces of Z[m x n] = W[m x k] A[k x n], and its dimensions.
enum DataSpace : std::int8_t { kWeights = 0, kInputs = 1, kOutputs = 2 };
inline constexpr int kDataSpaces = 3;
enum Dimension : std::int8_t { kM = 0, kN = 1, kK = 2 };
inline constexpr int kDimensions = 3;

// Whether a data space depends on a dimension.
inline bool relevant(int space, int dimension) {
  return space == kWeights ? dimension != kN : space == kInputs ? dimension != kM : dimension != kK;
}

enum class RankFormat : std::int8_t {
  kUncompressed = 0,
  kBitmask = 1,     // a bit a point, values of nonzeros alone
  kCoordinate = 2,  // metadata_bits a nonzero
  kRunLength = 3,   // metadata_bits an entry, runs that are too long padded with zeros
};

enum class Action : std::int8_t { kNone = 0, kGating = 1, kSkipping = 2 };

// How nonzeros lie: P(a tile is empty) depends on it.
enum class Distribution : std::int8_t { kUniform = 0, kHypergeometric = 1, kFixedStructured = 2 };

// How a level holds and serves a data space.
struct Residence {
  double value_bits = 8.0;
  RankFormat format = RankFormat::kUncompressed;
  double metadata_bits = 0.0;
  double pointer_bits = 0.0;  // above 0: rows are found by offsets (UOP)
  // What a read does where the tiles of all data spaces in `condition` (a bit each) have a nonzero or not.
  Action action = Action::kNone;
  int condition = 0;
};

struct Level {
  double capacity_bits = 0.0;  // of an instance; 0: no limit
  // Bits a cycle of an instance; 0: no limit.
  double read_bandwidth = 0.0;
  double write_bandwidth = 0.0;
  double shared_bandwidth = 0.0;
  int keeps = 0;  // a bit each data space
  // Array between an instance of this level and those below, and the dimensions that may be spread over it.
  std::int64_t mesh_x = 1;
  std::int64_t mesh_y = 1;
  int spatial_dimensions = 7;
  Residence spaces[kDataSpaces];
};

struct Design {
  int level_count = 0;
  Level levels[kMostLevels];  // outermost first; multipliers below the last
  Action compute = Action::kNone;
  Distribution distributions[2] = {Distribution::kUniform, Distribution::kUniform};
};

// Loops of one level: temporal ones over the tiles that it serves, then spatial ones over the instances
// below.
struct LevelLoops {
  std::int64_t temporal[kDimensions] = {1, 1, 1};
  std::int8_t order[kDimensions] = {kM, kN, kK};  // outermost first
  std::int64_t spatial[kDimensions] = {1, 1, 1};
};

struct LoopNest {
  LevelLoops levels[kMostLevels];
};

// Rows: level count, compute action, distributions of weights and inputs; then a level: capacity, read, write
// and shared bandwidth, keeps, mesh x and y, spatial dimensions, and a data space: value bits, format,
// metadata bits, pointer bits, action, condition.
inline constexpr int kDesignHead = 4;
inline constexpr int kLevelFields = 8 + 6 * kDataSpaces;
inline constexpr int kDesignFields = kDesignHead + kMostLevels * kLevelFields;
// A level: three temporal factors, the order of their dimensions, three spatial factors.
inline constexpr int kLoopFields = 9;
inline constexpr int kMappingFields = kMostLevels * kLoopFields;

// False where a number is none of those that the row may hold.
bool read_design(const double* row, Design& design);
bool read_mapping(const double* row, int level_count, LoopNest& nest);
void write_mapping(const LoopNest& nest, double* row);

}  // namespace sparsemark::accelerator
