/** The tables of estimates: what each layer costs, and what each accelerator was held against. */
import {
  formatExactPercent,
  formatNumber,
  formatPercent,
  formatRatio,
  formatSize,
  formatTime,
} from '../numbers.ts';
import type { Column, Entry, Table } from '../tables.ts';
import { formulaText } from './formula.ts';
import type { EstimateRow, EstimateView } from './view.ts';

const left = (title: string, rank = 0, unit = ''): Column => ({ title, unit, align: 'left', rank });
const right = (title: string, rank = 0, unit = ''): Column => ({ title, unit, align: 'right', rank });

/** Stands under every table of estimates and in every caption. */
export const evidenceNote =
  'Evidence: replayed, an exact count gives the authors\u2019 own data; validated, published figures that the formula was not made from; calibrated, figures that it was made from, which is not a validation; formula, nothing. A speed-up is against the baseline of its accelerator.';

/** How an estimate came about: `expected`, `counted`, and where it was found to be off. */
function modeEntry({ record, distrusted }: EstimateRow): Entry {
  if (distrusted) return { text: 'expected, NOT TRUSTWORTHY', tone: 'bad' };
  if (record.sample !== undefined) return { text: `counted ${record.sample.blocks} of ${record.sample.of}` };
  return { text: record.mode === 'actual' ? 'counted' : 'expected' };
}

const grouped = (value: number): string => Math.round(value).toLocaleString('en-US');

/** Energy in the unit of its table; pJ in what fits. */
function energyEntry({ record: { energy } }: EstimateRow): Entry {
  if (energy === null) return { text: '-' };
  const { total, unit, table } = energy;
  return {
    text: `${unit === 'pJ' ? `${formatNumber(total / 1e6)} uJ` : `${grouped(total)} MAC`} (${table})`,
    value: total,
  };
}

/** One row a layer and accelerator. */
export function estimateTable({ rows }: EstimateView): Table {
  const counted = rows.some(({ record }) => record.pattern !== null);
  return {
    title: 'Estimates: hardware that is not here',
    columns: [
      left('layer'),
      left('m x k x n', 2),
      ...(counted ? [left('pattern', 1)] : []),
      right('sparsity', 0, '%'),
      right('inputs', 3, '% zeros'),
      left('accelerator'),
      left('evidence'),
      right('cycles', 4),
      right('time', 1),
      right('speed-up'),
      right('used', 5, '%'),
      left('energy', 6, '(table)'),
      left('nonzeros', 1),
    ],
    rows: rows.map((row) => {
      const { layer, pattern, seed, cycles } = row.record;
      const { m, k, n } = layer.shape;
      const sparsity = 1 - layer.weightDensity;
      return [
        { text: layer.name === '' ? `${m}x${k}x${n}` : layer.name },
        { text: `${m} x ${k} x ${n}`, value: m * k * n },
        ...(counted ? [{ text: pattern === null ? '-' : `${pattern} s${seed}` }] : []),
        { text: formatExactPercent(sparsity), value: sparsity },
        { text: formatExactPercent(1 - layer.activationDensity), value: 1 - layer.activationDensity },
        { text: row.accelerator.name },
        { text: row.accelerator.evidence },
        { text: grouped(cycles), value: cycles },
        { text: formatTime(row.timeNs), value: row.timeNs },
        row.speedup === null ? { text: '-' } : { text: formatRatio(row.speedup), value: row.speedup },
        { text: formatPercent(row.utilisation), value: row.utilisation },
        energyEntry(row),
        modeEntry(row),
      ];
    }),
  };
}

/** One row an accelerator: its evidence in full. */
export function acceleratorTable({ accelerators }: EstimateView): Table {
  return {
    title: 'Accelerators',
    columns: [
      left('accelerator'),
      left('what', 2),
      right('clock', 3, 'MHz'),
      left('evidence'),
      left('speed-up against', 1),
      left('held against'),
    ],
    rows: accelerators.map(({ name, title, clockMhz, evidence, baseline, against }) => [
      { text: name },
      { text: title },
      { text: formatNumber(clockMhz), value: clockMhz },
      { text: evidence },
      { text: baseline },
      { text: against },
    ]),
  };
}

