/**
 * What is written into a level is what is read from its parent times the number of those that get a copy, sums likewise
 * upwards, places apart from values: of every engine class, over random layers and parameters.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadAccelerator } from '../src/accelerator/accelerator.ts';
import { count } from '../src/accelerator/count.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import { loadNative } from '../src/native.ts';
import type { Accelerator, Estimate, EstimatedLayer } from '../src/terms/accelerator.ts';
import { randomStream } from '../src/workload/random.ts';
import { anyLayer, parameterNamed, withAnyParameters, withParameters } from './random-accelerators.ts';
import { maskOfColumns } from './structured-masks.ts';

/** One estimate with the sizes of its layer, every number by its name. */
interface Flow {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly groups: number;
  readonly w: number;
  readonly a: number;
  /** Nonzeros of each operand, of all groups. */
  readonly weights: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly cycles: number;
  readonly macs: number;
  readonly effectualMacs: number;
  readonly layer: EstimatedLayer;
  readonly of: (action: string) => number;
  readonly term: (name: string) => number;
  readonly given: (parameter: string) => number;
}

const scale = (a: number, b: number): number => 1e-9 * Math.max(Math.abs(a), Math.abs(b), 1);
const near = (a: number, b: number): void =>
  expect(Math.abs(a - b), `${a} is ${b}`).toBeLessThanOrEqual(scale(a, b));
const atMost = (a: number, b: number): void => expect(a).toBeLessThanOrEqual(b + scale(a, b));
const parts = (points: number, size: number): number => Math.ceil(points / size);
/** Chance that any of so many points is a nonzero. */
const any = (points: number, density: number): number => 1 - (1 - density) ** points;

/** Expected fibers in tiles along k that are not empty, each of which has a header. */
function fibersOf(fibers: number, k: number, tile: number, density: number): number {
  const [whole, rest] = [Math.floor(k / tile), k % tile];
  return fibers * (whole * any(tile, density) + (rest > 0 ? any(rest, density) : 0));
}

/** Bytes that pass a chip's edge in both directions are the bytes of each tensor. */
const bytesAddUp = ({ of, term }: Flow, tensors: readonly string[]): void =>
  near(
    of('memoryByte'),
    tensors.reduce((sum, name) => sum + term(name), 0),
  );

