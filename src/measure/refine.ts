/** Two more densities inside each crossover's bracket, so that the crossover is interpolated over a short distance. */
import { geometricMean, median } from '../statistics.ts';
import type { BaselineHealth, Measured, Measurement, Workload } from '../terms.ts';
import { withDensity } from '../workload/suite.ts';

/** Patterns whose density is free; the others (N:M, triangular, files) have the density that they have. */
const freePatterns = new Set(['uniform', 'row-balanced', 'block', 'power-law', 'dlmc-like']);

/** Densities closer than this factor are not refined any more. */
const shortestBracket = 1.15;

/** Everything but density and seed: the workloads of one crossover curve. */
function curveOf(workload: Workload): string {
  const { m, k, n } = workload.shape;
  return `${workload.op}-${workload.dtype}-${m}x${k}x${n}-${workload.cache}/${workload.pattern.label}`;
}

/**
 * The extra workloads: for each curve whose best sparse case passes 1.0 between two measured neighbours, two densities
 * that cut the bracket into three equal parts on a logarithmic scale, for every mask seed of the curve.
 */
export function refinements(
  workloads: readonly Workload[],
  measurements: readonly Measurement[],
  health: readonly BaselineHealth[],
): readonly Workload[] {
  const unhealthy = new Set(
    health.filter((entry) => !entry.healthy).map((entry) => `${entry.library}-${entry.kernel}`),
  );
  const measured = measurements.filter((entry): entry is Measured => entry.status === 'measured');
  const timesOf = new Map<string, { dense: number; sparse: number }>();
  for (const entry of measured) {
    const times = timesOf.get(entry.workload) ?? {
      dense: Number.POSITIVE_INFINITY,
      sparse: Number.POSITIVE_INFINITY,
    };
    const timeNs = median([...entry.samplesNs]);
    if (!entry.dense) times.sparse = Math.min(times.sparse, timeNs);
    else if (!unhealthy.has(`${entry.library}-${entry.kernel}`)) times.dense = Math.min(times.dense, timeNs);
    timesOf.set(entry.workload, times);
  }
  const curves = groupBy(workloads, curveOf);
  const extra: Workload[] = [];
  for (const curve of curves.values()) {
    if (!freePatterns.has(curve[0]!.pattern.name)) continue;
    const byDensity = groupBy(curve, (workload) => workload.density);
    const points = [...byDensity.entries()]
      .sort(([one], [other]) => other - one)
      .map(([density, seeds]) => {
        const ratios = seeds.flatMap((workload) => {
          const times = timesOf.get(workload.id);
          const ratio = times === undefined ? Number.NaN : times.dense / times.sparse;
          return Number.isFinite(ratio) && ratio > 0 ? [ratio] : [];
        });
        return { density, seeds, speedup: ratios.length === 0 ? Number.NaN : geometricMean(ratios) };
      });
    for (let i = 1; i < points.length; i += 1) {
      const dense = points[i - 1]!;
      const sparse = points[i]!;
      if (!(dense.speedup < 1 && sparse.speedup >= 1)) continue;
      const step = (dense.density / sparse.density) ** (1 / 3);
      if (step ** 3 < shortestBracket) continue;
      for (const density of [sparse.density * step ** 2, sparse.density * step]) {
        extra.push(...sparse.seeds.map((workload) => withDensity(workload, density)));
      }
    }
  }
  return extra;
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
