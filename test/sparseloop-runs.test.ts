/**
 * The generic engine held against Timeloop with Sparseloop, design by design:
 * - `runs.jsonl`: `timeloop-model` of NVlabs/timeloop at v3.0.3, built here and run on each design, mapping and density;
 * - `figure-1.jsonl`: what the authors' own runs of Sparseloop's first figure printed, in the reference outputs of
 *   Accelergy-Project/micro22-sparseloop-artifact at de0374a, with its architecture, densities and prices.
 * A line is a design in short words (`rbw`, `wbw`: words a cycle; `mdwidth`: bits), then cycles, multiplications and a
 * data space's reads, writes, gated reads and writes, and bits of metadata read, written, and read to skip.
 *
 * Where the two mean something else it is said here, and in suites/accelerators/README.md:
 * - a sum's first read and the reads that drain finished sums happen here, there they do not; clearing an accumulator
 *   is a write here and in the authors' runs, and none in version 3;
 * - a multiplication whose operand was gated takes its cycle here; there it takes none, though its ports' slots;
 * - there, metadata of three levels differ between what is sent and what is received: they are not compared;
 * - there, counts are rounded to whole numbers, and probabilities to six digits.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { acceleratorFrom } from '../src/accelerator/accelerator.ts';
import { modelOfErt, parseErt } from '../src/accelerator/ert.ts';
import { estimate } from '../src/accelerator/estimate.ts';
import type { Accelerator, DataSpace, Dimension, Estimate, LevelTraffic } from '../src/terms/accelerator.ts';

interface Level {
  readonly name: string;
  readonly keep: readonly DataSpace[];
  readonly temporal: Readonly<Partial<Record<Dimension, number>>>;
  readonly spatial?: Readonly<Partial<Record<Dimension, number>>>;
  readonly width: number;
  readonly depth?: number;
  readonly mdwidth?: number;
  readonly rbw?: number;
  readonly wbw?: number;
  readonly format?: Readonly<Record<string, readonly { readonly format: string; readonly bits?: number }[]>>;
  readonly actions?: readonly {
    readonly type: string;
    readonly target: DataSpace;
    readonly on: readonly string[];
  }[];
}

interface Case {
  readonly name: string;
  readonly weights?: number;
  readonly inputs?: number;
  readonly distribution?: string;
  readonly compute?: string;
  readonly conv?: Readonly<Record<'M' | 'C' | 'P' | 'Q' | 'R' | 'S' | 'stride', number>>;
  readonly levels: readonly Level[];
  readonly timeloop: {
    readonly cycles?: number;
    readonly computeCycles?: number;
    readonly macs: number;
    readonly flows: Readonly<Record<string, readonly number[]>>;
    readonly energyPj?: Readonly<Record<string, number>>;
  };
}

const read = (name: string): readonly Case[] =>
  readFileSync(join(import.meta.dirname, 'golden', 'sparseloop', name), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Case);

const of = (value: number, unit: string) => ({ value, unit, source: 'the run' });
const product = (factors: Level['spatial'] = {}): number =>
  Object.values(factors).reduce((all, factor) => all * factor, 1);

function levelOf(level: Level) {
  const { name, keep, width, depth, mdwidth, rbw, wbw, spatial, format, actions = [] } = level;
  // What multiplications do not happen, sums do not read: here of themselves, there by an action of their own.
  const own = actions.filter(({ target }) => target !== 'Outputs');
  return {
    ...{ name, keep, datawidth: of(8, 'bits'), width: of(width, 'bits') },
    metadata_storage_width: of(mdwidth ?? 8, 'bits'),
    ...(depth && { depth: of(depth, 'entries') }),
    ...(rbw && { read_bandwidth: of(8 * rbw, 'bits/cycle') }),
    ...(wbw && { write_bandwidth: of(8 * wbw, 'bits/cycle') }),
    ...(spatial && { spatial: { meshX: of(product(spatial), 'instances') } }),
    ...(format && {
      representation_format: {
        data_spaces: Object.entries(format).map(([space, ranks]) => ({
          name: space,
          ranks: ranks.map(({ format: rank, bits }) => ({
            format: rank,
            ...(bits && { metadata_word_bits: of(bits, 'bits') }),
          })),
        })),
      },
    }),
    ...(own.length > 0 && {
      action_optimization: own.map(({ type, target, on }) => ({ type, target, condition_on: on })),
    }),
  };
}

function acceleratorOf({ levels, distribution = 'uniform', compute }: Case): Accelerator {
  const text = stringify({
    ...{ version: 1, name: 'design', title: 'a design', source: 'the run', baseline: 'itself' },
    ...{ engine: 'generic', clock: of(1000, 'MHz'), levels: levels.map(levelOf) },
    ...(compute && { compute_optimization: compute }),
    densities: { Weights: { distribution }, Inputs: { distribution } },
    mapping: levels.map(({ name, temporal, spatial }) => ({
      ...{ level: name, temporal },
      ...(spatial && { spatial }),
    })),
    evidence: { class: 'formula', against: 'the run' },
  });
  return acceleratorFrom({ text, file: 'design.yaml' });
}

function estimateOf(run: Case, accelerator = acceleratorOf(run)): Estimate {
  const bound = (dimension: Dimension): number =>
    run.levels.reduce(
      (all, { temporal, spatial }) => all * (temporal[dimension] ?? 1) * (spatial?.[dimension] ?? 1),
      1,
    );
  const { conv } = run;
  const shape = {
    ...{ m: bound('M'), n: bound('N'), k: bound('K') },
    ...(conv && {
      conv: {
        ...{ batch: 1, channels: conv.C, stride: conv.stride, padding: 0 },
        height: (conv.P - 1) * conv.stride + conv.R,
        width: (conv.Q - 1) * conv.stride + conv.S,
        ...{ kernelHeight: conv.R, kernelWidth: conv.S, outHeight: conv.P, outWidth: conv.Q },
      },
    }),
  };
  const densities = { weightDensity: run.weights ?? 1, activationDensity: run.inputs ?? 1 };
  return estimate(accelerator, [
    { name: run.name, shape, groups: 1, ...densities, weightCorrelation: 0 },
  ])[0]!;
}

/** A data space's figures of a level in the golden's order, sums as Timeloop counts them. */
function flowOf(
  level: LevelTraffic['level'],
  space: LevelTraffic['spaces'][number],
  {
    actions,
    found,
    inner,
    clears,
  }: {
    readonly actions: Estimate['actions'];
    readonly found: Level;
    readonly inner: boolean;
    readonly clears: boolean;
  },
): number[] {
  const { dense } = space;
  const isSum = space.space === 'Outputs';
  const first = isSum && inner ? dense.clears : 0;
  const share = dense.serves === 0 ? 1 : (dense.serves - first) / dense.serves;
  const skipped = actions[`${level}.skipped_metadata_read`]! * (found.mdwidth ?? 8);
  return [
    (space.reads - (isSum ? dense.drains : 0)) * share,
    space.writes - (isSum && !clears ? dense.clears : 0),
    space.gatedReads * share,
    space.gatedWrites,
    ...(isSum ? [] : [space.metadataReadBits, space.metadataWriteBits, skipped]),
  ];
}

