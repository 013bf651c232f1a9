/** Two more densities inside each crossover's bracket, so that the crossover is interpolated over a short distance. */
import { geometricMean, median } from '../statistics.ts';
import type { BaselineHealth, Measurement, Workload } from '../terms.ts';
import { withDensity } from '../workload/suite.ts';

/** Patterns whose density is free; the others (N:M, triangular, files) have the density that they have. */
const freePatterns = new Set(['uniform', 'row-balanced', 'bank-balanced', 'block', 'power-law', 'dlmc-like']);

/** Densities closer than this factor are not refined any more. */
const shortestBracket = 1.15;

/** Everything but density and seed: the workloads of one crossover curve. */
function curveOf(workload: Workload): string {
  const { m, k, n } = workload.shape;
  return `${workload.op}-${workload.dtype}-${m}x${k}x${n}-${workload.cache}/${workload.pattern.label}`;
}

/** Best times of one workload on one number of threads. */
interface Best {
  readonly dense: number;
  readonly sparse: number;
}

/**
 * The extra workloads: for each curve whose best sparse case passes 1.0 between two measured neighbours, two densities
 * that cut the bracket into three equal parts on a logarithmic scale, for every mask seed of the curve. Each number of
 * threads has a crossover of its own; a workload runs on all of them, so a bracket that any of them has is cut once.
 */
export function refinements(
  workloads: readonly Workload[],
  measurements: readonly Measurement[],
  health: readonly BaselineHealth[],
): readonly Workload[] {
  const times = bestTimes(measurements, health);
  const extra: Workload[] = [];
  for (const curve of groupBy(workloads, curveOf).values()) {
    if (!freePatterns.has(curve[0]!.pattern.name)) continue;
    const points = [...groupBy(curve, (workload) => workload.density).entries()]
      .sort(([one], [other]) => other - one)
      .map(([density, seeds]) => ({ density, seeds }));
    const speedups = [...times.values()].map((best) => points.map(({ seeds }) => speedupOf(seeds, best)));
    for (let i = 1; i < points.length; i += 1) {
      const dense = points[i - 1]!;
      const sparse = points[i]!;
      if (!speedups.some((speedup) => speedup[i - 1]! < 1 && speedup[i]! >= 1)) continue;
      const step = (dense.density / sparse.density) ** (1 / 3);
      if (step ** 3 < shortestBracket) continue;
      for (const density of [sparse.density * step ** 2, sparse.density * step]) {
        extra.push(...sparse.seeds.map((workload) => withDensity(workload, density)));
      }
    }
  }
  return extra;
}

/** Best dense and sparse times, by number of threads and there by workload. */
function bestTimes(
  measurements: readonly Measurement[],
  health: readonly BaselineHealth[],
): ReadonlyMap<number, ReadonlyMap<string, Best>> {
  const keyOf = (kernel: Pick<BaselineHealth, 'library' | 'kernel' | 'isa'>): string =>
    `${kernel.library}-${kernel.kernel}-${kernel.isa}`;
  const unhealthy = new Set(health.filter((entry) => !entry.healthy).map(keyOf));
  const times = new Map<number, Map<string, Best>>();
  for (const entry of measurements) {
    if (entry.status !== 'measured' || (entry.dense && unhealthy.has(keyOf(entry)))) continue;
    const ofThreads = times.get(entry.threads) ?? new Map<string, Best>();
    times.set(entry.threads, ofThreads);
    const { dense, sparse } = ofThreads.get(entry.workload) ?? {
      dense: Number.POSITIVE_INFINITY,
      sparse: Number.POSITIVE_INFINITY,
    };
    const timeNs = median([...entry.samplesNs]);
    ofThreads.set(
      entry.workload,
      entry.dense ? { dense: Math.min(dense, timeNs), sparse } : { dense, sparse: Math.min(sparse, timeNs) },
    );
  }
  return times;
}

/** Geometric mean of the best speed-ups over the mask seeds; NaN where none was measured. */
function speedupOf(seeds: readonly Workload[], times: ReadonlyMap<string, Best>): number {
  const ratios = seeds.flatMap(({ id }) => {
    const best = times.get(id);
    const ratio = best === undefined ? Number.NaN : best.dense / best.sparse;
    return Number.isFinite(ratio) && ratio > 0 ? [ratio] : [];
  });
  return ratios.length === 0 ? Number.NaN : geometricMean(ratios);
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