/** One row a line of an accelerator's formula, its numbers by the names of `estimate --explain`. */
export function formulaTable({ accelerators }: EstimateView): Table {
  return {
    title: 'Formulas',
    columns: [left('accelerator'), left('number'), left('is')],
    rows: accelerators.flatMap(({ name, formula = [] }) =>
      formula.map((line): readonly Entry[] => [name, line.name, formulaText(line)].map((text) => ({ text }))),
    ),
  };
}

/** One row a layer whose statistical and counted cycles were compared. */
export function differenceTable({ rows }: EstimateView): Table {
  return {
    title: 'How far statistics are from counts',
    columns: [
      left('layer'),
      left('pattern', 1),
      right('sparsity', 0, '%'),
      left('accelerator'),
      right('statistics', 0, '% off'),
      left('why'),
    ],
    rows: rows.flatMap(({ accelerator, record: { layer, pattern, seed, difference } }) => {
      if (difference === undefined) return [];
      const { relative, trustworthy, reasons } = difference;
      const entry: readonly Entry[] = [
        { text: layer.name },
        { text: `${pattern} s${seed}` },
        { text: formatExactPercent(1 - layer.weightDensity), value: 1 - layer.weightDensity },
        { text: accelerator.name },
        {
          text: `${relative > 0 ? '+' : ''}${formatExactPercent(relative)}`,
          value: relative,
          ...(!trustworthy && { tone: 'bad' as const }),
        },
        {
          text: trustworthy
            ? 'trustworthy'
            : `NOT TRUSTWORTHY: ${reasons.join('; ') || 'places beyond rows, columns and gaps'}`,
        },
      ];
      return [entry];
    }),
  };
}

/** One row a level of a generic design and layer: what passes it, and how long its ports are busy. */
export function trafficTable({ rows }: EstimateView): Table {
  const size = (bits: number): Entry => ({ text: formatSize(Math.round(bits / 8)), value: bits / 8 });
  return {
    title: 'Traffic a level of generic designs',
    columns: [
      left('layer'),
      right('sparsity', 0, '%'),
      left('accelerator'),
      left('level'),
      right('moved'),
      right('of it metadata', 2),
      right('held', 3),
      right('ports busy', 1, '%'),
    ],
    rows: rows.flatMap(({ accelerator, record: { layer, cycles, traffic = [] } }) =>
      traffic.map(({ level, bits, heldBits, cycles: busy, spaces }): readonly Entry[] => {
        const { m, k, n } = layer.shape;
        const metadata = spaces.reduce(
          (sum, { metadataReadBits, metadataWriteBits }) => sum + metadataReadBits + metadataWriteBits,
          0,
        );
        return [
          { text: layer.name === '' ? `${m}x${k}x${n}` : layer.name },
          { text: formatExactPercent(1 - layer.weightDensity), value: 1 - layer.weightDensity },
          { text: accelerator.name },
          { text: level },
          size(bits),
          size(metadata),
          size(heldBits),
          cycles > 0 ? { text: formatPercent(busy / cycles), value: busy / cycles } : { text: '-' },
        ];
      }),
    ),
  };
}

/** All tables of a view, those without rows included. */
export function estimateTables(view: EstimateView): readonly Table[] {
  return [estimateTable(view), trafficTable(view), differenceTable(view), acceleratorTable(view)];
}

/** What is to be said beneath the tables: what evidence means, what is hidden, which energies never to compare. */
export function estimateNotes(view: EstimateView): readonly string[] {
  const notes = view.rows.length === 0 ? [] : [evidenceNote];
  const tables = [...new Set(view.rows.flatMap(({ record }) => record.energy?.table ?? []))];
  if (tables.length > 1)
    notes.push(`Energies from ${tables.join(' and ')}: not to be compared with one another.`);
  if (view.hidden.length > 0)
    notes.push(
      `Not shown, since nothing was held against their formulas: ${view.hidden.join(', ')}. report --all shows them.`,
    );
  return notes;
}
