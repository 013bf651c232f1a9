/** Curves of speed-up against density and where they cross 1: for each kernel, and for the best of all. */
import { type Crossover, type CrossoverPoint, crossover, seededRandom, seedOf } from '../statistics.ts';
import { type Derived, type Group, groupOf, type Setting } from './derive.ts';

/** Name of the curve that follows the fastest sparse kernel of each density. */
export const bestOfAll = 'best of all';

/** One kernel in one setting over all densities measured. */
export interface Curve {
  readonly setting: Setting;
  /** Kernel, or `best of all`. */
  readonly kernel: string;
  /** By density, ascending. Each group has a speed-up. */
  readonly points: readonly Group[];
  readonly crossover: Crossover;
  /** Shapes that it is the geometric mean of; `setting` is then the first one's. 1 for the curve of one setting. */
  readonly shapes: number;
}

/** From how many shapes on a picture of all of them together is drawn. */
const poolFrom = 4;

/**
 * All curves of the sparse kernels, by setting in the order of the file; each setting's best of all comes first.
 * `resamples` is the number of bootstrap resamples of each crossover.
 */
export function curvesOf(derived: Derived, resamples = 1000): Curve[] {
  return [...gathered(sparseGroups(derived), (group) => group.setting.id).values()].flatMap((groups) =>
    curvesOfGroups(resamples, groups, 1),
  );
}

/**
 * Curves over all shapes of one op, cache state, pattern and thread count, for those with four shapes or more. A
 * point is the geometric mean over the shapes; a kernel or a density that lacks one of the shapes is left out.
 */
export function pooledCurvesOf(derived: Derived, resamples = 1000): Curve[] {
  const families = gathered(sparseGroups(derived), ({ setting: { op, dtype, cache, label, threads } }) =>
    [op, dtype, cache, label, threads].join(' '),
  );
  return [...families].flatMap(([family, groups]) => {
    const shapes = new Set(groups.map((group) => group.setting.id)).size;
    if (shapes < poolFrom) return [];
    const byPoint = gathered(groups, (group) => `${family} ${group.density} ${group.kernel}`);
    const complete = [...byPoint].filter(([, own]) => own.length === shapes);
    const pooled = complete.map(([key, own]) =>
      groupOf(
        key,
        own.flatMap((group) => group.cells),
      ),
    );
    return pooled.length === 0 ? [] : curvesOfGroups(resamples, pooled, shapes);
  });
}

function sparseGroups(derived: Derived): Group[] {
  return derived.groups.filter((group) => !group.dense && group.speedup !== null);
}

function gathered(groups: readonly Group[], keyOf: (group: Group) => string): Map<string, Group[]> {
  const gatherings = new Map<string, Group[]>();
  for (const group of groups) {
    const known = gatherings.get(keyOf(group));
    if (known === undefined) gatherings.set(keyOf(group), [group]);
    else known.push(group);
  }
  return gatherings;
}

function curvesOfGroups(resamples: number, groups: readonly Group[], shapes: number): Curve[] {
  const byKernel = gathered(groups, (group) => group.kernel);
  const own = [...byKernel].flatMap(([kernel, points]) => curveOf(resamples, kernel, points, shapes));
  return [...curveOf(resamples, bestOfAll, envelope(groups), shapes), ...own];
}

/** The fastest group of each density. */
function envelope(groups: readonly Group[]): Group[] {
  const best = new Map<number, Group>();
  for (const group of groups) {
    const known = best.get(group.density);
    if (known === undefined || group.speedup! > known.speedup!) best.set(group.density, group);
  }
  return [...best.values()];
}

function curveOf(resamples: number, kernel: string, groups: readonly Group[], shapes: number): Curve[] {
  const points = [...groups].sort((a, b) => a.density - b.density);
  const { setting } = points[0]!;
  const random = seededRandom(seedOf(`${setting.id} ${kernel}`));
  const found = crossover(points.map(pointOf), { resamples, random });
  return found === null ? [] : [{ setting, kernel, points, crossover: found, shapes }];
}

function pointOf(group: Group): CrossoverPoint {
  return {
    density: group.density,
    seeds: group.cells.map((cell) => ({ logSpeedup: cell.logSpeedup!, replicates: cell.logReplicates })),
  };
}