const laws: Readonly<Record<string, (flow: Flow) => void>> = {
  systolic: ({ m, n, k, groups, macs, outputs, layer, of, given, term }) => {
    const [rows, cols, stored] = [given('rows'), given('cols'), term('storedK')];
    const share = stored / k;
    near(of('mac'), macs * share);
    // What lies still is read once; what streams, once for each fold across it.
    const dataflow = given('dataflow');
    near(of('weightRead'), m * stored * groups * [parts(n, rows), 1, parts(n, cols)][dataflow]!);
    // Of a block of N:M weights every input is read, since filters choose different ones, of a partial one too.
    const [kept, block] = [given('kept'), given('block')];
    const room = Math.floor(k / block) * kept + Math.min(k % block, kept);
    const isCompressed = kept > 0 && layer.weightDensity * k <= room * (1 + 1e-12);
    const inputs = isCompressed ? (stored * block) / kept : k;
    expect(stored).toBe(isCompressed ? room : k);
    near(of('inputRead'), n * inputs * groups * [parts(m, cols), parts(m, cols), 1][dataflow]!);
    // A sum leaves the array once for each fold of its inputs.
    near(of('outputWrite'), outputs * (dataflow === 0 ? 1 : parts(stored, rows)));
  },
  'stationary-array': ({ m, n, k, groups, outputs, of, given }) => {
    const size = given('size');
    const still = Math.abs(of('stationaryRead') - m * k * groups) <= scale(m * k * groups, 0) ? m : n;
    near(of('stationaryRead'), still * k * groups);
    near(of('streamRead'), (still === m ? n : m) * k * groups * parts(still, size));
    near(of('sumWrite') - of('sumRead'), outputs);
    near(of('sumWrite'), outputs * parts(k, size));
  },
  'broadcast-fifo': ({ groups, of, term, given }) => {
    // Terms are those of one group. An entry that is read is multiplied, its sum read and written; a broadcast goes to every queue.
    near(of('weightEntryRead'), of('mac'));
    near(of('registerAccess'), 2 * of('mac'));
    near(of('queuePush'), term('broadcasts') * given('pes') * groups);
    near(of('pointerRead'), of('queuePush'));
    near(of('mac'), term('theoreticalCycles') * given('pes') * groups);
    atMost(of('weightLineRead'), of('weightEntryRead'));
    atMost(of('weightEntryRead'), of('weightLineRead') * given('lineEntries'));
  },
  'balanced-fifo': ({ n, k, groups, weights, of, given }) => {
    near(of('mac'), weights * n);
    // An entry is read once for all channels that work on it at once.
    near(of('weightEntryRead'), weights * parts(n, given('channels')));
    near(of('queuePush'), n * k * groups * given('pes'));
  },
  'flexible-array': ({ m, n, k, groups, weights, inputs, outputs, of, given }) => {
    near(of('bufferWrite'), of('offChipRead'));
    near(of('offChipRead'), weights + inputs);
    near(of('offChipMaskBit'), (m + n) * k * groups);
    near(of('offChipWrite'), outputs);
    // What lies still is read once from the buffer.
    const lies = [weights, inputs].map((values) => Math.abs(of('stationaryLoad') - values));
    atMost(Math.min(...lies), scale(of('stationaryLoad'), 0));
    // A filling reads a value a point of its tile for each column that streams past, and writes its sum.
    atMost(of('streamRead'), (Math.min(given('tile'), k) * of('sumWrite')) / Math.min(m, n));
  },
  'outer-product': ({ m, n, k, groups, weights, inputs, outputs, effectualMacs, of, given }) => {
    const tile = given('tile');
    near(of('bufferWrite'), of('offChipRead'));
    near(of('offChipRead'), weights + inputs);
    near(of('offChipMaskBit'), (m + n) * k * groups);
    // A tile reads its rows and columns once each.
    near(of('operandRead'), weights * parts(n, tile) + inputs * parts(m, tile));
    near(of('operandMaskBitRead'), groups * k * (m * parts(n, tile) + n * parts(m, tile)));
    near(of('mac'), effectualMacs);
    near(of('sumRead'), of('mac'));
    near(of('sumWrite'), of('mac'));
    near(Math.max(of('mac'), of('multiplierSlot')), of('mac') + of('idleSlot'));
    near(of('outputWrite'), outputs);
    near(of('offChipWrite'), outputs);
  },
  'structured-tensor-core': ({ m, n, k, groups, outputs, of, given }) => {
    near(of('bufferWrite'), of('offChipRead'));
    // What is read of the buffer fills registers, or goes to the rows of multipliers that work at once.
    near(of('bufferRead'), of('registerWrite') + n * k * groups * parts(m, given('rowsAtOnce')));
    near(of('registerRead'), of('mac'));
    near(of('registerRead'), (of('registerWrite') * n) / parts(n, given('colsATile')));
    near(of('sumWrite') - of('sumRead'), 2 * of('offChipWrite'));
    near(of('offChipWrite'), outputs);
    near(
      of('bufferMetadataBitRead') * (of('registerRead') + of('registerWrite')),
      of('registerMetadataBit') * of('registerWrite'),
    );
  },
  'indexed-window': ({ n, k, m, groups, macs, w, of, given }) => {
    const shared = given('sharedPattern') === 1;
    near(of('weightRead'), macs * w);
    near(of('indexedSelect'), of('mac'));
    near(of('indexRead') * (shared ? given('pes') : 1), of('weightRead'));
    // A window goes to all elements at once.
    near(of('inputRead'), n * k * groups * parts(m, given('pes')));
    if (!shared) near(of('mac'), of('weightRead'));
  },
  cartesian: ({ layer, cycles, weights, outputs, effectualMacs, a, term, of, given }) => {
    const { conv } = layer.shape;
    const points =
      conv === undefined
        ? layer.shape.k * layer.shape.n
        : conv.batch * conv.channels * conv.height * conv.width;
    near(of('mac'), effectualMacs);
    near(of('accumulate'), of('mac'));
    near(of('weightFetch'), weights);
    near(of('outputWrite'), outputs);
    // Inputs are read again for each group of output channels whose sums fit.
    near(of('inputRead'), points * layer.groups * a * parts(layer.shape.m, term('outputChannelsAGroup')));
    near(Math.max(of('mac'), cycles * (given('tiles') * given('side')) ** 2), of('mac') + of('idleSlot'));
  },
  'chunk-match': ({ m, n, k, groups, weights, inputs, outputs, macs, of }) => {
    near(of('weightRead'), of('mac'));
    near(of('inputRead'), of('mac'));
    near(of('sumAccess'), 2 * of('mac'));
    near(of('offChipRead'), weights + inputs);
    near(of('offChipMaskBit'), (m + n) * k * groups);
    near(of('maskBitRead'), 2 * macs);
    near(of('offChipWrite'), outputs);
  },
  'column-pe': ({ m, groups, n, k, inputs, macs, effectualMacs, of }) => {
    const depthwise = groups > 1 && m === 1;
    near(of('mac'), depthwise ? macs : effectualMacs);
    near(of('weightRead'), of('mac'));
    near(of('partialSum'), 2 * of('mac'));
    near(of('activationRead'), depthwise ? n * k * groups : inputs);
  },
  'gather-scatter': ({ n, weights, cycles, of, term, given }) => {
    // A weight that is read has an input from a bank of its own in its gather, and both are multiplied.
    near(of('weightRead'), weights * n);
    near(of('bankRead'), of('weightRead'));
    near(of('mac'), of('bankRead'));
    atMost(of('bankRead'), term('gathers') * given('banks'));
    atMost(of('bankRead'), cycles * given('banks'));
  },
  'refined-roofline': ({ macs, of, term }) => {
    near(of('byte'), term('bytes'));
    near(2 * of('mac'), term('operations'));
    near(of('mac'), macs);
  },
  'dense-array': ({ m, n, k, groups, macs, outputs, layer, of, given }) => {
    near(of('mac') + of('gatedMac'), macs);
    near(of('weightRead'), macs);
    near(of('weightFetch'), m * k * groups);
    // An input goes to all filters of a turn; a sum takes the products of all inputs at once.
    near(of('inputRead'), n * k * groups * parts(m, given('outputs')));
    const channels = layer.shape.conv?.channels ?? k;
    near(of('sum'), 2 * outputs * (k / channels) * parts(channels, given('inputs')));
    near(of('outputWrite'), outputs);
  },
  'row-stationary': ({ macs, layer, weights, w, a, outputs, of, term, given }) => {
    near(of('mac') + of('gatedMac'), macs);
    near(of('weightRead') + of('gatedWeightRead'), macs);
    near(of('weightRead'), of('mac'));
    near(of('inputRead'), macs);
    near(of('partialSumAccess'), 2 * of('mac'));
    near(of('offChipBit'), 8 * (term('weightBytes') + term('inputBytes') + term('outputBytes')));
    if (w > 0) near(term('weightBytes') * 8, (weights / w) * given('wordBits'));
    const { conv } = layer.shape;
    const points =
      conv === undefined
        ? layer.shape.k * layer.shape.n
        : conv.batch * conv.channels * conv.height * conv.width;
    const bits = given('codeWordBits') / given('codeWordValues');
    near(term('inputBytes') * 8, term('inputPasses') * points * layer.groups * a * bits);
    near(term('outputBytes') * 8, outputs * given('outputDensity') * bits);
  },
  'density-bound': ({ m, n, k, groups, effectualMacs, of, term, given }) => {
    const slots = of('mac') + of('gatedMac');
    near(of('mac'), effectualMacs);
    // Values are read as a block has places for them, its mask a bit a place, once a pass.
    near(of('weightRead'), m * groups * term('blocks') * term('weightPasses') * given('weightsKept'));
    near(of('maskBitRead') * given('weightsKept'), of('weightRead') * given('block'));
    atMost(of('mac'), slots);
    if (given('activationsSkipped') === 0) {
      near(of('activationRead'), n * k * groups);
      near(slots, of('weightRead') * n);
    } else near(of('activationRead') * m * term('weightPasses'), slots);
  },
  'hierarchical-structure': ({ m, n, k, groups, of, term }) => {
    near(of('weightRead'), m * groups * term('termsASum'));
    near(of('mac') + of('gatedMac'), of('weightRead') * n);
    near(of('metadataBitRead'), term('metadataBits'));
    near(of('activationRead'), n * k * groups);
  },
  'tiled-intersection': (flow) => {
    const { m, n, k, groups, w, a, weights, inputs, outputs, effectualMacs, of, term, given } = flow;
    bytesAddUp(flow, ['weightBytes', 'inputBytes', 'partialSumBytes', 'outputBytes']);
    const [tile, value, header] = [given('tile'), given('nonzeroBytes'), given('fiberBytes')];
    // W passes every buffer's tile of A, which stays: values, and the headers of fibers apart.
    const passes = parts(n, given('bufferCols') * tile);
    near(term('weightBytes'), passes * (weights * value + groups * fibersOf(m, k, tile, w) * header));
    near(term('inputBytes'), inputs * value + groups * fibersOf(n, k, tile, a) * header);
    // Each output that is reached leaves once; a sum so far leaves and comes back once for each further tile.
    const left = term('outputBytes') / given('outputBytes');
    near(left, outputs * any(k, w * a));
    const returned = term('partialSumBytes') / 2 / given('outputBytes');
    atMost(returned, left * (parts(k, given('bufferInputs') * tile) - 1));
    // Products are added up before they leave.
    atMost(left, effectualMacs);
    near(of('mac'), effectualMacs);
    atMost(of('mac'), of('intersectionStep'));
  },
  'row-merge': (flow) => {
    const { m, n, k, groups, w, a, weights, outputs, effectualMacs, of, term, given } = flow;
    bytesAddUp(flow, ['weightBytes', 'inputBytes', 'outputBytes']);
    const [value, header] = [given('nonzeroBytes'), given('rowBytes')];
    near(term('weightBytes'), weights * value + groups * m * header);
    const left = outputs * any(k, w * a);
    near(term('outputBytes'), left * value + groups * m * header);
    // A row of A is written into the cache once at least, and no more often than a nonzero of W asks for it.
    const row = n * a * value + header;
    const [once, asked] = [groups * k * any(m, w) * row, weights * row];
    atMost(once, term('inputBytes'));
    atMost(term('inputBytes'), asked);
    const fits = given('cacheBytes') >= once / groups;
    if (fits) near(term('inputBytes'), once);
    // What is read of the cache is multiplied and merged, once where all rows of one fit into the merger.
    near(of('mac'), effectualMacs);
    near(of('mergedElement'), term('mergedElements'));
    atMost(of('mac'), of('mergedElement'));
    if (k <= given('radix')) near(of('mergedElement'), of('mac'));
    atMost(left, of('mac'));
  },
  'outer-merge': ({ m, n, k, groups, w, a, weights, inputs, outputs, effectualMacs, of, term, given }) => {
    const [value, pointer] = [given('nonzeroBytes'), given('pointerBytes')];
    const bandwidth = given('bytesPerCycle') * given('bandwidthShare');
    const left = outputs * any(k, w * a);
    // The lists that the first phase writes are those that the second reads.
    const written =
      term('multiplyMemoryCycles') * bandwidth - (weights + inputs) * value - 2 * k * groups * pointer;
    const read = term('mergeMemoryCycles') * bandwidth - left * value - groups * m * pointer;
    const lists = effectualMacs * value + weights * any(n, a) * pointer;
    const most = 1e-9 * Math.max(term('multiplyMemoryCycles'), term('mergeMemoryCycles'), 1) * bandwidth;
    expect(Math.abs(written - lists)).toBeLessThanOrEqual(most);
    expect(Math.abs(read - lists)).toBeLessThanOrEqual(most);
    near(of('memoryByte'), (term('multiplyMemoryCycles') + term('mergeMemoryCycles')) * bandwidth);
    near(term('products'), effectualMacs);
    near(of('mac'), term('products'));
    near(of('mergeSwap'), term('swaps'));
    near(term('outputs'), left);
    atMost(term('outputs'), term('products'));
  },
  'measured-cpu': ({ n, weights, of, term, given }) => {
    near(of('mac'), weights * n);
    near(term('loadNs') * given('l1GBs'), of('l1Byte'));
    // Levels are filled one after the other.
    near(
      term('transferNs'),
      of('l2Byte') / given('l2GBs') + of('l3Byte') / given('l3GBs') + of('dramByte') / given('dramGBs'),
    );
    atMost(of('l2Byte'), given('l2Bytes'));
    if (of('l3Byte') > 0) near(of('l2Byte'), given('l2Bytes'));
    if (of('dramByte') > 0) near(of('l3Byte'), given('l3Bytes'));
  },
};

