/** Whole networks: model quality against the time of all layers, for workloads that carry a quality. */
import type { CacheState } from '../terms.ts';
import { bestOfAll } from './curves.ts';
import type { Cell, Derived } from './derive.ts';

/** One pruned network: every layer's time times how often the layer occurs. */
export interface Network {
  readonly model: string;
  readonly metric: string;
  readonly quality: number;
  /** How it was pruned: the pattern's label. */
  readonly label: string;
  readonly density: number;
  readonly cache: CacheState;
  readonly threads: number;
  /** Kernel of all layers, or `best of all`: per layer the fastest, dense included. */
  readonly kernel: string;
  readonly layers: number;
  readonly timeNs: number;
  /** The same layers by the fastest healthy dense case of each; null where a layer has none. */
  readonly denseNs: number | null;
}

/**
 * Networks of a Result: workloads of one model, pattern label, density, quality, cache state, seed, and for models that
 * run at several sizes of n also n. A kernel that lacks a layer gives no network. Convolutions differ in n from
 * layer to layer within one network, so n only separates networks in which every layer occurs at several n.
 */
export function networksOf(derived: Derived): Network[] {
  const cells = derived.cells.filter((cell) => cell.workload.quality !== null);
  const sizes = sizesByLayer(cells);
  const networks = new Map<string, Cell[]>();
  for (const cell of cells) {
    const { quality, pattern, density, cache, seed, layer, shape } = cell.workload;
    const several = sizes.get(`${quality!.model} ${layer}`)!.size > 1;
    const parts = [
      quality!.model,
      pattern.label,
      density,
      quality!.value,
      cache,
      seed,
      cell.measured.threads,
    ];
    const key = JSON.stringify(several ? [...parts, shape.n] : parts);
    const known = networks.get(key);
    if (known === undefined) networks.set(key, [cell]);
    else known.push(cell);
  }
  return [...networks.values()].flatMap(networksOfLayers);
}

function sizesByLayer(cells: readonly Cell[]): Map<string, Set<number>> {
  const sizes = new Map<string, Set<number>>();
  for (const { workload } of cells) {
    const key = `${workload.quality!.model} ${workload.layer}`;
    sizes.set(key, (sizes.get(key) ?? new Set()).add(workload.shape.n));
  }
  return sizes;
}

function networksOfLayers(cells: readonly Cell[]): Network[] {
  const [first] = cells as readonly [Cell, ...Cell[]];
  const { quality, pattern, density, cache } = first.workload;
  const byLayer = new Map<string, Cell[]>();
  for (const cell of cells) byLayer.set(cell.workload.id, [...(byLayer.get(cell.workload.id) ?? []), cell]);
  const layers = [...byLayer.values()];
  const sumOf = (timeNs: (layer: readonly Cell[]) => number | null): number | null => {
    let sum = 0;
    for (const layer of layers) {
      const own = timeNs(layer);
      if (own === null) return null;
      sum += own * layer[0]!.workload.count;
    }
    return sum;
  };
  const denseNs = sumOf((layer) => layer[0]!.baseline?.medianNs ?? null);
  const common = {
    model: quality!.model,
    metric: quality!.metric,
    quality: quality!.value,
    label: pattern.label,
    density,
    cache,
    threads: first.measured.threads,
    layers: layers.length,
    denseNs,
  };
  const healthyNs = (layer: readonly Cell[]) => {
    const times = layer.filter((cell) => !cell.measured.dense).map((cell) => cell.medianNs);
    const dense = layer[0]!.baseline?.medianNs;
    if (dense !== undefined) times.push(dense);
    return times.length === 0 ? null : Math.min(...times);
  };
  const best = sumOf(healthyNs);
  const kernels = [...new Set(cells.filter((cell) => !cell.measured.dense).map((cell) => cell.kernel))];
  const own = kernels.flatMap((kernel) => {
    const timeNs = sumOf((layer) => layer.find((cell) => cell.kernel === kernel)?.medianNs ?? null);
    return timeNs === null ? [] : [{ ...common, kernel, timeNs }];
  });
  return best === null ? own : [{ ...common, kernel: bestOfAll, timeNs: best }, ...own];
}

/**
 * The points that no other one beats in both: lower cost and higher benefit. Ascending by cost. Of equal points the
 * first stays.
 */
export function paretoFront<Point>(
  points: readonly Point[],
  cost: (point: Point) => number,
  benefit: (point: Point) => number,
): Point[] {
  const ordered = [...points].sort((a, b) => cost(a) - cost(b) || benefit(b) - benefit(a));
  const front: Point[] = [];
  let best = Number.NEGATIVE_INFINITY;
  for (const point of ordered) {
    if (benefit(point) <= best) continue;
    best = benefit(point);
    front.push(point);
  }
  return front;
}
