/** The words of tuning: plans that a kernel was found to be faster with than with its own. */
import type { CacheState, Dtype, OpName } from '../terms.ts';

/** Something that can be chosen of a plan, and the values that it can have. */
export interface Knob {
  readonly name: string;
  readonly values: readonly string[];
}

/** What a plan was tuned for: one kernel, in one build of its library, on one workload but for the places of its nonzeros. */
export interface TunedFor {
  readonly library: string;
  /** Hex SHA-256 of the library: another build may understand the same words otherwise. */
  readonly librarySha256: string;
  readonly op: OpName;
  readonly dtype: Dtype;
  readonly kernel: string;
  readonly isa: string;
  readonly threads: number;
  readonly cache: CacheState;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly density: number;
}

/** A plan that was faster than the library's own. */
export interface TunedPlan extends TunedFor {
  /** As `native/sparsemark.h` has it: `columns=128 vectors=4`. */
  readonly plan: string;
  /** Time with the library's own plan over that with this one, medians of one series of rounds, and its 95 % interval. */
  readonly speedup: number;
  readonly interval: readonly [low: number, high: number];
  /** ISO 8601, UTC. */
  readonly tunedAt: string;
}
