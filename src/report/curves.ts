/** Curves of speed-up against density and where they cross 1: for each kernel, and for the best of all. */
import { type Crossover, type CrossoverPoint, crossover, seededRandom, seedOf } from '../statistics.ts';
import type { Derived, Group, Setting } from './derive.ts';

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
}

/**
 * All curves of the sparse kernels, by setting in the order of the file; each setting's best of all comes first.
 * `resamples` is the number of bootstrap resamples of each crossover.
 */
export function curvesOf(derived: Derived, resamples = 1000): Curve[] {
  const settings = new Map<string, Group[]>();
  for (const group of derived.groups) {
    if (group.dense || group.speedup === null) continue;
    const known = settings.get(group.setting.id);
    if (known === undefined) settings.set(group.setting.id, [group]);
    else known.push(group);
  }
  return [...settings.values()].flatMap((groups) => {
    const kernels = [...new Set(groups.map((group) => group.kernel))];
    const own = kernels.flatMap((kernel) =>
      curveOf(
        resamples,
        kernel,
        groups.filter((group) => group.kernel === kernel),
      ),
    );
    return [...curveOf(resamples, bestOfAll, envelope(groups)), ...own];
  });
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

function curveOf(resamples: number, kernel: string, groups: readonly Group[]): Curve[] {
  const points = [...groups].sort((a, b) => a.density - b.density);
  const { setting } = points[0]!;
  const random = seededRandom(seedOf(`${setting.id} ${kernel}`));
  const found = crossover(points.map(pointOf), { resamples, random });
  return found === null ? [] : [{ setting, kernel, points, crossover: found }];
}

function pointOf(group: Group): CrossoverPoint {
  return {
    density: group.density,
    seeds: group.cells.map((cell) => ({ logSpeedup: cell.logSpeedup!, replicates: cell.logReplicates })),
  };
}
