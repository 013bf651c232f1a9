/** Seeded makers of comparisons for tests: no kernel runs. */
import { comparisonVersion } from '../src/result/comparison-file.ts';
import { seededRandom } from '../src/statistics.ts';
import type { Attempt, ComparedCell, Comparison } from '../src/terms/comparison.ts';
import { fakeResult } from './fakes.ts';

/** A cell: its true ratio with the noise of a round (default 1 %), or what became of it instead. */
export type FakeCell =
  | { readonly ratio: number; readonly noise?: number; readonly attempts?: number }
  | { readonly status: 'wrong' | 'missing' | 'new' | 'skipped'; readonly reason?: string };

/** 13 layouts of 8 rounds. */
function attempt(ratio: number, noise: number, random: () => number): Attempt {
  const times = (factor: number): number[] =>
    Array.from({ length: 8 }, () => 1000 * factor * (1 + noise * (random() - 0.5)));
  return {
    evaluationsPerBatch: 20,
    batchesPerTurn: 5,
    turnsPerSample: 20,
    warmupsPerTurn: 20,
    layouts: Array.from({ length: 13 }, () => ({ baseNs: times(1), headNs: times(ratio) })),
  };
}

/** A finished comparison of the library `native` with itself; its ids are those of a real one. */
export function fakeComparison(
  cells: readonly FakeCell[],
  change: {
    readonly controls?: readonly FakeCell[];
    readonly end?: Comparison['end'];
    readonly kernel?: string;
    readonly label?: string;
    readonly relinked?: boolean;
  } = {},
): Comparison {
  const { header } = fakeResult();
  const random = seededRandom(11);
  const kernel = change.kernel ?? 'csr';
  const cell = (fake: FakeCell, index: number, control: boolean): ComparedCell => {
    const workload = `spmm-f32-64x64x${index + 1}-hot/uniform-d0.10-s1`;
    const id = `${control ? `control-${index + 1}:` : ''}${workload}/${kernel}-avx512-t1`;
    const fields = { id, workload, kernel, format: 'csr', isa: 'avx512', threads: 1, dense: false, control };
    if ('status' in fake) return { ...fields, status: fake.status, reason: fake.reason ?? 'so it is' };
    const attempts = Array.from({ length: fake.attempts ?? 1 }, () =>
      attempt(fake.ratio, fake.noise ?? 0.02, random),
    );
    return { ...fields, status: 'measured', attempts };
  };
  const controls = change.controls ?? Array.from({ length: 4 }, (): FakeCell => ({ ratio: 1 }));
  const library = header.libraries[0]!;
  return {
    header: {
      comparisonVersion,
      runId: header.runId,
      startedAt: header.startedAt,
      command: 'sparsemark compare a b quick',
      suite: header.suite,
      machine: header.machine,
      build: header.build,
      base: { label: 'base.so', gitCommit: null, library },
      head: {
        label: change.label ?? 'head.so',
        gitCommit: 'a'.repeat(40),
        library: { ...library, sha256: 'b'.repeat(64) },
      },
      protocol: {
        threads: [1],
        pinnedCpus: [1],
        filter: null,
        isa: null,
        formats: null,
        budgetSeconds: 600,
        batchTargetNs: 20_000,
        sampleTargetNs: 2_500_000,
        turnTargetNs: 100_000,
        seed: 1,
        threshold: 0.05,
        margin: 0.01,
        confidence: 0.95,
        roundsPerLayout: 8,
        maxRounds: 104,
        relinked: change.relinked ?? true,
      },
      selftest: null,
    },
    cells: [
      ...cells.map((fake, index) => cell(fake, index, false)),
      ...controls.map((fake, index) => cell(fake, index, true)),
    ],
    end:
      change.end === undefined
        ? { endedAt: header.startedAt, complete: true, stopReason: 'finished', elapsedSeconds: 100 }
        : change.end,
  };
}