function flowOf(accelerator: Accelerator, layer: EstimatedLayer, found: Estimate): Flow {
  const { shape, groups, weightDensity: w, activationDensity: a } = layer;
  const { m, n, k } = shape;
  const named = (all: Readonly<Record<string, number>>, name: string): number => {
    const value = all[name];
    if (value === undefined) throw new Error(`${accelerator.engine} has no ${name}`);
    return value;
  };
  return {
    ...{ m, n, k, groups, w, a, layer },
    ...{ weights: m * k * groups * w, inputs: n * k * groups * a, outputs: m * n * groups },
    ...{ cycles: found.cycles, macs: found.macs, effectualMacs: found.effectualMacs },
    of: (name) => named(found.actions, name),
    term: (name) => named(found.terms, name),
    given: (name) => parameterNamed(accelerator, name),
  };
}

it('every engine class has its law, and nothing else has', () => {
  const engines = loadNative().native.describeEngines();
  expect(Object.keys(laws).sort()).toEqual(engines.map(({ name }) => name).sort());
  const used = new Set(withParameters.map((name) => loadAccelerator(name).engine));
  expect([...used].sort()).toEqual(Object.keys(laws).sort());
});

describe('what is written into a level is what is read from its parent', () => {
  it.each([...withParameters])('%s, with any parameters', (name) => {
    fc.assert(
      fc.property(withAnyParameters(name), anyLayer, (accelerator, layer) => {
        const even = { ...layer, weightCorrelation: 0 };
        laws[accelerator.engine]!(flowOf(accelerator, even, estimate(accelerator, [even])[0]!));
      }),
      { numRuns: 40, seed: 1 },
    );
  });

  // Of these, all that moves is a matter of single nonzeros, not of their density.
  const exact = ['gather-scatter', 'chunk-match', 'column-pe', 'outer-product', 'dense-array', 'cartesian'];
  it.each(withParameters.filter((name) => exact.includes(loadAccelerator(name).engine)))(
    '%s, counted on masks',
    (name) => {
      fc.assert(
        fc.property(
          withAnyParameters(name),
          fc.record({ m: fc.nat(40), n: fc.nat(20), k: fc.nat(150), seed: fc.nat(1000) }),
          (accelerator, { m, n, k, seed }) => {
            const shape = { m: m + 1, n: n + 1, k: k + 1 };
            const random = randomStream(seed, 'conservation');
            const mask = (rows: number, cols: number, density: number) =>
              maskOfColumns(
                Array.from({ length: rows }, () =>
                  Array.from({ length: cols }, (_, j) => j).filter(() => random.uniform() < density),
                ),
                cols,
              );
            const weights = mask(shape.m, shape.k, 0.3);
            const activations = mask(shape.k, shape.n, 0.6);
            const densityOf = ({ rows, cols, colIndices }: typeof weights): number =>
              colIndices.length / (rows * cols);
            const layer: EstimatedLayer = {
              ...{ name: 'layer', shape, groups: 1, weightCorrelation: 0 },
              ...{ weightDensity: densityOf(weights), activationDensity: densityOf(activations) },
            };
            laws[accelerator.engine]!(
              flowOf(accelerator, layer, count(accelerator, layer, { weights, activations })),
            );
          },
        ),
        { numRuns: 20, seed: 1 },
      );
    },
  );
});
