/**
 * A design space of one accelerator: every combination of values of its parameters, on some layers, and those that no
 * other beats in both time and cost (the Pareto front). In chunks, so that memory does not grow with the space.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type EngineClass, loadNative } from '../native.ts';
import type { Accelerator, EstimatedLayer } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';
import { engineOf, estimateFields, layerFields, writeLayer } from './estimate.ts';
import { status } from './layer-rows.ts';
import { addToFront, combination } from './pareto.ts';

/** The values that a parameter takes. */
export interface Axis {
  readonly name: string;
  readonly values: readonly number[];
}

/** One design of the space: values of the axes in their order, and all layers together. */
export interface DesignPoint {
  readonly values: readonly number[];
  readonly timeNs: number;
  /** Time of the baseline on the same layers without zeros, with the same values. */
  readonly denseTimeNs: number;
  /** Energy in the unit of the accelerator's table; null where it names none. */
  readonly energy: number | null;
  readonly multipliers: number;
}

export interface Exploration {
  /** Rising in time, falling in cost: energy, or the multipliers where no table prices the accelerator. */
  readonly front: readonly DesignPoint[];
  readonly cost: 'energy' | 'multipliers';
  readonly points: number;
  /** Points that the engine class does not run, with the reason of one of them. */
  readonly declined: number;
  readonly reason: string;
}

export interface ExploreOptions {
  readonly threads: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** The design space that is counted at the most. */
const mostPoints = 1e9;
/** Estimates of a chunk: 16 MB of rows. */
const chunkRows = 65_536;

/**
 * `pes=16..1024*2` (each twice the last), `fifoDepth=1..16` (steps of 1) or `1..16+5`, `runBits=2,4,8`. Throws
 * USAGE for what is none of these, for a name that the engine class has not, and for values out of its range.
 */
export function parseAxis(
  text: string,
  { name: className, parameters }: Pick<EngineClass, 'name' | 'parameters'>,
): Axis {
  const fail = (expected: string, received: string, advice: string): never => {
    throw new SparsemarkError('USAGE', `Expected ${expected} for --vary, received ${received}. ${advice}`);
  };
  const [, name = '', list = ''] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === '')
    fail('<parameter>=<values>', `"${text}"`, 'Write for example pes=16..1024*2, or pes=16,64,256.');
  const names = parameters.map((parameter) => parameter.name);
  const parameter = parameters.find((one) => one.name === name);
  if (parameter === undefined) {
    const near = nearestName(name, names);
    return fail(
      `a parameter of the engine class ${className}: ${names.join(', ')}`,
      `"${name}"`,
      `Did you mean "${near}"?`,
    );
  }
  const values = list.split(',').flatMap((part): readonly number[] => {
    const range = /^([\d.eE+-]+?)\.\.([\d.eE-]+?)(?:([*+])([\d.eE-]+))?$/.exec(part);
    if (range === null) return [Number(part)];
    const [from, to, step] = [Number(range[1]), Number(range[2]), Number(range[4] ?? 1)];
    const times = range[3] === '*';
    if (!(to >= from) || !(times ? step > 1 && from > 0 : step > 0) || (to - from) / step > 1e7)
      fail('a rising range', `"${part}"`, 'Write 1..16, 1..16+5 or 16..1024*2.');
    const found: number[] = [];
    // By its number and not by adding up, so that no rounding gathers.
    for (let i = 0; ; i += 1) {
      const value = times ? from * step ** i : from + step * i;
      if (value > to * (1 + 1e-12)) return found;
      found.push(value);
    }
  });
  for (const value of values) {
    const { least, most, whole, unit } = parameter;
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value)))
      fail(
        `${whole ? 'whole ' : ''}values of ${name} in ${least}..${most} (${unit})`,
        `"${list}"`,
        `${name}: ${parameter.meaning}.`,
      );
  }
  return { name, values: [...new Set(values)].sort((a, b) => a - b) };
}

