/** Whole networks: model quality against the time of its layers, for workloads that carry a quality. */
import { createHash } from 'node:crypto';
import type { CacheState, Result } from '../terms.ts';
import { bestOfAll } from './curves.ts';
import type { Cell, Derived } from './derive.ts';

/** How much of a network was measured, see `Network.extent`. */
export type Extent = 'network' | 'suite' | 'part';

/** Layers of the models of which the number is known: ResNet-50 has 53 convolutions and one dense layer. */
const layersOfModel: Readonly<Record<string, number>> = { rn50: 54 };

/** One pruned network: every layer's time times how often the layer occurs. */
export interface Network {
  readonly model: string;
  readonly metric: string;
  readonly quality: number;
  /** How it was pruned: the pattern's label. */
  readonly label: string;
  readonly density: number;
  /** The cache state of its layers; `mixed` where it differs from layer to layer (cold for n <= 32). */
  readonly cache: CacheState | 'mixed';
  /** The n of all layers where the model was measured at several; null where each layer has its own. */
  readonly n: number | null;
  readonly threads: number;
  /** Kernel of all layers, or `best of all`: per layer the fastest, dense included. */
  readonly kernel: string;
  readonly layers: number;
  /** Short hash of the layers' names: only networks of the same layers may be compared. */
  readonly layerSet: string;
  /** Whether it has every layer that the run measured of this model, method and n: the time of others says nothing. */
  readonly complete: boolean;
  /**
   * What the layers are: `network` all of the model, `suite` all that the suite names (a model whose number of layers
   * is not known here), `part` those that a stopped, filtered or partial run happened to measure.
   */
  readonly extent: Extent;
  readonly timeNs: number;
  /** The same layers by the fastest healthy dense case of each; null where a layer has none. */
  readonly denseNs: number | null;
}

/**
 * Networks of a Result: the workloads of one model, quality, pattern label, density and thread count. Convolutions
 * have an n of their own, so n separates networks only where a layer was measured at several; the cache state
 * likewise. Workloads of one layer that differ in their seed are averaged. A kernel that lacks a layer gives no network.
 */
export function networksOf(derived: Derived): Network[] {
  const cells = derived.cells.filter((cell) => cell.workload.quality !== null);
  const sizes = valuesByLayer(cells, (cell) => cell.workload.shape.n);
  const states = valuesByLayer(cells, (cell) => cell.workload.cache);
  const networks = new Map<string, { n: number | null; cells: Cell[] }>();
  for (const cell of cells) {
    const { quality, pattern, density, cache, shape } = cell.workload;
    const n = sizes.get(layerKey(cell))!.size > 1 ? shape.n : null;
    const state = states.get(layerKey(cell))!.size > 1 ? cache : null;
    const { threads } = cell.measured;
    const key = JSON.stringify([quality!.model, quality!.value, pattern.label, density, threads, n, state]);
    const known = networks.get(key);
    if (known === undefined) networks.set(key, { n, cells: [cell] });
    else known.cells.push(cell);
  }
  const all = [...networks.values()].flatMap(({ n, cells: own }) => networksOfLayers(own, n));
  const named = new Map<string, Set<string>>();
  for (const { quality, pattern, shape, layer } of derived.result.workloads) {
    if (quality === null) continue;
    const several = (sizes.get(JSON.stringify([quality.model, layer]))?.size ?? 0) > 1;
    const key = methodKey(quality.model, pattern.label, several ? shape.n : null);
    named.set(key, (named.get(key) ?? new Set<string>()).add(layer));
  }
  return all.map(({ layerNames, ...network }) => ({
    ...network,
    layerSet: createHash('sha256').update(JSON.stringify(layerNames)).digest('hex').slice(0, 12),
    complete: network.layers === named.get(methodKey(network.model, network.label, network.n))!.size,
    extent: extentOf(derived.result, network.model, network.layers),
  }));
}

/** What the levels of one pruning method have in common. */
function methodKey(model: string, label: string, n: number | null): string {
  return JSON.stringify([model, label, n]);
}

