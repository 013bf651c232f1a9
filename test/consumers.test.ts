/**
 * The exports of a comparison, by the rules of those that read them, as their sources have them: Bencher's adapter
 * (bencherdev/bencher@8d75325), Otava's CSV importer (apache/otava@1ceb153), google/benchmark@267a111's compare.py and
 * benchmark-action/github-action-benchmark@c38cce9. Each rule refuses something, or it would be no rule.
 */
import Ajv from 'ajv';
import { describe, expect, it } from 'vitest';
import { renderComparison } from '../src/report/comparison/index.ts';
import { viewOfComparison } from '../src/report/comparison/view.ts';
import { judge } from '../src/result/compare.ts';
import { type FakeCell, fakeComparison } from './fake-comparison.ts';
import { hostileText } from './fakes.ts';

const cells: readonly FakeCell[] = [
  { ratio: 1 },
  { ratio: 1.2, attempts: 2 },
  { status: 'missing' },
  { status: 'wrong' },
  { status: 'skipped' },
];
const names = { plain: {}, hostile: { kernel: `${hostileText},"q"`, label: '=cmd,"x"' } };
const rendered = (report: string, of: keyof typeof names): string => {
  const comparison = fakeComparison(cells, names[of]);
  return renderComparison(report, viewOfComparison(comparison, judge(comparison)));
};
/** Those with a time; the controls are no cells of a report. */
const timed = 2;

/** Bencher's published schema of its metric format, https://bencher.dev/v0/bmf.json */
const metricFormat = {
  type: 'object',
  patternProperties: {
    '.+': {
      type: 'object',
      patternProperties: {
        '.+': {
          type: 'object',
          properties: {
            value: { type: 'number' },
            lower_value: { type: 'number' },
            upper_value: { type: 'number' },
          },
          required: ['value'],
        },
      },
    },
  },
};
/** What its adapter asks for beyond that: names by length in bytes, and an ending that hides a benchmark. */
function bencherFaults(text: string): readonly string[] {
  const validate = new Ajv.default({ strict: false }).compile(metricFormat);
  const metrics = JSON.parse(text) as Record<string, Record<string, unknown>>;
  if (!validate(metrics)) return [new Ajv.default().errorsText(validate.errors)];
  return Object.entries(metrics).flatMap(([name, measures]) => [
    ...(name === '' || Buffer.byteLength(name) > 1024 ? [`the length of ${name}`] : []),
    ...(/(_bencher_ignore|BencherIgnore|-bencher-ignore)$/.test(name) ? [`${name} is ignored`] : []),
    ...Object.keys(measures).flatMap((measure) =>
      measure.trim() !== measure || measure === '' || Buffer.byteLength(measure) > 64
        ? [`measure ${measure}`]
        : [],
    ),
  ]);
}

/** Rows of a CSV file as Python's `csv` reads them with its defaults, which Otava takes. */
function csvRows(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, field = '', quoted, end] of text.matchAll(/("(?:[^"]|"")*"|[^",\n]*)()(,|\n)/g)) {
    expect(quoted).toBe('');
    rows.at(-1)!.push(field.startsWith('"') ? field.slice(1, -1).replace(/""/g, '"') : field);
    if (end === '\n') rows.push([]);
  }
  return rows.slice(0, -1);
}
/** What Otava's importer refuses, with `time` as the time's column, `commit` an attribute, all others metrics. */
function otavaFaults(text: string): readonly string[] {
  const [header, ...rows] = csvRows(text);
  const metrics = header!.flatMap((name, at) => (['time', 'commit'].includes(name) ? [] : [at]));
  return [
    ...['time', 'commit'].filter((name) => !header!.includes(name)).map((name) => `no column ${name}`),
    // A column of that name chooses rows, and two of one name are one.
    ...(header!.includes('branch') ? ['a branch'] : []),
    ...(new Set(header).size < header!.length ? ['a column twice'] : []),
    ...rows.flatMap((row) => [
      ...(row.length < header!.length ? ['a short row'] : []),
      ...(Number.isNaN(Date.parse(row[header!.indexOf('time')]!)) ? ['no time'] : []),
      ...metrics.flatMap((at) =>
        row[at] !== '' && Number.isFinite(Number(row[at])) ? [] : [`no number: ${row[at]}`],
      ),
    ]),
  ];
}

