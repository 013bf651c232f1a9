import { describe, expect, test } from 'vitest';
import { csvField, htmlText, latexText, markdownText, plainText } from '../src/report/escape.ts';
import { type Finding, findingsOf } from '../src/report/finding.ts';
import { renderReport, reportNamed } from '../src/report/index.ts';
import { formatCount, formatNumber, formatRatio, formatSize, formatTime } from '../src/report/numbers.ts';
import { provenanceOf } from '../src/report/provenance.ts';
import type { Result } from '../src/terms.ts';
import { fakeMachine, fakeResult } from './fakes.ts';

describe('numbers', () => {
  test.each([
    [formatTime, 12.34, '12.3 ns'],
    [formatTime, 999.6, '1.00 us'],
    [formatTime, 4.5e6, '4.50 ms'],
    [formatTime, 7.2e10, '72.0 s'],
    [formatCount, 0.2, '1'],
    [formatCount, 9999.5, '10.0k'],
    [formatCount, 2.345e6, '2.35M'],
    [formatRatio, 0.8, '0.80'],
    [formatRatio, 9.996, '10.0'],
    [formatRatio, 123.4, '123'],
    [formatNumber, 0.0123, '0.0123'],
    [formatNumber, 152.4, '152'],
    [formatSize, 2 * 2 ** 20, '2.00 MiB'],
  ])('%o(%d) is %s', (format, value, expected) => expect(format(value)).toBe(expected));
});

describe('escaping', () => {
  test('of a hostile text', () => {
    expect(plainText('a\u001b[31mb\nc\u202ed')).toBe('a?[31mb?c?d');
    expect(htmlText('<a href="x">&\'</a>')).toBe('&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;');
    expect(markdownText('[x](http://y) @z #1 `a|b`')).toBe(
      '\\[x\\](http:&#8203;//y) &#64;&#8203;z &#35;&#8203;1 \\`a\\|b\\`',
    );
    expect(latexText('50 % of $x_1$ \\input{y}')).toBe('50 \\% of \\$x\\_1\\$ \\textbackslash{}input\\{y\\}');
    expect(csvField('=1+1')).toBe("'=1+1");
    expect(csvField('a,"b"')).toBe('"a,""b"""');
    expect(csvField(-1.5)).toBe('-1.5');
    expect(csvField(null)).toBe('');
  });
});

describe('the terminal table', () => {
  const text = (options: { width?: number; color?: boolean; all?: boolean }) =>
    renderReport(reportNamed('terminal')!, [fakeResult({ densities: [0.1, 0.5] })], {
      resamples: 50,
      ...options,
    }) as string;

  test.each([60, 80, 100, 140])('fits a terminal of %i characters', (width) => {
    for (const line of text({ width }).split('\n')) expect(line.length).toBeLessThanOrEqual(width);
  });

  test('drops columns only where room is short, and never speed-ups', () => {
    expect(text({ width: 60 })).toContain('speed-up');
    expect(text({ width: 60 })).not.toContain('break-even');
    expect(text({ width: 140 })).toContain('break-even');
  });

  test('is plain without colours, and the same with them taken away', () => {
    const escapes = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g');
    expect(text({})).not.toMatch(escapes);
    expect(text({ color: true })).toMatch(escapes);
    expect(text({ color: true }).replace(escapes, '')).toBe(text({}));
  });

  test('shows every kernel when asked', () => {
    const rows = (out: string) => out.split('\n').filter((line) => /^ +\d+ {2}\S+-\S+/.test(line)).length;
    expect(rows(text({ all: true }))).toBeGreaterThan(3 * rows(text({})));
  });
});

describe('two machines', () => {
  test('stand side by side, told apart by name or run', () => {
    const other = fakeResult({ slower: 2, header: { machine: fakeMachine({ cpuBrand: 'Other CPU' }) } });
    const names = (results: readonly Result[]) =>
      findingsOf(results, { resamples: 20 }).map((each: Finding) => each.machineName);
    expect(names([fakeResult(), other])).toEqual(['Fake Xeon 8400', 'Other CPU']);
    expect(new Set(names([fakeResult(), fakeResult({ header: { runId: 'second' } })])).size).toBe(2);
    const text = renderReport(reportNamed('markdown')!, [fakeResult(), other], { resamples: 20 }) as string;
    expect(text).toContain('| Fake Xeon 8400 (sparsity) | Other CPU (sparsity) |');
  });
});

describe('provenance', () => {
  const result = fakeResult({ shapes: [{ m: 64, k: 128, n: 16 }], densities: [0.1, 0.5], troubled: false });
  const line = (of: Result) => provenanceOf(findingsOf([of], { resamples: 20 })[0]!);
  const suite = { ...result.header.suite, version: '1.0', digest: '98d776702217'.padEnd(64, '0') };
  const shown = { ...result, header: { ...result.header, suite } };

  test('says suite, version, digest and how many mask seeds an interval rests on', () => {
    expect(line(shown)).toBe('suite quick 1.0 (released), 3 mask seeds, digest 98d776702217');
    const draft = { ...shown, header: { ...shown.header, suite: { ...suite, released: false } } };
    expect(line(draft)).toMatch(/^suite quick 1\.0 \(not released\), /);
    const only = (keep: (seed: number, density: number) => boolean): Result => {
      const ids = new Set(
        shown.workloads.filter((each) => keep(each.seed, each.density)).map((each) => each.id),
      );
      return { ...shown, measurements: shown.measurements.filter((each) => ids.has(each.workload)) };
    };
    expect(line(only((seed) => seed === 1))).toContain(', 1 mask seed, ');
    expect(line(only((seed, density) => seed === 1 || density === 0.5))).toContain(', 1-3 mask seeds, ');
    expect(line({ ...shown, measurements: [] })).toBe('suite quick 1.0 (released), digest 98d776702217');
  });

  test.each(['terminal', 'markdown', 'latex', 'json', 'html'])('stands in %s', (name) => {
    const text = renderReport(reportNamed(name)!, [shown], { resamples: 20 }) as string;
    // Markdown keeps a digest from being taken for a commit.
    const read = text.replaceAll('&#8203;', '');
    expect(read).toContain('suite quick 1.0 (released), 3 mask seeds, digest 98d776702217');
  });

  test('stands in columns of csv', () => {
    const text = renderReport(reportNamed('csv')!, [shown], { resamples: 20 }) as string;
    const [head, row] = text.split('\r\n').map((each) => each.split(','));
    const of = (name: string) => row![head!.indexOf(name)];
    expect(['suite', 'suiteVersion', 'suiteReleased', 'suiteDigest', 'maskSeeds'].map(of)).toEqual([
      'quick',
      '1.0',
      'true',
      '98d776702217',
      '3',
    ]);
  });
});

describe('golden reports', () => {
  const result = fakeResult({ shapes: [{ m: 512, k: 2048, n: 128 }], densities: [0.1, 0.3, 0.5] });
  test.each(['terminal', 'markdown', 'latex', 'csv'])(
    '%s (npx vitest run test/report-text.test.ts -u writes it)',
    async (name) => {
      const report = reportNamed(name)!;
      const text = renderReport(report, [result], { width: 100, resamples: 200 }) as string;
      await expect(text).toMatchFileSnapshot(`golden/report/quick.${report.extension}`);
    },
  );
});