function extentOf({ header, end }: Result, model: string, layers: number): Extent {
  if (end?.complete !== true || header.protocol.filter !== null) return 'part';
  const whole = layersOfModel[model];
  if (whole === undefined) return 'suite';
  return layers === whole ? 'network' : 'part';
}

function layerKey({ workload }: Cell): string {
  return JSON.stringify([workload.quality!.model, workload.layer]);
}

function valuesByLayer<Value>(cells: readonly Cell[], of: (cell: Cell) => Value): Map<string, Set<Value>> {
  const values = new Map<string, Set<Value>>();
  for (const cell of cells) {
    const key = layerKey(cell);
    values.set(key, (values.get(key) ?? new Set<Value>()).add(of(cell)));
  }
  return values;
}

type Layers = Omit<Network, 'complete' | 'extent' | 'layerSet'> & { readonly layerNames: readonly string[] };

function networksOfLayers(cells: readonly Cell[], n: number | null): Layers[] {
  const [first] = cells as readonly [Cell, ...Cell[]];
  const { quality, pattern, density } = first.workload;
  const byLayer = new Map<string, Cell[]>();
  for (const cell of cells) {
    const known = byLayer.get(cell.workload.layer);
    if (known === undefined) byLayer.set(cell.workload.layer, [cell]);
    else known.push(cell);
  }
  const layers = [...byLayer.values()];
  const sumOf = (timesNs: (layer: readonly Cell[]) => readonly number[]): number | null => {
    let sum = 0;
    for (const layer of layers) {
      const times = timesNs(layer);
      if (times.length === 0) return null;
      sum += (times.reduce((total, time) => total + time, 0) / times.length) * layer[0]!.workload.count;
    }
    return sum;
  };
  const states = new Set(cells.map((cell) => cell.workload.cache));
  const common = {
    model: quality!.model,
    metric: quality!.metric,
    quality: quality!.value,
    label: pattern.label,
    density,
    cache: states.size > 1 ? ('mixed' as const) : first.workload.cache,
    n,
    threads: first.measured.threads,
    layers: layers.length,
    layerNames: [...byLayer.keys()].sort(),
    denseNs: sumOf((layer) => baselineTimes(layer)),
  };
  const best = sumOf((layer) => fastestTimes(layer));
  const kernels = [...new Set(cells.filter((cell) => !cell.measured.dense).map((cell) => cell.kernel))];
  const own = kernels.flatMap((kernel) => {
    const timeNs = sumOf((layer) =>
      layer.filter((cell) => cell.kernel === kernel).map((cell) => cell.medianNs),
    );
    return timeNs === null ? [] : [{ ...common, kernel, timeNs }];
  });
  return best === null ? own : [{ ...common, kernel: bestOfAll, timeNs: best }, ...own];
}

/** Time of the baseline of each workload of a layer; empty unless all have one. */
function baselineTimes(layer: readonly Cell[]): number[] {
  const times = new Map(layer.map((cell) => [cell.workload.id, cell.baseline?.medianNs]));
  const known = [...times.values()].filter((time) => time !== undefined);
  return known.length === times.size ? known : [];
}

/** Fastest time of each workload of a layer: of its sparse cases and its baseline. */
function fastestTimes(layer: readonly Cell[]): number[] {
  const fastest = new Map<string, number>();
  for (const cell of layer) {
    const { id } = cell.workload;
    const own = cell.measured.dense ? Number.POSITIVE_INFINITY : cell.medianNs;
    const time = Math.min(own, cell.baseline?.medianNs ?? Number.POSITIVE_INFINITY, fastest.get(id) ?? own);
    fastest.set(id, time);
  }
  return [...fastest.values()].filter(Number.isFinite);
}

/**
 * The complete networks that may be compared: one model, metric, n, cache state, thread count and set of layers a
 * family.
 */
export function familiesOf(networks: readonly Network[]): Map<string, Network[]> {
  const families = new Map<string, Network[]>();
  for (const network of networks.filter(({ complete }) => complete)) {
    const { model, metric, n, cache, threads, layerSet } = network;
    const key = JSON.stringify([model, metric, n, cache, threads, layerSet]);
    const known = families.get(key);
    if (known === undefined) families.set(key, [network]);
    else known.push(network);
  }
  return families;
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
