/** Fake cells with exact times, and runs made of them: for tests that compute what a report must say. */
import { seededRandom } from '../src/statistics.ts';
import type { Measured, Measurement, Result, WorkloadRecord } from '../src/terms.ts';
import { fakeCase, fakeHeader, fakeKernel, fakeMeasured } from './fakes.ts';

/** A cell with one exact time. */
export function exact(
  workload: WorkloadRecord,
  library: string,
  format: string,
  timeNs: number,
  change: Partial<Measured> = {},
): Measured {
  const of = fakeCase(workload, library, fakeKernel(0, format, 'avx512'));
  const samples = { samplesNs: new Array<number>(8).fill(timeNs), rounds: [4, 4] };
  return fakeMeasured(workload, of, timeNs, seededRandom(1), { ...samples, ...change });
}

/** A run that never ended of some cells, whose gate found `native` healthy and `sick` not. */
export function resultOf(workloads: readonly WorkloadRecord[], measurements: readonly Measurement[]): Result {
  const health = [
    { library: 'native', kernel: 'dense', isa: 'avx512', gflops: 100, ofBest: 1, ofPeak: 0.6, healthy: true },
    {
      library: 'sick',
      kernel: 'dense',
      isa: 'avx512',
      gflops: 10,
      ofBest: 0.1,
      ofPeak: 0.06,
      healthy: false,
    },
  ];
  return { header: fakeHeader(workloads.length, { health }), workloads, measurements, end: null };
}