/** Throws USAGE where two axes have one name. */
export function refuseTwice(axes: readonly Axis[]): void {
  const twice = axes.find(({ name }, at) => axes.findIndex((other) => other.name === name) !== at);
  if (twice !== undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected each parameter once for --vary, received ${twice.name} twice. Give all of its values at once, with commas.`,
    );
  }
}

/**
 * Explores the combinations of the axes; a parameter without an axis keeps the file's value. The first of equal points
 * stays, so the front depends on nothing but the space. Throws BAD_ACCELERATOR for a generic design, USAGE for a
 * space that is empty or too large, INTERRUPTED.
 */
export async function explore(
  accelerator: Accelerator,
  layers: readonly EstimatedLayer[],
  axes: readonly Axis[],
  { threads, signal, onProgress }: ExploreOptions,
): Promise<Exploration> {
  const { index, engine } = engineOf(accelerator);
  refuseTwice(axes);
  const points = axes.reduce((product, { values }) => product * values.length, 1);
  if (points * layers.length > mostPoints) {
    throw new SparsemarkError(
      'USAGE',
      `Expected at most ${mostPoints} estimates for a design space, received ${points} points of ${layers.length} layers. Take larger steps or fewer layers.`,
    );
  }
  const places = axes.map(({ name }) => engine.parameters.findIndex((parameter) => parameter.name === name));
  const width = engine.parameters.length;
  const chunk = Math.max(1, Math.floor(chunkRows / layers.length));
  const rows = new Float64Array(chunk * layers.length * layerFields);
  for (let at = 0; at < chunk * layers.length; at += 1) writeLayer(layers[at % layers.length]!, rows, at);
  const parameters = new Float64Array(chunk * layers.length * width);
  const estimates = new Float64Array(chunk * layers.length * estimateFields);
  const prices = engine.actions.map((action) =>
    (accelerator.energy?.priced ?? [])
      .filter((priced) => priced.action === action)
      .reduce((sum, { price }) => sum + price, 0),
  );
  const firstAction = estimateFields - 12;
  const cost = accelerator.energy === null ? 'multipliers' : 'energy';
  const costOf = (point: DesignPoint): number => (cost === 'energy' ? point.energy! : point.multipliers);
  const { native } = loadNative();
  const front: DesignPoint[] = [];
  let declined = 0;
  let reason = '';
  for (let begin = 0; begin < points; begin += chunk) {
    // A signal is heard only between two turns of the event loop.
    await nextTurn();
    if (signal?.aborted === true)
      throw new SparsemarkError('INTERRUPTED', 'The exploration was interrupted; nothing was written.');
    const count = Math.min(chunk, points - begin);
    for (let at = 0; at < count; at += 1) {
      const values = combination(axes, begin + at);
      for (let layer = 0; layer < layers.length; layer += 1) {
        const row = (at * layers.length + layer) * width;
        parameters.set(accelerator.parameters, row);
        for (let axis = 0; axis < places.length; axis += 1) parameters[row + places[axis]!] = values[axis]!;
      }
    }
    const used = count * layers.length;
    const said = native.estimateLayers(
      index,
      parameters.subarray(0, used * width),
      rows.subarray(0, used * layerFields),
      estimates.subarray(0, used * estimateFields),
      threads,
    );
    for (let at = 0; at < count; at += 1) {
      let [cycles, dense, energy, fine] = [0, 0, 0, true];
      const first = at * layers.length * estimateFields;
      for (let layer = 0; layer < layers.length; layer += 1) {
        const row = first + layer * estimateFields;
        fine &&= estimates[row] === status.ok;
        cycles += estimates[row + 1]!;
        dense += estimates[row + 2]!;
        for (let a = 0; a < prices.length; a += 1) energy += prices[a]! * estimates[row + firstAction + a]!;
      }
      if (!fine) {
        declined += 1;
        if (reason === '') reason = said;
        continue;
      }
      const nsACycle = 1000 / accelerator.clockMhz;
      const multipliers = estimates[first + 5]!;
      const point: DesignPoint = {
        values: [],
        timeNs: cycles * nsACycle,
        denseTimeNs: dense * nsACycle,
        energy: cost === 'energy' ? energy : null,
        multipliers,
      };
      const before = front.length;
      const last = front.at(-1);
      // Most points are beaten by the cheapest: no value list is made for them.
      if (before > 0 && last!.timeNs <= point.timeNs && costOf(last!) <= costOf(point)) continue;
      addToFront(front, { ...point, values: combination(axes, begin + at) }, costOf);
    }
    onProgress?.(begin + count, points);
  }
  return { front, cost, points, declined, reason };
}
