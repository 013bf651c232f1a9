import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { mergeCommand } from '../src/command/merge.ts';
import { renderReport, reports } from '../src/report/index.ts';
import { mergeShards, type ShardFile, secondsOf } from '../src/result/merge.ts';
import { readResult, writeResult } from '../src/result/result.ts';
import type { Result, SparsemarkError } from '../src/terms.ts';
import { costsOf, shardOf } from '../src/workload/shard-plan.ts';
import { loadSuite } from '../src/workload/suite.ts';
import { sparsemark, tinySuite } from './command.ts';
import { fakeMachine, fakeResult } from './fakes.ts';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-shard-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A whole run by a clock that stands still between workloads and ticks once a workload. */
function wholeRun(): Result {
  const result = fakeResult();
  const end = { ...result.end!, elapsedSeconds: result.workloads.length };
  return { ...result, end };
}

/** What `run --shard i/n` would have written of a whole run by the same clock. */
function shardsOf(whole: Result, count: number): ShardFile[] {
  const places = new Map(whole.workloads.map(({ id }, place) => [id, place]));
  return Array.from({ length: count }, (_, i) => {
    const name = { index: i + 1, count };
    const workloads = shardOf(whole.workloads, costsOf(whole.workloads), name);
    const ids = new Set(workloads.map(({ id }) => id));
    const { header } = whole;
    return {
      path: `${i + 1}.jsonl`,
      result: {
        header: {
          ...header,
          command: `${header.command} --shard ${i + 1}/${count}`,
          suite: { ...header.suite, workloadCount: workloads.length },
          protocol: { ...header.protocol, shard: { ...name, total: whole.workloads.length } },
        },
        workloads: whole.workloads
          .filter(({ id }) => ids.has(id))
          .map((record) => ({ ...record, place: places.get(record.id)! })),
        measurements: whole.measurements.filter(({ workload }) => ids.has(workload)),
        end: { ...whole.end!, elapsedSeconds: workloads.length },
      },
    };
  });
}

function thrown(action: () => unknown): SparsemarkError {
  try {
    action();
  } catch (error) {
    return error as SparsemarkError;
  }
  throw new Error('nothing was thrown');
}

/** The shard with something else in its header. */
function changed(
  file: ShardFile,
  change: (header: Result['header']) => Partial<Result['header']>,
): ShardFile {
  const { header } = file.result;
  return { ...file, result: { ...file.result, header: { ...header, ...change(header) } } };
}

describe('the split', () => {
  const { workloads } = loadSuite('quick');
  const costs = costsOf(workloads);

  it.each([1, 2, 7, 64, 256])('into %d has each workload once, in the order of the list', (count) => {
    const shards = Array.from({ length: count }, (_, i) =>
      shardOf(workloads, costs, { index: i + 1, count }),
    );
    expect(shards.flat().length).toBe(workloads.length);
    expect(new Set(shards.flat().map(({ id }) => id)).size).toBe(workloads.length);
    for (const shard of shards) {
      const at = shard.map(({ id }) => workloads.findIndex((workload) => workload.id === id));
      expect(at).toEqual([...at].sort((a, b) => a - b));
    }
    expect(shardOf(workloads, costs, { index: 1, count })).toEqual(shards[0]);
  });

  it('is even: the longest shard within a third of the mean, or one workload', () => {
    for (const count of [2, 5, 7, 16]) {
      const loads = Array.from({ length: count }, (_, i) =>
        shardOf(workloads, costs, { index: i + 1, count }).reduce(
          (sum, { id }) => sum + costs[workloads.findIndex((workload) => workload.id === id)]!,
          0,
        ),
      );
      const mean = loads.reduce((sum, load) => sum + load, 0) / count;
      expect(Math.max(...loads)).toBeLessThanOrEqual(Math.max((4 / 3) * mean, Math.max(...costs)));
    }
  });

  it('takes the costliest first, and does not depend on what is tied', () => {
    const four = workloads.slice(0, 4);
    const of = (index: number, own: readonly number[]) =>
      shardOf(four, own, { index, count: 2 }).map(({ id }) =>
        four.findIndex((workload) => workload.id === id),
      );
    // 8 | 5 4 | 1 goes where less is: 8 1 and 5 4.
    expect([of(1, [1, 8, 5, 4]), of(2, [1, 8, 5, 4])]).toEqual([
      [0, 1],
      [2, 3],
    ]);
    expect(of(1, [1, 1, 1, 1]).length).toBe(2);
  });

  it('reckons with an earlier run where there is one, and with FLOP at its rate elsewhere', () => {
    const [one, two, three] = workloads as [
      (typeof workloads)[0],
      (typeof workloads)[0],
      (typeof workloads)[0],
    ];
    const [a, b, c] = costsOf(
      [one, two, three],
      new Map([
        [one.id, 3],
        ['another', 99],
      ]),
    );
    expect(a).toBe(3);
    const [fa, fb, fc] = costsOf([one, two, three]);
    expect(b! / a!).toBeCloseTo(fb! / fa!, 12);
    expect(c! / a!).toBeCloseTo(fc! / fa!, 12);
    const result = fakeResult({ troubled: false });
    const seconds = secondsOf(result);
    expect([...seconds.keys()]).toEqual(result.workloads.map(({ id }) => id));
    const [first] = result.workloads;
    const cells = result.measurements.filter(({ workload }) => workload === first!.id);
    const expected = cells.reduce(
      (sum, cell) =>
        cell.status !== 'measured'
          ? sum
          : sum + 8 * cell.samplesNs.reduce((total, ns) => total + ns, 0) + cell.encodeNs + cell.prepareNs,
      0,
    );
    expect(seconds.get(first!.id)).toBeCloseTo(expected / 1e9, 12);
  });
});

