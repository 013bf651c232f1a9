// HighLight (Wu et al., MICRO 2023): weights of hierarchical structured sparsity. A block of `innerBlock`
// weights has at most `innerKept` nonzeros, and of H neighbouring blocks at most `outerKept` have any, H
// between `outerLeast` and `outerMost`, one for the layer:
//   cycles = ceil(m n (terms of a sum that the pattern leaves) / MACs), of whole groups
//   innerKept / innerBlock outerKept / H of k
// All multipliers have the same work. Weights that fit no pattern are dense, at the dense array's speed.
// Zeros of the activations are gated. The statistical answer takes weights to have the sparsest pattern that
// holds their density; the count looks for the sparsest that the mask keeps to.
#include <algorithm>
#include <cmath>

#include "engine.h"

namespace sparsemark::accelerator {
namespace {

enum { kMacs, kInnerKept, kInnerBlock, kOuterKept, kOuterLeast, kOuterMost };

constexpr Parameter kParameters[] = {
    {"macs", "MACs", "multipliers of the device", 1, 16777216, true},
    {"innerKept", "weights", "nonzeros of a block", 1, 1024, true},
    {"innerBlock", "weights", "weights of a block", 1, 1024, true},
    {"outerKept", "blocks", "blocks of a group that may have nonzeros", 1, 1024, true},
    {"outerLeast", "blocks", "blocks of the smallest group", 1, 1024, true},
    {"outerMost", "blocks", "blocks of the largest group", 1, 1024, true},
};
constexpr const char* kTerms[] = {"denseCycles", "blocksAGroup", "termsASum", "speedup", "metadataBits"};
constexpr const char* kActions[] = {"mac", "gatedMac", "weightRead", "metadataBitRead", "activationRead"};
constexpr FormulaLine kFormula[] = {
    {"cycles", "", "ceil(m * n * groups * termsASum / macs)", ""},
    {"denseCycles", "", "ceil(m * n * k * groups / macs)", ""},
    {"blocksAGroup", "", "",
     "of outerLeast to outerMost that of the sparsest pattern which holds the density of the weights; 0 "
     "where none does"},
    {"termsASum", "blocksAGroup == 0", "k", ""},
    {"termsASum", "blocksAGroup > 0",
     "floor(k / (innerBlock * blocksAGroup)) * outerKept * innerKept + min(floor(k % (innerBlock * "
     "blocksAGroup) / innerBlock), outerKept) * innerKept + (floor(k % (innerBlock * blocksAGroup) / "
     "innerBlock) < outerKept) * min(k % innerBlock, innerKept)",
     "whole groups, and what the last one has"},
    {"speedup", "", "denseCycles / cycles", ""},
    {"metadataBits", "blocksAGroup == 0", "0", ""},
    {"metadataBits", "blocksAGroup > 0",
     "m * groups * termsASum * (ceil(log2(innerBlock)) + ceil(log2(blocksAGroup)) / innerKept)",
     "a place in its block for each weight, in its group for each block"},
};

// Terms of a sum over k that groups of `blocks` blocks leave; a group at the end has what there is.
std::int64_t kept_terms(const double* parameters, std::int64_t k, std::int64_t blocks) {
  const auto inner_kept = static_cast<std::int64_t>(parameters[kInnerKept]);
  const auto inner = static_cast<std::int64_t>(parameters[kInnerBlock]);
  const auto outer_kept = static_cast<std::int64_t>(parameters[kOuterKept]);
  const std::int64_t rest = k % (inner * blocks);
  const std::int64_t whole = std::min(rest / inner, outer_kept);
  const std::int64_t piece = whole < outer_kept ? std::min(rest % inner, inner_kept) : 0;
  return k / (inner * blocks) * outer_kept * inner_kept + whole * inner_kept + piece;
}

// The fewest terms of a sum among the patterns that `holds` accepts, and their blocks a group; 0 blocks:
// dense.
struct Choice {
  std::int64_t terms;
  std::int64_t blocks;
};
template <typename Holds>
Choice choose(const double* parameters, std::int64_t k, Holds holds) {
  Choice best{k, 0};
  const auto most = static_cast<std::int64_t>(parameters[kOuterMost]);
  for (auto blocks = static_cast<std::int64_t>(parameters[kOuterLeast]); blocks <= most; ++blocks) {
    const std::int64_t terms = kept_terms(parameters, k, blocks);
    if (terms < best.terms && holds(blocks)) best = {terms, blocks};
  }
  return best;
}

void set_cycles(const double* parameters, const Layer& layer, const Choice& made, Estimate& out) {
  const double groups = static_cast<double>(layer.groups);
  const double outputs = static_cast<double>(layer.m) * static_cast<double>(layer.n) * groups;
  const double slots = outputs * static_cast<double>(made.terms);
  out.dense_cycles = std::ceil(out.macs / parameters[kMacs]);
  out.cycles = std::ceil(slots / parameters[kMacs]);
  out.multipliers = parameters[kMacs];
  const double stored = static_cast<double>(layer.m) * groups * static_cast<double>(made.terms);
  // A place in its block for each weight, a place in its group for each block.
  const double bits = made.blocks == 0 ? 0.0
                                       : stored * std::ceil(std::log2(parameters[kInnerBlock])) +
                                             stored / parameters[kInnerKept] *
                                                 std::ceil(std::log2(static_cast<double>(made.blocks)));
  out.terms[0] = out.dense_cycles;
  out.terms[1] = static_cast<double>(made.blocks);
  out.terms[2] = static_cast<double>(made.terms);
  out.terms[3] = out.dense_cycles / out.cycles;
  out.terms[4] = bits;
  out.actions[0] = slots * layer.activations.density;
  out.actions[1] = slots - out.actions[0];
  out.actions[2] = stored;
  out.actions[3] = bits;
  out.actions[4] = static_cast<double>(layer.n) * static_cast<double>(layer.k) * groups;
}

Status estimate_hierarchy(const double* parameters, const Layer& layer, Estimate& out) noexcept {
  if (parameters[kInnerKept] > parameters[kInnerBlock] || parameters[kOuterKept] > parameters[kOuterLeast]) {
    out.reason = "a pattern that keeps more than there is";
    return Status::kUnsupported;
  }
  if (parameters[kOuterLeast] > parameters[kOuterMost]) {
    out.reason = "a smallest group that is larger than the largest";
    return Status::kUnsupported;
  }
  const double inner = parameters[kInnerKept] / parameters[kInnerBlock];
  const Choice made = choose(parameters, layer.k, [&](std::int64_t blocks) {
    // A density that is just the pattern's must not miss it by rounding.
    return layer.weights.density <=
           inner * parameters[kOuterKept] / static_cast<double>(blocks) * (1.0 + 1e-12);
  });
  set_cycles(parameters, layer, made, out);
  return Status::kOk;
}

Status count_hierarchy(const double* parameters, const Layer& layer, const Masks& masks, Estimate& out) {
  const auto inner_kept = static_cast<std::int64_t>(parameters[kInnerKept]);
  const auto inner = static_cast<std::int64_t>(parameters[kInnerBlock]);
  const auto outer_kept = static_cast<std::int64_t>(parameters[kOuterKept]);
  const auto expected = static_cast<std::int64_t>(out.terms[2]);
  const Choice made = choose(parameters, layer.k, [&](std::int64_t blocks) {
    for (std::int64_t row = 0; row < layer.m; ++row) {
      std::int64_t used = 0;
      for (std::int64_t begin = 0; begin < layer.k; begin += inner) {
        if (begin % (inner * blocks) == 0) used = 0;
        const std::int64_t nonzeros = masks.weights.count(row, begin, std::min(begin + inner, layer.k));
        used += nonzeros > 0 ? 1 : 0;
        if (nonzeros > inner_kept || used > outer_kept) return false;
      }
    }
    return true;
  });
  set_cycles(parameters, layer, made, out);
  if (made.terms > expected) out.reason = "weights have not the pattern that their density would fit";
  return Status::kOk;
}

}  // namespace

extern const Engine hierarchical_structure = {
    "hierarchical-structure",
    "skips zeros of weights, as far as patterns of blocks in groups go; gates those of activations",
    kParameters,
    6,
    kTerms,
    5,
    kActions,
    5,
    kFormula,
    estimate_hierarchy,
    count_hierarchy};

}  // namespace sparsemark::accelerator