describe.each(['plain', 'hostile'] as const)('of %s names', (of) => {
  it('Bencher takes each cell with its time and ratio', () => {
    const text = rendered('bencher', of);
    expect(bencherFaults(text)).toEqual([]);
    const metrics = Object.values(JSON.parse(text) as Record<string, Record<string, Record<string, number>>>);
    expect(metrics).toHaveLength(timed);
    for (const { latency, ratio } of metrics) {
      expect(latency!.value).toBeGreaterThan(0);
      expect(ratio!.lower_value).toBeLessThanOrEqual(ratio!.value!);
      expect(ratio!.upper_value).toBeGreaterThanOrEqual(ratio!.value!);
    }
  });

  it('Otava takes a row, and the rows of several comparisons below one header', () => {
    const text = rendered('otava', of);
    expect(otavaFaults(text)).toEqual([]);
    const [header, row] = text.split('\n');
    expect(otavaFaults(`${header}\n${row}\n${row}\n`)).toEqual([]);
    expect(csvRows(text)[0]).toHaveLength(2 + timed);
  });

  it('compare.py and github-action-benchmark find each name once, with a time', () => {
    const google = JSON.parse(rendered('google-benchmark', of)).benchmarks as Record<string, unknown>[];
    const custom = JSON.parse(rendered('custom-smaller-is-better', of)) as Record<string, unknown>[];
    for (const list of [google, custom]) {
      expect(list).toHaveLength(timed);
      expect(new Set(list.map(({ name }) => name)).size).toBe(timed);
    }
    for (const { real_time, cpu_time, time_unit, run_type, repetition_index } of google)
      expect([real_time, cpu_time, time_unit, run_type, repetition_index]).toEqual([
        expect.any(Number),
        expect.any(Number),
        'ns',
        'iteration',
        0,
      ]);
    for (const { name, unit, value } of custom)
      expect([name, unit, value]).toEqual([expect.any(String), 'ns', expect.any(Number)]);
  });
});

describe('of too few samples', () => {
  const comparison = fakeComparison([{ ratio: 1 }, { ratio: 1.2 }]);
  const whole = viewOfComparison(comparison, judge(comparison));
  const unknown = [0, Number.POSITIVE_INFINITY] as const;
  const kept = ['no interval', 'no ratio'] as const;
  const [noInterval, noRatio] = kept.map((what, index) => {
    const cell = whole.judgement.cells[index]!;
    const ratio = what === 'no ratio' ? Number.NaN : cell.estimate!.ratio;
    return { ...cell, estimate: { ...cell.estimate!, ratio, interval: unknown, bootstrap: unknown } };
  });
  const view = { ...whole, judgement: { ...whole.judgement, cells: [noInterval!, noRatio!] } };

  it('a cell without an interval has its time and ratio, one without a ratio is left out', () => {
    const bencher = renderComparison('bencher', view);
    expect(bencherFaults(bencher)).toEqual([]);
    const { ratio } = JSON.parse(bencher)[noInterval!.of.id];
    expect(ratio).toEqual({ value: noInterval!.estimate.ratio });
    const otava = renderComparison('otava', view);
    expect(otavaFaults(otava)).toEqual([]);
    const custom = renderComparison('custom-smaller-is-better', view);
    expect(JSON.parse(custom)).toEqual([
      expect.objectContaining({ name: noInterval!.of.id, value: noInterval!.headNs }),
    ]);
    for (const text of [bencher, otava, custom]) {
      expect(text).not.toMatch(/Infinity|NaN|null/);
      expect(text).not.toContain(noRatio!.of.id);
    }
  });
});

describe('the rules refuse', () => {
  it('what Bencher would', () => {
    const bad = (text: object): void => expect(bencherFaults(JSON.stringify(text))).not.toEqual([]);
    bad([]);
    bad({ a: { latency: { lower_value: 1 } } });
    bad({ a: { latency: { value: null } } });
    bad({ a: { latency: { value: 1, upper_value: '2' } } });
    bad({ ['a'.repeat(1025)]: { latency: { value: 1 } } });
    bad({ a_bencher_ignore: { latency: { value: 1 } } });
    bad({ a: { ' latency': { value: 1 } } });
  });

  it('what Otava would', () => {
    const good = 'time,commit,"a,b"\n2026-01-02T03:04:05.000Z,abc,1.5\n';
    expect(otavaFaults(good)).toEqual([]);
    for (const [from, to] of [
      ['time', 'when'],
      ['1.5', ''],
      ['1.5', 'fast'],
      [',1.5', ''],
      ['2026-01', 'x'],
      ['"a,b"', 'commit'],
      ['"a,b"', 'branch'],
    ] as const)
      expect(otavaFaults(good.replace(from, to)), `${from} to ${to}`).not.toEqual([]);
  });
});