describe('merging', () => {
  const whole = wholeRun();
  const wholePath = join(folder, 'whole.jsonl');
  writeResult(wholePath, whole);

  it.each([1, 2, 7, 64, 256])('%d shards gives the bytes of the whole run', (count) => {
    const files = shardsOf(whole, count).map(({ result }, i) => {
      const path = join(folder, `${count}-${i + 1}.jsonl`);
      writeResult(path, result);
      return { path, result: readResult(path) };
    });
    const { results, missing } = mergeShards(files.reverse());
    expect(missing).toEqual([]);
    expect(results).toHaveLength(1);
    const merged = join(folder, `merged-${count}.jsonl`);
    writeResult(merged, results[0]!);
    expect(readFileSync(merged).equals(readFileSync(wholePath))).toBe(true);
  });

  it('gives every report of the whole run', () => {
    const { results } = mergeShards(shardsOf(whole, 7));
    for (const report of reports) {
      const options = { resamples: 50 };
      expect(renderReport(report, results, options)).toEqual(
        renderReport(report, [readResult(wholePath)], options),
      );
    }
  });

  it('names what is missing', () => {
    const shards = shardsOf(whole, 7);
    const { missing } = mergeShards(shards.filter((_, i) => i !== 3));
    expect(missing).toEqual(shards[3]!.result.workloads.map(({ place }) => place));
    expect(missing.length).toBeGreaterThan(5);
  });

  const [one, two] = shardsOf(whole, 2) as [ShardFile, ShardFile];
  it.each<[string, readonly ShardFile[], RegExp]>([
    ['a shard twice', [one, two, one], /received .* of 1\.jsonl again/],
    [
      'another suite',
      [one, changed(two, ({ suite }) => ({ suite: { ...suite, digest: 'f'.repeat(64) } }))],
      /Expected the suite of 1\.jsonl, quick .*, received quick ffffffffffff/,
    ],
    ['another split', [one, shardsOf(whole, 3)[1]!], /2 shards of 90 workloads, received 3 shards of 90/],
    [
      'other settings',
      [one, changed(two, ({ protocol }) => ({ protocol: { ...protocol, threads: [2] } }))],
      /"threads":\[2\]/,
    ],
    [
      'another build on the same machine',
      [one, changed(two, ({ build }) => ({ build: { ...build, sha256: 'e'.repeat(64) } }))],
      /Expected the addon/,
    ],
    [
      'another library on the same machine',
      [one, changed(two, ({ libraries }) => ({ libraries: libraries.slice(1) }))],
      /Expected the kernel libraries/,
    ],
    ['a whole run', [one, { path: 'w.jsonl', result: whole }], /w\.jsonl: Expected a shard/],
    [
      'a workload without its place',
      [one, { ...two, result: { ...two.result, workloads: whole.workloads.slice(0, 1) } }],
      /received none for/,
    ],
  ])('refuses %s', (_, files, message) => {
    expect(thrown(() => mergeShards(files))).toMatchObject({
      code: 'BAD_RESULT',
      exitCode: 42,
      message: expect.stringMatching(message),
    });
  });

  it('makes a result of each kind of machine', () => {
    const other = fakeMachine({ fingerprint: 'feed', cpuBrand: 'Another' });
    const shards = shardsOf(whole, 4);
    const files = shards.map((file, i) => (i < 2 ? file : changed(file, () => ({ machine: other }))));
    const { results, missing } = mergeShards(files);
    expect(missing).toEqual([]);
    expect(results.map(({ header }) => header.machine.fingerprint)).toEqual([
      whole.header.machine.fingerprint,
      'feed',
    ]);
    expect(results[0]!.workloads.length + results[1]!.workloads.length).toBe(90);
    for (const { end, header } of results) {
      expect(end!.complete).toBe(false);
      expect(end!.stopReason).toMatch(/^\d+ of 90 workloads were merged$/);
      expect(header.suite.workloadCount).toBe(90);
    }
    // Each machine with the whole suite: two complete columns.
    const both = [
      ...shardsOf(whole, 2),
      ...shardsOf(whole, 2).map((file) => changed(file, () => ({ machine: other }))),
    ];
    const columns = mergeShards(both).results;
    expect(columns.map(({ workloads, end }) => [workloads.length, end!.complete])).toEqual([
      [90, true],
      [90, true],
    ]);
  });

  it('keeps the highest ceilings and the worst health, and says that a shard was cut short', () => {
    const ceilings = whole.header.machine.ceilings.map((each) => ({
      ...each,
      fmaGflops: each.fmaGflops * 2,
      l1GBs: 1,
    }));
    const health = whole.header.health.map((entry) =>
      entry.library === 'openblas' ? { ...entry, ofBest: 0.3, healthy: false } : entry,
    );
    const worse = changed(two, ({ machine }) => ({ machine: { ...machine, ceilings }, health }));
    const cut = { ...worse.result.end!, complete: false, stopReason: 'budget of 1 s spent' };
    const [merged] = mergeShards([one, { ...worse, result: { ...worse.result, end: cut } }]).results;
    expect(merged!.header.machine.ceilings[0]).toMatchObject({ fmaGflops: 354, l1GBs: 327 });
    expect(merged!.header.health.map(({ library, healthy }) => [library, healthy])).toEqual([
      ['native', true],
      ['openblas', false],
      ['blis', false],
    ]);
    expect(merged!.end).toMatchObject({ complete: false, stopReason: 'budget of 1 s spent' });
  });
});

