/** Design spaces of the generic engine: any number of an accelerator's file, named by its path. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { type EngineClass, loadNative } from '../native.ts';
import type { EstimatedLayer } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';
import { type AcceleratorFile, parseAccelerator } from './accelerator.ts';
import { estimate } from './estimate.ts';
import {
  type Axis,
  type DesignPoint,
  type Exploration,
  type ExploreOptions,
  refuseTwice,
} from './explore.ts';
import { addToFront, combination } from './pareto.ts';

/** A number of a design's file. */
export interface Attribute {
  /** `clock`, `levels.SMEM.depth`, `levels.RF.spatial.meshX`: keys, and of lists the name of an entry or its place. */
  readonly name: string;
  /** Where the number itself stands. */
  readonly path: readonly (string | number)[];
  readonly unit: string;
}

/** Keys that hold no number of the hardware; mappings are searched. */
const fixed = ['version', 'evidence', 'mapping'];
/** Designs at the most: each searches its mappings, some milliseconds a layer. */
const mostDesigns = 1e6;
/** Largest number that an axis may have; the file's own rules are narrower. */
const mostValue = 2 ** 53;

/** All numbers of a design's file, in its order. `text` is a file that parses. */
export function attributesOf(text: string): readonly Attribute[] {
  const found: Attribute[] = [];
  const walk = (node: unknown, names: readonly string[], path: readonly (string | number)[]): void => {
    if (isScalar(node)) {
      if (typeof node.value === 'number') found.push({ name: names.join('.'), path, unit: '1' });
    } else if (isMap(node)) {
      if (typeof node.get('value') === 'number') {
        found.push({ name: names.join('.'), path: [...path, 'value'], unit: String(node.get('unit')) });
        return;
      }
      for (const { key, value } of node.items) {
        const name = String(key);
        if (names.length > 0 || !fixed.includes(name)) walk(value, [...names, name], [...path, name]);
      }
    } else if (isSeq(node)) {
      for (const [at, item] of node.items.entries()) {
        const name = isMap(item) ? item.get('name') : undefined;
        walk(item, [...names, typeof name === 'string' ? name : String(at)], [...path, at]);
      }
    }
  };
  walk(parseDocument(text).contents, [], []);
  return found;
}

/** What `parseAxis` takes: the numbers of a design's file as if an engine class had them. */
export function attributeClass(
  name: string,
  attributes: readonly Attribute[],
): Pick<EngineClass, 'name' | 'parameters'> {
  return {
    name: `generic, of ${name}`,
    parameters: attributes.map((attribute) => ({
      ...{ name: attribute.name, unit: attribute.unit, meaning: 'a number of the file' },
      ...{ least: 0, most: mostValue, whole: false },
    })),
  };
}

/**
 * Explores the combinations of the axes on a generic design, on one thread. Each design has the best mapping that its
 * bounded search finds for each layer, whether the file gives one or not; prices stay the file's. A design on which a
 * layer does not fit is counted as declined. Throws BAD_ACCELERATOR for values that the file's rules refuse, USAGE for
 * a space that is empty or too large, INTERRUPTED.
 */
export async function exploreDesign(
  { text, file }: AcceleratorFile,
  layers: readonly EstimatedLayer[],
  axes: readonly Axis[],
  { signal, onProgress }: Omit<ExploreOptions, 'threads'>,
): Promise<Exploration> {
  refuseTwice(axes);
  const points = axes.reduce((product, { values }) => product * values.length, 1);
  if (points > mostDesigns) {
    throw new SparsemarkError(
      'USAGE',
      `Expected at most ${mostDesigns} designs for a space of the generic engine, received ${points}. Take larger steps: each design searches its mappings.`,
    );
  }
  const document = parseDocument(text);
  document.delete('mapping');
  const attributes = attributesOf(text);
  const paths = axes.map(({ name }) => attributes.find((attribute) => attribute.name === name)!.path);
  const engines = loadNative().native.describeEngines();
  const front: DesignPoint[] = [];
  let declined = 0;
  let reason = '';
  let cost: Exploration['cost'] = 'energy';
  for (let at = 0; at < points; at += 1) {
    // A signal is heard only between two turns of the event loop.
    await nextTurn();
    if (signal?.aborted === true)
      throw new SparsemarkError('INTERRUPTED', 'The exploration was interrupted; nothing was written.');
    const values = combination(axes, at);
    for (const [axis, path] of paths.entries()) document.setIn(path, values[axis]);
    const accelerator = parseAccelerator(document.toString({ lineWidth: 0 }), file, engines);
    cost = accelerator.energy === null ? 'multipliers' : 'energy';
    try {
      const estimates = estimate(accelerator, layers);
      const sum = (of: (one: (typeof estimates)[number]) => number): number =>
        estimates.reduce((total, one) => total + of(one), 0);
      addToFront(
        front,
        {
          values,
          timeNs: sum(({ timeNs }) => timeNs),
          denseTimeNs: (1000 * sum(({ denseCycles }) => denseCycles)) / accelerator.clockMhz,
          energy: cost === 'energy' ? sum(({ energy }) => energy!.total) : null,
          multipliers: estimates[0]!.multipliers,
        },
        (point) => point.energy ?? point.multipliers,
      );
    } catch (cause) {
      if (!(cause instanceof SparsemarkError && cause.code === 'BAD_ACCELERATOR')) throw cause;
      declined += 1;
      if (reason === '') reason = cause.message.replace(/\.$/, '');
    }
    onProgress?.(at + 1, points);
  }
  return { front, cost, points, declined, reason };
}
