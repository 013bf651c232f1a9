/** The gate's test of itself: its bounds, its counts, its file, and what a report says of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bundledLibraries } from '../src/measure/libraries.ts';
import { relinkedBeside } from '../src/measure/relinked.ts';
import { rowsOf } from '../src/measure/selftest.ts';
import { loadNative } from '../src/native.ts';
import { selftestSentence, selftestTable } from '../src/report/comparison/selftest.ts';
import { judge } from '../src/result/compare.ts';
import { readComparison, selftestVersion, writeComparison } from '../src/result/comparison-file.ts';
import { readSelftest, selftestPath, writeSelftest } from '../src/result/selftest-file.ts';
import { binomialBounds } from '../src/statistics.ts';
import type { Attempt, Selftest } from '../src/terms/comparison.ts';
import { fakeComparison } from './fake-comparison.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-selftest-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runs = [
  { kind: 'slower', injectedSlowdown: 0.1, cell: 'a', verdict: 'slower', voided: false, attempts: [] },
  { kind: 'same', injectedSlowdown: 0, cell: 'a', verdict: 'same', voided: false, attempts: [] },
  { kind: 'same', injectedSlowdown: 0, cell: 'b', verdict: 'slower', voided: true, attempts: [] },
  { kind: 'slower', injectedSlowdown: 0.1, cell: 'b', verdict: 'inconclusive', voided: false, attempts: [] },
] as const;
const found: Selftest = {
  selftestVersion,
  machine: 'abc123',
  startedAt: '2026-11-28T06:00:00.000Z',
  elapsedSeconds: 60,
  version: '0.1.0',
  suite: 'quick 1.0',
  cellCount: 468,
  threshold: 0.05,
  margin: 0.01,
  budgetSeconds: 15,
  seed: 1,
  rows: rowsOf(runs),
};

describe('exact binomial bounds', () => {
  it('are those of the tables', () => {
    // One-sided, 95 %: none of 300, 1 of 500, 1 of 5000; and from below all of 60, 197 of 200.
    for (const [k, n, upper] of [
      [0, 300, 0.00994],
      [1, 500, 0.00945],
      [3, 1000, 0.00774],
      [0, 1, 0.95],
    ] as const)
      expect(binomialBounds(k, n)[1]).toBeCloseTo(upper, 4);
    expect(binomialBounds(60, 60)[0]).toBeCloseTo(0.951, 3);
    expect(binomialBounds(197, 200)[0]).toBeCloseTo(0.962, 3);
    expect(binomialBounds(5, 5)[1]).toBe(1);
    expect(binomialBounds(0, 5)[0]).toBe(0);
  });
});

describe('a self-test', () => {
  it('counts what the gate said, a row each kind, void runs apart', () => {
    expect(found.rows).toEqual([
      { kind: 'same', injectedSlowdown: 0, runs: 2, failed: 0, voided: 1, inconclusive: 0 },
      { kind: 'slower', injectedSlowdown: 0.1, runs: 2, failed: 1, voided: 0, inconclusive: 1 },
    ]);
    expect(selftestTable(found)[1]).toEqual(['the same file', '0 of 2', 'at most 77.6 %', '1', '0']);
    expect(selftestSentence(found)).toMatch(
      /slower in 0 of 2 \(at most 77.6 %\), 10 % slower found in 1 of 2/,
    );
    expect(selftestSentence(null)).toMatch(/none on this machine/);
  });

  it('is kept for its machine, and nothing else is taken for it', () => {
    expect(readSelftest(folder, 'abc123')).toBeNull();
    expect(writeSelftest(folder, found)).toBe(selftestPath(folder, 'abc123'));
    expect(readSelftest(folder, 'abc123')).toEqual(found);
    writeFileSync(selftestPath(folder, 'abc123'), '{"selftestVersion": 1');
    expect(() => readSelftest(folder, 'abc123')).toThrow(/Expected a self-test of this machine/);
    writeSelftest(folder, { ...found, machine: 'def456' });
    writeFileSync(selftestPath(folder, 'abc123'), JSON.stringify({ ...found, machine: 'def456' }));
    expect(() => readSelftest(folder, 'abc123')).toThrow(/another file/);
  });
});

describe('base linked in another order', () => {
  const layouts = (ratio: number): Attempt => ({
    evaluationsPerBatch: 1,
    batchesPerTurn: 1,
    turnsPerSample: 4,
    warmupsPerTurn: 0,
    layouts: Array.from({ length: 8 }, (_, layout) => ({
      baseNs: Array.from({ length: 8 }, (_, i) => 1000 + layout + i),
      headNs: Array.from({ length: 8 }, (_, i) => ratio * (1000 + ((layout + 3 * i) % 8))),
    })),
  });
  const verdictWith = (guard: Attempt | undefined): string => {
    const comparison = fakeComparison([{ ratio: 1 }]);
    const cell = comparison.cells.find(({ control, status }) => !control && status === 'measured')!;
    const slowed = {
      ...cell,
      status: 'measured' as const,
      attempts: [layouts(1.2), layouts(1.2)],
      ...(guard === undefined ? {} : { guard }),
    };
    const cells = comparison.cells.map((other) => (other === cell ? slowed : other));
    const path = join(folder, 'guarded.jsonl');
    writeComparison(path, { ...comparison, cells, header: { ...comparison.header, selftest: found } });
    const judged = judge(readComparison(path)).cells.find(({ of }) => of.id === cell.id)!;
    return `${judged.verdict} ${judged.reason}`.trim();
  };

  it('takes a finding back where it differs on the same side', () => {
    expect(verdictWith(undefined)).toBe('slower');
    expect(verdictWith(layouts(1))).toBe('slower');
    expect(verdictWith(layouts(0.8))).toBe('slower');
    expect(verdictWith(layouts(1.2))).toBe('inconclusive slower, but base linked in another order is too');
    // A small effect of the order hides no large slowdown.
    expect(verdictWith(layouts(1.05))).toBe('slower');
  });

  it('lies beside our library and has the same kernels', () => {
    const path = bundledLibraries()[0]!;
    const relinked = relinkedBeside(path)!;
    const { native } = loadNative();
    const kernelsOf = (file: string) =>
      native
        .describeLibrary(native.openLibrary(file))
        .kernels.map(({ name, op, isa }) => `${name} ${op} ${isa}`);
    expect(kernelsOf(relinked)).toEqual(kernelsOf(path));
    expect(relinkedBeside('/nowhere/libmine.so')).toBeUndefined();
  });
});