/** Coordinates are whole there: of 14 bits at the most. */
const longestCoordinate = 14;

/** Every figure of a run beside ours, within relative bounds, or within one whole number of theirs. */
function compare(
  run: Case,
  found: Estimate,
  { bound, ofMetadata, clears }: { bound: number; ofMetadata: number; clears: boolean },
): void {
  const close = (ours: number, theirs: number, what: string, isMetadata = false): void => {
    const least = bound === 0 ? 0 : isMetadata ? longestCoordinate : 2;
    expect(Math.abs(ours - theirs), `${what}: ours ${ours}, theirs ${theirs}`).toBeLessThanOrEqual(
      Math.max(least, (isMetadata ? ofMetadata : bound) * theirs),
    );
  };
  const { cycles, computeCycles, macs, flows } = run.timeloop;
  if (cycles !== undefined) close(found.cycles, cycles, 'cycles');
  if (computeCycles !== undefined) close(found.terms.computeCycles!, computeCycles, 'cycles of multipliers');
  close(found.actions['compute.mac']!, macs, 'multiplications');
  for (const [at, { level, spaces }] of found.traffic!.entries()) {
    // Skipped metadata are priced level by level: of two data spaces there, their sum.
    const skipped = spaces.map(({ space }) => flows[`${level}.${space}`]![6] ?? 0);
    const sum = skipped.reduce((all, one) => all + one, 0);
    for (const space of spaces) {
      const theirs = flows[`${level}.${space.space}`]!;
      const inner = run.levels.slice(at + 1).every(({ keep }) => !keep.includes(space.space));
      const ours = flowOf(level, space, { actions: found.actions, found: run.levels[at]!, inner, clears });
      for (const [index, value] of theirs.entries())
        close(ours[index]!, index === 6 ? sum : value, `${level}.${space.space}[${index}]`, index > 3);
    }
  }
}

