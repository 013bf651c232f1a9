/** Who runs what: a list of workloads split over machines, the same way by everyone who asks. */
import { median, seedOf } from '../statistics.ts';
import type { Workload } from '../terms.ts';

/** Part `index` (from 1) of `count`. */
export interface ShardName {
  readonly index: number;
  readonly count: number;
}

/**
 * FLOP that a workload is charged on top of its own: its cases are sampled for a while however small they are. Some 50
 * samples of half a millisecond at 40 GFLOP/s.
 */
const fixedFlops = 1e9;

/**
 * Estimated costs of workloads, in no unit in particular: the seconds that an earlier run spent on each (`seconds`, by
 * id) where known. Others count by the FLOP of their dense product, at the rate of the known ones.
 */
export function costsOf(
  workloads: readonly Workload[],
  seconds: ReadonlyMap<string, number> = new Map(),
): readonly number[] {
  const flops = ({ shape: { m, k, n } }: Workload): number => 2 * m * k * n + fixedFlops;
  const known = workloads.flatMap((workload) => {
    const spent = seconds.get(workload.id);
    return spent === undefined ? [] : [spent / flops(workload)];
  });
  const secondsPerFlop = known.length === 0 ? 1 : median(known);
  return workloads.map((workload) => seconds.get(workload.id) ?? flops(workload) * secondsPerFlop);
}

/**
 * The workloads of one shard, in the order of the list. Longest processing time first (Graham 1969): the costliest
 * workload not yet placed goes to the least loaded shard, so that no shard is longer than 4/3 of the best split.
 * Whole workloads only: a sparse case and its dense baseline are never on two machines. Workloads of equal cost go in an
 * order drawn from their ids, so that neighbours in the list, which fail together, do not stay together.
 */
export function shardOf(
  workloads: readonly Workload[],
  costs: readonly number[],
  { index, count }: ShardName,
): readonly Workload[] {
  const order = workloads
    .map(({ id }, place) => ({ id, place, cost: costs[place]!, tie: seedOf(id) }))
    .sort((a, b) => b.cost - a.cost || a.tie - b.tie || (a.id < b.id ? -1 : 1));
  const loads = new Array<number>(count).fill(0);
  const own = new Set<number>();
  for (const { place, cost } of order) {
    const shard = loads.indexOf(Math.min(...loads));
    loads[shard]! += cost;
    if (shard === index - 1) own.add(place);
  }
  return workloads.filter((_, place) => own.has(place));
}
