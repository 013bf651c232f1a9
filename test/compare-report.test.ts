/** The reports of a comparison, and its file: nothing of either can do harm, everything is there. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { comparisonReports, renderComparison } from '../src/report/comparison/index.ts';
import {
  type ComparisonView,
  sentenceOfComparison,
  viewOfComparison,
} from '../src/report/comparison/view.ts';
import { judge } from '../src/result/compare.ts';
import { kindOfFile, readComparison, writeComparison } from '../src/result/comparison-file.ts';
import type { Comparison } from '../src/terms/comparison.ts';
import { sparsemark } from './command.ts';
import { type FakeCell, fakeComparison } from './fake-comparison.ts';
import { hostileText } from './fakes.ts';
import { thrown } from './history-runs.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-comparison-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const viewOf = (comparison: Comparison): ComparisonView => viewOfComparison(comparison, judge(comparison));
const mixed: readonly FakeCell[] = [
  ...Array.from({ length: 20 }, (): FakeCell => ({ ratio: 1 })),
  { ratio: 1.12, attempts: 2 },
  { ratio: 0.8, attempts: 2 },
  { status: 'missing', reason: 'head has no such kernel' },
  { status: 'wrong', reason: 'C[0, 0] is 1, not 2' },
  { status: 'new', reason: 'base has no such kernel' },
];
const view = viewOf(fakeComparison(mixed));

describe('the reports', () => {
  it('terminal: the answer first, findings next, no line wider than the terminal', () => {
    const text = renderComparison('terminal', view, { width: 72 });
    const lines = text.split('\n');
    expect(lines.every((line) => line.length <= 72)).toBe(true);
    expect(text).toMatch(/^1 cell answers wrongly in head\. 1 cell is missing in head\./);
    expect(text.replace(/\n/g, ' ')).toMatch(/1 of 25 cells is slower, the most by 12 %/);
    const verdicts = lines
      .map((line) => line.split(' ')[0])
      .filter((word) => /^(wrong|missing|slower|faster|new)$/.test(word!));
    expect(verdicts).toEqual(['wrong', 'missing', 'slower', 'faster', 'new']);
  });

  it('terminal and markdown: the bootstrap interval where there is room, which is what a narrow one drops first', () => {
    const { estimate } = view.judgement.cells.find(({ verdict }) => verdict === 'slower')!;
    const [low, high] = estimate!.bootstrap.map((ratio) => ratio.toFixed(3));
    expect(renderComparison('terminal', view, { width: 200 })).toContain(`${low}-${high}`);
    expect(renderComparison('markdown', view)).toContain(`| ${low}-${high} |`);
    const narrow = renderComparison('terminal', view, { width: 90 });
    expect(narrow).toMatch(/^verdict .* interval$/m);
  });

  it('tell inconclusive cells once, and what to do', () => {
    const { counts, cells } = view.judgement;
    const none = Object.fromEntries(Object.keys(counts).map((name) => [name, 0])) as typeof counts;
    const judgement = {
      ...{ ...view.judgement, counts: { ...none, inconclusive: 2 }, cells: cells.slice(0, 2) },
      ...{ voided: false, controlled: true, exitCode: 3 },
    };
    expect(sentenceOfComparison({ ...view, judgement })).toBe(
      'No verdict: 2 of 2 cells inconclusive. Raise --budget, or repeat on a quieter machine.',
    );
    const { selftest: _, ...files } = view;
    expect(sentenceOfComparison({ ...files, judgement })).toMatch(/Measure again with a larger --budget, or/);
  });

  it('say so where no base linked in another order was given', () => {
    const note = /No base linked in another order was given/;
    const without = viewOf(fakeComparison(mixed, { relinked: false }));
    for (const name of ['terminal', 'markdown', 'json']) {
      expect(renderComparison(name, without)).toMatch(note);
      expect(renderComparison(name, view)).not.toMatch(note);
    }
  });

  it('markdown: nothing of a name becomes a link, a mention or a table border', () => {
    const hostile = viewOf(fakeComparison(mixed, { kernel: hostileText, label: hostileText }));
    const text = renderComparison('markdown', hostile);
    expect(text).not.toMatch(/(^|[^\\])\[[^\]]*\]\(/);
    expect(text).not.toMatch(/@\w/);
    expect(text).not.toMatch(/<(?!\/?(details|summary)>)/);
    for (const line of text.split('\n').filter((each) => each.startsWith('| ')))
      expect(line.replace(/\\\|/g, '').split('|')).toHaveLength(12);
  });

  it('github: one workflow command a line, which a name can neither end nor begin', () => {
    const hostile = viewOf(fakeComparison(mixed, { kernel: 'x\n::set-env name=PATH::%0A,:y' }));
    const lines = renderComparison('github', hostile).trimEnd().split('\n');
    expect(lines).toHaveLength(4);
    for (const line of lines) expect(line).toMatch(/^::(error|warning|notice) title=[^:,]*(,[^:]*)?::/);
    expect(lines.join('\n')).not.toContain('%0A');
    expect(lines[0]).toMatch(/^::error/);
  });

  it('json: the whole judgement, without what JSON cannot say', () => {
    const read = JSON.parse(renderComparison('json', view));
    expect(read.cells).toHaveLength(25);
    expect(read.controls).toHaveLength(4);
    expect({ exitCode: read.exitCode, slower: read.counts.slower }).toEqual({ exitCode: 2, slower: 1 });
  });

  it('exporters: the fields that each reader needs, a cell with a time once', () => {
    const google = JSON.parse(renderComparison('google-benchmark', view));
    expect(google.context.json_schema_version).toBe(1);
    expect(google.benchmarks).toHaveLength(22);
    expect(google.benchmarks[0]).toMatchObject({
      run_type: 'iteration',
      time_unit: 'ns',
      real_time: expect.any(Number),
    });
    const custom = JSON.parse(renderComparison('custom-smaller-is-better', view));
    expect(custom).toHaveLength(22);
    // Field by field what github-action-benchmark's own schema asks for: it would coerce a number, we write the type.
    for (const entry of custom) {
      expect(entry).toEqual({
        name: expect.stringMatching(/^spmm-/),
        unit: 'ns',
        value: expect.any(Number),
        range: expect.stringMatching(/^± [\d.]+ %$/),
        extra: expect.stringMatching(/^head \/ base [\d.]+ \([\d.]+-[\d.]+\)$/),
      });
    }
    // compare.py pairs the runs of two files by name, so a name may stand once only.
    const googleNames = google.benchmarks.map(({ name }: { name: string }) => name);
    expect(new Set(googleNames).size).toBe(googleNames.length);
    expect(
      custom.every(
        ({ name, unit, value }: Record<string, unknown>) => name && unit === 'ns' && Number(value) > 0,
      ),
    ).toBe(true);
    const bencher = Object.values(JSON.parse(renderComparison('bencher', view))) as {
      ratio: Record<string, number>;
    }[];
    expect(bencher).toHaveLength(22);
    for (const { ratio } of bencher) {
      expect(ratio.lower_value).toBeLessThanOrEqual(ratio.value!);
      expect(ratio.upper_value).toBeGreaterThanOrEqual(ratio.value!);
    }
    const [names, values, ...rest] = renderComparison('otava', view).trimEnd().split('\n');
    expect(rest).toEqual([]);
    expect(names!.split(',')).toHaveLength(24);
    expect(
      values!
        .split(',')
        .slice(2)
        .every((value) => Number(value) > 0),
    ).toBe(true);
  });

  it('have names of their own, and a wrong one is answered with all of them', () => {
    expect(new Set(comparisonReports.map(({ name }) => name)).size).toBe(comparisonReports.length);
    expect(thrown(() => renderComparison('html', view)).message).toMatch(
      /terminal, markdown, .*received "html"/,
    );
  });
});

describe('the file', () => {
  const path = join(folder, 'one.jsonl');
  const comparison = fakeComparison(mixed);
  writeComparison(path, comparison);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const bad = (change: (lines: string[]) => string[]): string => {
    const damaged = join(folder, 'damaged.jsonl');
    writeFileSync(damaged, `${change([...lines]).join('\n')}\n`);
    return thrown(() => readComparison(damaged)).message;
  };

  it('comes back as it was written', () => {
    expect(readComparison(path)).toEqual(comparison);
    expect(kindOfFile(path)).toBe('comparison');
  });

  it('is shown by its own protocol: an option that would be ignored is refused', () => {
    const { status, stdout, stderr } = sparsemark(['compare', path, '--threshold', '3']);
    expect({ status, stdout }).toEqual({ status: 42, stdout: '' });
    expect(stderr).toMatch(/Expected no --threshold with a finished comparison, received 3 %/);
    expect(sparsemark(['compare', path, '--as', 'github']).stdout).toMatch(/^::error/);
  });

  it('refuses what is damaged, with the line', () => {
    expect(bad(() => [])).toContain('received an empty file');
    expect(bad((all) => all.slice(1))).toContain('as the first line');
    expect(bad((all) => [...all.slice(0, 2), all[1]!, ...all.slice(2)])).toContain('each cell once');
    expect(bad((all) => [all[0]!, '{"kind":', ...all.slice(1)])).toContain('Expected a JSON object');
    expect(
      bad((all) => [all[0]!, all[1]!.replace(/"baseNs":\[[\d.]+/, '"baseNs":[-1'), ...all.slice(2)]),
    ).toMatch(/baseNs/);
    expect(
      bad((all) => [all[0]!, all[1]!.replace(/"headNs":\[[\d.]+,/, '"headNs":['), ...all.slice(2)]),
    ).toContain('as many samples');
    expect(bad((all) => [all[0]!.replace('"margin":0.01', '"margin":0.05'), ...all.slice(1)])).toContain(
      'margin below',
    );
    expect(
      bad((all) => [
        all[0]!,
        all[1]!.replace('"csr-avx512', '"x'),
        all[1]!.replace('"kernel":"csr"', '"kernel":"coo"'),
      ]),
    ).toContain('Expected the id');
  });
});