describe('timeloop-model runs the same designs', () => {
  const runs = read('runs.jsonl');
  it('the runs are there', () => {
    expect(runs).toHaveLength(27);
    expect(runs.filter(({ weights, inputs }) => (weights ?? inputs) === undefined)).toHaveLength(9);
  });
  it.each(runs)('$name', (run) => {
    const dense = run.weights === undefined && run.inputs === undefined;
    // Probabilities of whole tiles, rounded there to six digits and to whole accesses: within 1 %.
    const tiles = /tile|two-levels/.test(run.name);
    // Coordinates of tiles in tiles are reckoned there by the expected filling of each: within 1 %.
    const bounds = { bound: dense ? 0 : tiles ? 0.01 : 1e-3, ofMetadata: 0.01 };
    compare(run, estimateOf(run), { ...bounds, clears: false });
  });
});

/** The prices of the artifact's ERT, in Accelergy's own form: an action without arguments has `null`. */
const ert = `ERT:
  version: 0.3
  tables:
${Object.entries({
  'system.PE.Reg': { read: 0 },
  'system.PE.MAC': { mac_random: 0.5608, mac_gated: 0.03642 },
  'system.PE.Buffer': {
    ...{ write: 0.58331, read: 0.42568, gated_write: 1e-5, gated_read: 1e-5 },
    ...{ metadata_read: 0.7383, metadata_write: 1.42366, gated_metadata_read: 2e-5 },
  },
  'system.BackingStorage': {
    ...{ write: 26.065, read: 32.2859, gated_read: 0.00552, metadata_read: 14.0361 },
    ...{ metadata_write: 10.2583, gated_metadata_read: 0.00199 },
  },
})
  .map(([name, actions]) => {
    const rows = Object.entries(actions).map(
      ([action, energy]) => `    - name: ${action}\n      arguments: null\n      energy: ${energy}\n`,
    );
    return `  - name: ${name}\n    actions:\n${rows.join('')}`;
  })
  .join('')}`;

describe("Sparseloop's first figure as its authors ran it", () => {
  it.each(read('figure-1.jsonl'))('$name', (run) => {
    const plain = acceleratorOf(run);
    const energy = modelOfErt(plain.design!, parseErt(ert, 'ERT.yaml'), 'ERT.yaml');
    const found = estimateOf(run, { ...plain, energy });
    compare(run, found, { bound: 1e-4, ofMetadata: 1e-4, clears: true });
    for (const [level, theirs] of Object.entries(run.timeloop.energyPj ?? {})) {
      const ours = found.energy!.levels.find((one) => one.level === level)!.energy;
      // Whole multiplications there.
      expect(Math.abs(ours - theirs), `${level}: ours ${ours} pJ, theirs ${theirs}`).toBeLessThan(
        Math.max(6, 1e-4 * theirs),
      );
    }
  });
});
