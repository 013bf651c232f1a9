/** The report as CSV: one row a case, every figure with its interval, for spreadsheets and data frames. */
import type { Measured, Measurement, WorkloadRecord } from '../terms.ts';
import type { Cell } from './derive.ts';
import { csvField } from './escape.ts';
import type { EstimateRow } from './estimates/view.ts';
import { type Finding, maskSeedsOf } from './finding.ts';
import { metrics } from './metrics.ts';
import type { Report } from './report.ts';

type Field = string | number | boolean | null;

const caseColumns: readonly [
  name: string,
  value: (record: WorkloadRecord, of: Measurement, on: Finding) => Field,
][] = [
  ['machine', (_record, _of, on) => on.machineName],
  ['run', (_record, _of, on) => on.result.header.runId],
  ['suite', (_record, _of, on) => on.result.header.suite.name],
  ['suiteVersion', (_record, _of, on) => on.result.header.suite.version],
  ['suiteReleased', (_record, _of, on) => on.result.header.suite.released],
  ['suiteDigest', (_record, _of, on) => on.result.header.suite.digest.slice(0, 12)],
  ['case', (_record, of) => of.id],
  ['status', (_record, of) => of.status],
  ['op', (record) => record.op],
  ['dtype', (record) => record.dtype],
  ['m', (record) => record.shape.m],
  ['k', (record) => record.shape.k],
  ['n', (record) => record.shape.n],
  ['cache', (record) => record.cache],
  ['pattern', (record) => record.pattern.label],
  ['density', (record) => record.density],
  ['achievedDensity', (record) => record.achievedDensity],
  ['seed', (record) => record.seed],
  ['layer', (record) => record.layer],
  ['library', (_record, of) => of.library],
  ['kernel', (_record, of) => of.kernel],
  ['format', (_record, of) => of.format],
  ['isa', (_record, of) => of.isa],
  ['threads', (_record, of) => of.threads],
  ['dense', (_record, of) => of.dense],
];

/** `seeds` are the mask seeds of each cell's group: what the interval over masks rests on. */
const cellColumns: readonly [name: string, value: (cell: Cell, seeds: ReadonlyMap<Cell, number>) => Field][] =
  [
    ['baseline', (cell) => cell.baseline?.kernel ?? null],
    ['bound', (cell) => cell.roofline?.bound ?? null],
    ['samples', (cell) => cell.measured.samplesNs.length],
    ['settled', (cell) => cell.measured.warmup.settled],
    ['maskSeeds', (cell, seeds) => seeds.get(cell) ?? null],
    ...metrics.flatMap(({ name, value, interval }): [string, (cell: Cell) => Field][] => [
      [name, (cell) => neverFor(value(cell))],
      ...(interval === undefined
        ? []
        : ([
            [`${name}Low`, (cell: Cell) => neverFor(interval(cell)?.[0] ?? null)],
            [`${name}High`, (cell: Cell) => neverFor(interval(cell)?.[1] ?? null)],
          ] satisfies [string, (cell: Cell) => Field][])),
    ]),
  ];

function neverFor(value: number | null): Field {
  return value === Number.POSITIVE_INFINITY ? 'never' : value;
}

/** What a row of an estimate has in columns of measurements that mean the same. */
const sharedColumns: Readonly<Record<string, (row: EstimateRow) => Field>> = {
  case: ({ accelerator, record }) => `${record.layer.name}/${accelerator.name}`,
  status: () => 'estimated',
  m: ({ record }) => record.layer.shape.m,
  k: ({ record }) => record.layer.shape.k,
  n: ({ record }) => record.layer.shape.n,
  pattern: ({ record }) => record.pattern,
  density: ({ record }) => record.layer.weightDensity,
  seed: ({ record }) => record.seed,
  layer: ({ record }) => record.layer.name,
  speedup: ({ speedup }) => speedup,
};

/** Columns of estimates alone, behind all others and only where there are estimates. */
const estimateColumns: readonly [name: string, value: (row: EstimateRow) => Field][] = [
  ['accelerator', ({ accelerator }) => accelerator.name],
  ['evidence', ({ accelerator }) => accelerator.evidence],
  ['mode', ({ record }) => record.mode],
  ['trustworthy', ({ distrusted }) => !distrusted],
  ['activationDensity', ({ record }) => record.layer.activationDensity],
  ['cycles', ({ record }) => record.cycles],
  ['denseCycles', ({ record }) => record.denseCycles],
  ['estimatedNs', ({ timeNs }) => timeNs],
  ['macs', ({ record }) => record.macs],
  ['effectualMacs', ({ record }) => record.effectualMacs],
  ['utilisation', ({ utilisation }) => utilisation],
  ['energy', ({ record }) => record.energy?.total ?? null],
  ['energyUnit', ({ record }) => record.energy?.unit ?? null],
  ['energyTable', ({ record }) => record.energy?.table ?? null],
];

/** One row a case, the ones without a time included. Always everything: `all` and `width` do not matter. */
export const csv: Report = {
  name: 'csv',
  description: 'one row a case with all figures and intervals',
  extension: 'csv',
  render: (findings, _, { rows: estimates }) => {
    const names = [...caseColumns, ...cellColumns].map(([name]) => name);
    const extra = estimates.length === 0 ? [] : estimateColumns;
    const rows: Field[][] = [[...names, ...extra.map(([name]) => name)]];
    for (const finding of findings) {
      const records = new Map(finding.result.workloads.map((record) => [record.id, record]));
      const cells = new Map<Measured, Cell>(finding.cells.map((cell) => [cell.measured, cell]));
      const seeds = new Map(
        finding.groups.flatMap((group) => group.cells.map((each) => [each, maskSeedsOf(group)] as const)),
      );
      for (const of of finding.result.measurements) {
        const record = records.get(of.workload)!;
        const cell = of.status === 'measured' ? cells.get(of) : undefined;
        rows.push([
          ...caseColumns.map(([, value]) => value(record, of, finding)),
          ...cellColumns.map(([, value]) => (cell === undefined ? null : value(cell, seeds))),
          ...extra.map(() => null),
        ]);
      }
    }
    for (const row of estimates)
      rows.push([
        ...names.map((name) => sharedColumns[name]?.(row) ?? null),
        ...extra.map(([, value]) => value(row)),
      ]);
    return rows.map((row) => `${row.map(csvField).join(',')}\r\n`).join('');
  },
};