describe('the commands', () => {
  it('write nothing where a shard is missing, and end with 2', () => {
    const said: string[] = [];
    const output = { result: () => {}, say: (text: string) => said.push(text), redraw: () => {} };
    const rest = { isTerminal: false, lineWidth: 79, width: 80, color: false };
    const paths = shardsOf(wholeRun(), 3).map(({ result }, i) => {
      const path = join(folder, `part-${i}.jsonl`);
      writeResult(path, result);
      return path;
    });
    const out = join(folder, 'out.jsonl');
    expect(mergeCommand(paths.slice(1), { out }, { ...output, ...rest })).toBe(2);
    expect(said.join()).toMatch(/shards 1 of 3 are missing.*Nothing was written/);
    expect(() => readFileSync(out)).toThrow(/ENOENT/);
    // Wrong and failed cells of the run keep their exit code.
    expect(mergeCommand(paths, { out }, { ...output, ...rest })).toBe(2);
    expect(readResult(out).workloads).toHaveLength(90);
    expect(thrown(() => mergeCommand(paths, { out }, { ...output, ...rest })).message).toMatch(
      /never overwritten/,
    );
  });

  it('run shards, more of them than workloads, and merge them', () => {
    const { folder: home, suite } = tinySuite({ densities: [0.5, 0.1] });
    const outs = [1, 2, 3].map((index) => {
      const out = join(home, `${index}.jsonl`);
      const args = [
        'run',
        suite,
        '--library',
        'native',
        '--budget',
        '2',
        '--shard',
        `${index}/3`,
        '--out',
        out,
      ];
      expect(sparsemark(args)).toMatchObject({ status: 0 });
      return out;
    });
    expect(outs.map((out) => readResult(out).workloads.length).sort()).toEqual([0, 1, 1]);
    const merged = join(home, 'merged.jsonl');
    const { status, stdout } = sparsemark(['merge', ...outs, '--out', merged]);
    expect(status).toBe(0);
    expect(stdout).toContain('csr');
    const { header, workloads, end } = readResult(merged);
    expect(workloads.map(({ id }) => id)).toEqual(loadSuite(suite).workloads.map(({ id }) => id));
    expect(workloads.every((record) => !('place' in record))).toBe(true);
    expect(header.protocol).not.toHaveProperty('shard');
    expect(end).toMatchObject({ complete: true, stopReason: 'finished' });
    for (const bad of ['0/2', '3/2', '1', '1/0', 'a/b', '1/200000']) {
      expect(sparsemark(['run', suite, '--shard', bad])).toMatchObject({ status: 42, stdout: '' });
    }
    expect(sparsemark(['run', suite, '--shard-costs', merged]).stderr).toMatch(/--shard <i>\/<n>/);
    rmSync(home, { recursive: true });
  });
});
