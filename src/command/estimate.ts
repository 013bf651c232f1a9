/** `sparsemark estimate`: what a suite or a topology would cost on accelerators that are not here. */
import { join } from 'node:path';
import { acceleratorNames } from '../accelerator/accelerator.ts';
import { computeReport, sparseReport } from '../accelerator/compute-report.ts';
import { withErt } from '../accelerator/ert.ts';
import { formulaOf } from '../accelerator/formula.ts';
import { mappingText } from '../accelerator/mapping.ts';
import { formulaText } from '../report/estimates/formula.ts';
import type { Accelerator, Estimate } from '../terms/accelerator.ts';
import { exitCodes, SparsemarkError } from '../terms.ts';
import { estimatePath, writeEstimates } from './estimate-file.ts';
import { actually, type Estimated, type LayerOptions, statistically } from './estimated-layers.ts';
import { asJson, fittingRows, type Output, plainTable, writeText } from './output.ts';
import { partsProgressOf } from './progress.ts';
import { acceleratorsNamed } from './this-cpu.ts';

export interface EstimateOptions extends LayerOptions {
  readonly accelerator?: readonly string[];
  /** Result file whose machine `this-cpu` is, instead of measuring this one. */
  readonly ceilings?: string;
  /** An energy reference table instead of the accelerators' own tables. */
  readonly ert?: string;
  readonly explain?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
  /** Folder for COMPUTE_REPORT.csv, as SCALE-Sim writes it. */
  readonly scaleSim?: string;
  /** Result file; default results/local/estimate-<suite>-<time>.jsonl. */
  readonly out?: string;
}

