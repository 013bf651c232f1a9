/** Runs of a library beside an anchor, day by day, as a history takes them. */
import { entryOf, type HistoryEntry } from '../src/result/history.ts';
import { seededRandom } from '../src/statistics.ts';
import type { Measured, Result, SparsemarkError } from '../src/terms.ts';
import { fakeCase, fakeHeader, fakeKernel, fakeMeasured, fakeWorkload } from './fakes.ts';

/** The present of these tests. */
export const nowMs = Date.parse('2026-06-01T00:00:00Z');
const dayMs = 24 * 3600 * 1000;
/** The commit that landed on a day. */
export const commitOf = (day: number): string => (day + 1).toString(16).padStart(40, '5');
/** What is measured every day. */
export const workloads = [0.1, 0.3].map((density) =>
  fakeWorkload({ shape: { m: 64, k: 256, n: 16 }, cache: 'hot', label: 'uniform', density, seed: 1 }),
);

/** A run on a day with our library and the anchor, whose times are exact but for 1 % of scatter. */
export function runOf(
  day: number,
  slower: (format: string) => number = () => 1,
  change: Partial<Measured> = {},
): Result {
  const random = seededRandom(day + 1);
  const header = fakeHeader(workloads.length);
  const [native] = header.libraries;
  const measurements = workloads.flatMap((workload) =>
    ['dense', 'csr'].flatMap((format) => {
      const kernel = fakeKernel(0, format, 'avx512');
      const own = fakeCase(workload, 'native', kernel);
      const other = fakeCase(workload, 'anchor', kernel);
      return [
        fakeMeasured(workload, own, 1000 * slower(format), random, change),
        fakeMeasured(workload, other, 1000, random),
      ];
    }),
  );
  return {
    header: {
      ...header,
      startedAt: new Date(Date.parse('2026-01-01T00:00:00Z') + day * dayMs).toISOString(),
      libraries: [native!, { ...native!, name: 'anchor', sha256: 'a'.repeat(64) }],
    },
    workloads,
    measurements,
    end: { endedAt: '2026-01-02T03:05:45.000Z', complete: true, stopReason: 'finished', elapsedSeconds: 9 },
  };
}

/** How the run of a day becomes a line. */
export const options = (day: number) => ({
  commit: commitOf(day),
  anchor: 'anchor',
  library: 'native',
  nowMs,
});
/** The line of a day. */
export const entryOn = (day: number, slower?: (format: string) => number): HistoryEntry =>
  entryOf(runOf(day, slower), options(day)).entry;

/** The error that an action throws. */
export function thrown(action: () => unknown): SparsemarkError {
  try {
    action();
  } catch (error) {
    return error as SparsemarkError;
  }
  throw new Error('nothing was thrown');
}
