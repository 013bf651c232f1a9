/** Actual mode for huge tensors: a seeded part of a layer is counted, the rest is estimated with an interval. */
import type { Accelerator, Estimate, EstimatedLayer, LayerMasks, OperandMask } from '../terms/accelerator.ts';
import { SparsemarkError } from '../terms.ts';
import { randomStream } from '../workload/random.ts';
import { count } from './count.ts';
import { energyOf } from './energy.ts';
import { estimate } from './estimate.ts';

/**
 * Over what the counts of an engine class add up: rows of the weights or columns of the activations, in blocks of a
 * multiple of so many. A class that is not here keeps several blocks in flight, so that parts say less than the whole.
 */
const blocks: Readonly<Record<string, readonly [axis: 'rows' | 'columns', least: number]>> = {
  'balanced-fifo': ['columns', 32],
  'broadcast-fifo': ['columns', 16],
  cartesian: ['rows', 32],
  'column-pe': ['rows', 32],
  'dense-array': ['rows', 32],
  'density-bound': ['rows', 32],
  'gather-scatter': ['rows', 32],
  'hierarchical-structure': ['rows', 32],
  'indexed-window': ['columns', 1],
  'measured-cpu': ['rows', 32],
  'outer-product': ['rows', 32],
  'row-stationary': ['rows', 32],
  'structured-tensor-core': ['rows', 32],
};

/** Blocks that are counted at the least. */
const leastBlocks = 30;
/** Student's t of 29 degrees of freedom at 97.5 %; of more it is smaller. */
const halfWidthErrors = 2.045;

function rowsOf(mask: OperandMask, from: number, to: number): OperandMask {
  const begin = mask.rowOffsets[from]!;
  return {
    ...{ rows: to - from, cols: mask.cols },
    rowOffsets: mask.rowOffsets.slice(from, to + 1).map((offset) => offset - begin),
    colIndices: mask.colIndices.slice(begin, mask.rowOffsets[to]!),
  };
}

/** The columns of each chosen block of `size`, all in one pass. */
function columnsOf(
  mask: OperandMask,
  size: number,
  chosen: readonly number[],
): ReadonlyMap<number, OperandMask> {
  const parts = new Map(
    chosen.map((block) => [
      block,
      {
        width: Math.min(size, mask.cols - block * size),
        offsets: new Int32Array(mask.rows + 1),
        columns: [] as number[],
      },
    ]),
  );
  for (let row = 0; row < mask.rows; row += 1) {
    for (let at = mask.rowOffsets[row]!; at < mask.rowOffsets[row + 1]!; at += 1) {
      const column = mask.colIndices[at]!;
      parts.get(Math.floor(column / size))?.columns.push(column % size);
    }
    for (const { offsets, columns } of parts.values()) offsets[row + 1] = columns.length;
  }
  return new Map(
    [...parts].map(([block, { width, offsets, columns }]) => [
      block,
      { rows: mask.rows, cols: width, rowOffsets: offsets, colIndices: Int32Array.from(columns) },
    ]),
  );
}

/** The layer and masks of each chosen block. */
function partsOf(
  layer: EstimatedLayer,
  masks: LayerMasks,
  axis: 'rows' | 'columns',
  size: number,
  chosen: readonly number[],
): readonly (readonly [EstimatedLayer, LayerMasks])[] {
  const { shape } = layer;
  if (axis === 'rows') {
    return chosen.map((block) => {
      const [from, to] = [block * size, Math.min((block + 1) * size, shape.m)];
      return [
        { ...layer, shape: { ...shape, m: to - from } },
        { ...masks, weights: rowsOf(masks.weights, from, to) },
      ];
    });
  }
  const activations = masks.activations === null ? null : columnsOf(masks.activations, size, chosen);
  return chosen.map((block) => [
    { ...layer, shape: { ...shape, n: Math.min(size, shape.n - block * size) } },
    { weights: masks.weights, activations: activations?.get(block) ?? null },
  ]);
}

/**
 * One layer by counting a seeded `share` of its blocks, at least 30; all of them where there are few. The cycles have a
 * 95 % interval, of the mean over the counted blocks by Student's t with the correction for a finite number of them; a
 * last block that is smaller is counted by itself. The baseline's cycles are the formula's. Throws BAD_ACCELERATOR for a
 * class whose counts do not add up, or a convolution on one of columns, and as `count` does.
 */
export function countSample(
  accelerator: Accelerator,
  layer: EstimatedLayer,
  masks: LayerMasks,
  { share, seed }: { readonly share: number; readonly seed: number },
): Estimate {
  const [axis, least] = blocks[accelerator.engine] ?? [null, 0];
  if (axis === null || (axis === 'columns' && layer.shape.conv !== undefined)) {
    throw new SparsemarkError(
      'BAD_ACCELERATOR',
      `Expected an accelerator whose counts add up over parts of ${layer.name} for --mode sampled, received ${accelerator.name} of the class ${accelerator.engine}. Use --mode actual.`,
    );
  }
  const length = axis === 'rows' ? layer.shape.m : layer.shape.n;
  const whole = estimate(accelerator, [layer])[0]!;
  // Groups of output channels must not be cut.
  const group = accelerator.engine === 'cartesian' ? whole.terms.outputChannelsAGroup! : 1;
  const size = Math.ceil(least / group) * group;
  const full = Math.floor(length / size);
  const drawn = Math.max(leastBlocks, Math.ceil(share * full));
  if (drawn >= full) return count(accelerator, layer, masks);
  const random = randomStream(seed, `sample/${layer.name}`);
  const order = Array.from({ length: full }, (_, block) => block);
  for (let at = 0; at < drawn; at += 1) {
    const other = at + Math.floor(random.uniform() * (full - at));
    [order[at], order[other]] = [order[other]!, order[at]!];
  }
  const chosen = order.slice(0, drawn).sort((a, b) => a - b);
  const last = full * size < length ? [full] : [];
  const counts = partsOf(layer, masks, axis, size, [...chosen, ...last]).map(([part, own]) =>
    count(accelerator, part, own),
  );
  const sample = counts.slice(0, drawn);
  const rest = counts[drawn];
  const totalOf = (of: (found: Estimate) => number): number =>
    (full * sample.reduce((sum, one) => sum + of(one), 0)) / drawn + (rest === undefined ? 0 : of(rest));
  const cycles = totalOf((one) => one.cycles);
  const mean = sample.reduce((sum, one) => sum + one.cycles, 0) / drawn;
  const variance = sample.reduce((sum, one) => sum + (one.cycles - mean) ** 2, 0) / (drawn - 1);
  const halfWidth = halfWidthErrors * full * Math.sqrt((variance / drawn) * (1 - drawn / full));
  const actions = Object.fromEntries(
    Object.keys(whole.actions).map((name) => [name, totalOf((one) => one.actions[name]!)]),
  );
  const effectualMacs = totalOf((one) => one.effectualMacs);
  return {
    ...whole,
    mode: 'actual',
    cycles,
    timeNs: (1000 * cycles) / accelerator.clockMhz,
    effectualMacs,
    utilisation: cycles === 0 ? 0 : effectualMacs / (cycles * whole.multipliers),
    // Terms are of the whole layer, which was not counted.
    terms: {},
    actions,
    energy: energyOf(accelerator, actions),
    sample: {
      ...{ axis, blocks: counts.length, of: full + last.length, confidence: 0.95 },
      cyclesInterval: [Math.max(0, cycles - halfWidth), cycles + halfWidth],
    },
  };
}