/** Three significant digits, without an exponent. */
function short(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

/** The interval of the cycles and what was counted; of a layer that was counted whole, that. */
function sampleCells(sample: Estimate['sample']): string[] {
  if (sample === undefined) return ['exact', 'all'];
  const [low, high] = sample.cyclesInterval;
  return [`${short(low)}-${short(high)}`, `${sample.blocks} of ${sample.of}`];
}

/** Picojoules as microjoules; energies of a table of ratios with their unit, so that no number passes for another. */
function energyCell(energy: Estimate['energy']): string {
  if (energy === null) return '-';
  return energy.unit === 'pJ' ? short(energy.total / 1e6) : `${short(energy.total)} ${energy.unit}s`;
}

/** Columns that a narrow terminal goes without, the first of all of them first: us, used %, inputs, weights, x dense. */
const droppable = [5, 7, 2, 1, 6] as const;

/** A row an estimate; with both modes, the actual estimate beside how far the statistical one is from it. */
function tableOf(found: readonly Estimated[], room: number): string {
  const both = found.some(({ answers }) => answers.some(({ difference }) => difference !== undefined));
  const sampled = found.some(({ answers }) => answers.some(({ estimates }) => estimates.at(-1)!.sample));
  const rows = found.flatMap(({ layer, answers }) => {
    const { m, k, n } = layer.shape;
    return answers.map(({ estimates, difference }) => {
      const { accelerator, cycles, timeNs, denseCycles, utilisation, evidence, energy, sample } =
        estimates.at(-1)!;
      const row = [
        `${layer.name} ${m}x${k}x${n}`,
        short(layer.weightDensity),
        short(layer.activationDensity),
        accelerator,
        short(cycles),
        short(timeNs / 1000),
        short(denseCycles / cycles),
        short(100 * utilisation),
        energyCell(energy),
        evidence,
      ];
      if (sampled) row.push(...sampleCells(sample));
      if (difference === undefined) return row;
      const { relative, trustworthy, reasons } = difference;
      const sign = relative > 0 ? '+' : '';
      const mark = trustworthy
        ? ''
        : `not trustworthy: ${reasons.join('; ') || 'places beyond rows, columns and gaps'}`;
      return [...row, `${sign}${short(100 * relative)}`, mark];
    });
  });
  const head = [
    'layer',
    'weights',
    'inputs',
    'accelerator',
    'cycles',
    'us',
    'x dense',
    'used %',
    'uJ',
    'evidence',
  ];
  if (sampled) head.push('95 % of cycles', 'blocks');
  return plainTable(fittingRows([both ? [...head, 'statistics %', ''] : head, ...rows], droppable, room));
}

function explanationOf(accelerator: Accelerator, estimates: readonly Estimate[]): string {
  const lines = estimates.map(({ layer, mode, terms, actions, energy, mapping, traffic }) => {
    const list = (named: Readonly<Record<string, number>>): string =>
      Object.entries(named)
        .filter(([, value]) => mapping === null || value !== 0)
        .map(([name, value]) => `${name} ${short(value)}`)
        .join(', ');
    const lines = [`  ${layer}, ${mode}`, `    terms: ${list(terms)}`, `    actions: ${list(actions)}`];
    if (mapping !== null) lines.push(`    mapping: ${mappingText(mapping)}`);
    for (const { level, cycles, bits, heldBits } of traffic ?? [])
      lines.push(
        `    ${level}: busy ${short(cycles)} cycles, moves ${short(bits)} bits, holds ${short(heldBits)} bits`,
      );
    for (const { level, accesses, bits, energy: spent } of energy?.levels ?? [])
      lines.push(
        `    ${level}: ${short(accesses)} accesses, ${short(bits)} bits, ${short(spent)} ${energy!.unit}`,
      );
    return lines.join('\n');
  });
  return [
    `${accelerator.name}: ${accelerator.title} (${accelerator.source})`,
    `  engine class ${accelerator.engine}, ${accelerator.clockMhz} MHz; dense: ${accelerator.baseline}`,
    `  ${accelerator.evidence}: ${accelerator.against}`,
    ...formulaOf(accelerator).lines.map((line) => `  ${line.name}: ${formulaText(line)}`),
    `  energy: ${accelerator.energy === null ? `none, ${accelerator.withoutEnergy ?? 'no table prices it'}` : `table ${accelerator.energy.table}`}`,
    ...lines,
  ].join('\n');
}

const legends = {
  statistical: 'Expected cycles by formula, densities uniform',
  actual: 'Cycles counted on the real places of the nonzeros',
  sampled: 'Cycles counted on the real places of the nonzeros of some blocks, with the interval of the whole',
  both: 'Cycles counted on the real places of the nonzeros; "statistics %" is how far the formula with the same densities is from them',
};

const filterText = ({ filter, density }: LayerOptions): string | null =>
  [
    ...(filter === undefined ? [] : [filter]),
    ...(density === undefined ? [] : [`density ${density.join(',')}`]),
  ].join(' ') || null;

/** SCALE-Sim's reports, as paths and texts: of one array, since each of them is a folder there. */
function scaleSimReports(
  folder: string,
  accelerators: readonly Accelerator[],
  found: readonly Estimated[],
): readonly (readonly [string, string])[] {
  const [accelerator, ...others] = accelerators;
  if (accelerator === undefined || others.length > 0) {
    throw new SparsemarkError(
      'USAGE',
      `Expected one accelerator for --scale-sim, received ${accelerators.length}. Name a systolic array with --accelerator.`,
    );
  }
  const rows = found.map(({ layer, answers }) => ({ layer, estimate: answers[0]!.estimates.at(-1)! }));
  const sparse = sparseReport(accelerator, rows);
  return [
    [join(folder, 'COMPUTE_REPORT.csv'), computeReport(accelerator, rows)],
    ...(sparse === null ? [] : [[join(folder, 'SPARSE_REPORT.csv'), sparse] as const]),
  ];
}

/**
 * Writes a result file and prints a table, or JSON. Accelerators with nothing to hold them against are left out unless
 * asked for. Throws INTERRUPTED when the signal fires.
 */
export async function estimateCommand(
  what: string,
  options: EstimateOptions,
  output: Output,
  command: string,
  signal?: AbortSignal,
): Promise<number> {
  const startedAt = new Date();
  const path = estimatePath(what, startedAt, options.out);
  const { ert } = options;
  const loaded = acceleratorsNamed(options.accelerator ?? acceleratorNames(), options.ceilings);
  const asked = ert === undefined ? loaded : loaded.map((one) => withErt(one, ert));
  const named = options.accelerator !== undefined || options.all === true;
  const mode = options.mode ?? 'statistical';
  const shown = asked.filter(({ evidence }) => named || evidence !== 'formula');
  // A generic design has no count of its own; named, it is refused.
  const counts = options.accelerator !== undefined || mode === 'statistical';
  const accelerators = shown.filter(({ design }) => counts || design === null);
  const progress = { onLayer: partsProgressOf(output), ...(signal && { signal }) };
  const found =
    mode === 'statistical'
      ? statistically(what, options, accelerators)
      : await actually(what, options, accelerators, progress);
  if (output.isTerminal && mode !== 'statistical') output.redraw('');
  const run = { what, filter: filterText(options), command, startedAt, accelerators, found };
  const reports =
    options.scaleSim === undefined ? null : scaleSimReports(options.scaleSim, accelerators, found);
  writeEstimates(run, path);
  for (const [report, text] of reports ?? []) {
    writeText(report, text);
    output.say(`report: ${report}`);
  }
  if (options.json === true) {
    output.say(`result: ${path}`);
    const answers = found.flatMap((of) => of.answers);
    output.result(
      asJson({
        accelerators,
        layers: found.map(({ layer }) => layer),
        estimates: answers.flatMap(({ estimates }) => estimates),
        ...(mode === 'both' && { differences: answers.map(({ difference }) => difference) }),
      }),
    );
    return exitCodes.ok;
  }
  output.result(tableOf(found, output.terminalWidth ?? Number.POSITIVE_INFINITY));
  if (options.explain === true) {
    for (const [at, accelerator] of accelerators.entries()) {
      const estimates = found.flatMap(({ answers }) => answers[at]!.estimates);
      output.result(`\n${explanationOf(accelerator, estimates)}`);
    }
  }
  const tables = new Set(accelerators.flatMap(({ energy }) => (energy === null ? [] : [energy.table])));
  if (tables.size > 1)
    output.say(`Energies from ${[...tables].join(' and ')}: not to be compared with one another.`);
  if (shown.length > accelerators.length)
    output.say(`${shown.length - accelerators.length} generic designs left out: they count no masks.`);
  const left = asked.length - shown.length;
  if (left > 0)
    output.say(`${left} accelerators with formulas that nothing was held against: --all shows them.`);
  output.say(`${legends[mode]}; "x dense" is against the baseline that --explain names.`);
  output.say(`result: ${path}`);
  return exitCodes.ok;
}
