/**
 * The health gate of the dense baselines: before a run every dense kernel multiplies the same 512 x 512 x 256 product.
 * A library far behind the fastest, or behind the machine, is marked, so that no sparse speed-up is ever published against it. Debian's
 * OpenBLAS 0.3.21 on its SSE3 fall-back reaches a fifth of the peak and would flatter every sparse kernel fivefold.
 */
import type { BaselineHealth, Ceilings, Machine, Reference, Shape, Workload } from '../terms.ts';
import { opNamed } from '../workload/ops/index.ts';
import { makeProblem } from '../workload/problem.ts';
import { LibraryRefusal, type LibraryWorker, WorkerGone } from './library-worker.ts';
import { describeMachine } from './machine.ts';
import { cellsOf } from './schedule.ts';
import { sampleInRounds, type Timed } from './timing.ts';

/** Below this share of the fastest dense kernel a baseline is not healthy. */
export const healthyShare = 0.7;

/**
 * Below this share of the FMA peak a baseline is not healthy either: all of them may be poor, and the fastest of poor
 * ones is no baseline. A good product reaches 0.6 even on a loaded machine, one without its vectors a fifth.
 */
export const healthyPeakShare = 0.4;

/**
 * Whether speed-ups may be taken against a dense kernel. The peak is that of the machine's widest instruction set: a
 * forced, narrower one cannot reach it, so with a forced one only the share of the fastest counts. So it does where the
 * peak is unknown.
 */
export function isHealthy(
  entry: Pick<BaselineHealth, 'ofBest' | 'ofPeak'>,
  forcedIsa: string | null,
): boolean {
  return entry.ofBest >= healthyShare && (forcedIsa !== null || !(entry.ofPeak < healthyPeakShare));
}

const shape: Shape = { m: 512, k: 512, n: 256 };

const workload: Workload = {
  id: 'spmm-f32-512x512x256-hot/uniform-d1.00-s1',
  op: 'spmm',
  dtype: 'f32',
  shape,
  cache: 'hot',
  pattern: { name: 'uniform', parameters: {}, label: 'uniform' },
  density: 1,
  seed: 1,
  layer: 'health',
  count: 1,
};

/** Measures every dense kernel on one thread. A library that fails here is left out and reported by its cases. */
export async function measureHealth(
  workers: readonly LibraryWorker[],
  isa: string | null,
  ceilings: readonly Ceilings[],
): Promise<readonly BaselineHealth[]> {
  const problem = makeProblem(workload);
  const reference: Reference = opNamed('spmm').reference(problem);
  const timed: (Timed & { library: string; kernel: string; isa: string })[] = [];
  for (const worker of workers) {
    const cells = cellsOf({ formats: {} }, workload, [worker.library], { isa, formats: [], threads: [1] });
    try {
      const { a, operands } = problem;
      await worker.ask({
        kind: 'load',
        op: workload.op,
        shape,
        dtype: workload.dtype,
        a,
        operands,
        reference,
      });
      for (const { case: cell, kernel } of cells.filter((cell) => cell.kernel.dense)) {
        const started = await worker.ask({
          kind: 'start',
          key: cell.id,
          kernel: kernel.index,
          format: kernel.format,
          threads: 1,
          cache: 'hot',
          coldBytes: 0,
          batchTargetNs: 1e6,
          maxWarmupBatches: 16,
        });
        if (started.status !== 'started') continue;
        timed.push({
          id: cell.id,
          library: cell.library,
          kernel: cell.kernel,
          isa: cell.isa,
          sample: () => worker.ask({ kind: 'sample', key: cell.id }),
        });
      }
    } catch (error) {
      if (!(error instanceof LibraryRefusal || error instanceof WorkerGone)) throw error;
    }
  }
  const rule = { targetHalfWidth: 0, minSamples: 9, maxSamples: 9, samplesPerRound: 3 };
  const series = await sampleInRounds(timed, rule, 1, () => true);
  const gflops = (id: string): number => {
    const { samplesNs } = series.get(id)!;
    // The fastest sample: the ceilings are the best of their attempts too, and what disturbs the others is not the
    // kernel's fault. Medians would fail a good kernel on a machine where something else runs.
    return samplesNs.length === 0 ? 0 : (2 * shape.m * shape.k * shape.n) / Math.min(...samplesNs);
  };
  const best = Math.max(...timed.map(({ id }) => gflops(id)));
  const peak = ceilings.find((entry) => entry.threads === 1)?.fmaGflops ?? Number.NaN;
  return timed.map(({ id, library, kernel, isa: kernelIsa }) => {
    const shares = { ofBest: gflops(id) / best, ofPeak: gflops(id) / peak };
    return {
      library,
      kernel,
      isa: kernelIsa,
      gflops: gflops(id),
      ...shares,
      healthy: isHealthy(shares, isa),
    };
  });
}

/** Times that the ceilings are measured at most. */
const ceilingAttempts = 4;

/**
 * The machine with its ceilings, and the health of its dense baselines. A dense kernel faster than the FMA peak shows
 * that the peak was measured while something else held the clock down: it is measured again, the best figures kept.
 */
export async function measureLimits(
  workers: readonly LibraryWorker[],
  isa: string | null,
  threads: readonly number[],
): Promise<{ machine: Machine; health: readonly BaselineHealth[] }> {
  let machine = describeMachine(threads);
  let health = await measureHealth(workers, isa, machine.ceilings);
  for (
    let attempt = 1;
    attempt < ceilingAttempts && health.some(({ ofPeak }) => ofPeak > 0.97);
    attempt += 1
  ) {
    machine = { ...machine, ceilings: best(machine.ceilings, describeMachine(threads).ceilings) };
    const peak = machine.ceilings.find((entry) => entry.threads === 1)?.fmaGflops ?? Number.NaN;
    health = health.map((entry) => {
      const shares = { ofBest: entry.ofBest, ofPeak: entry.gflops / peak };
      return { ...entry, ...shares, healthy: isHealthy(shares, isa) };
    });
  }
  return { machine, health };
}

function best(one: readonly Ceilings[], other: readonly Ceilings[]): readonly Ceilings[] {
  return one.map((entry, i) => {
    const again = other[i]!;
    const most = (name: 'fmaGflops' | 'l1GBs' | 'l2GBs' | 'l3GBs' | 'dramGBs') =>
      Math.max(entry[name], again[name]);
    return {
      threads: entry.threads,
      fmaGflops: most('fmaGflops'),
      l1GBs: most('l1GBs'),
      l2GBs: most('l2GBs'),
      l3GBs: most('l3GBs'),
      dramGBs: most('dramGBs'),
      gatherGelems:
        entry.gatherGelems === null ? null : Math.max(entry.gatherGelems, again.gatherGelems ?? 0),
    };
  });
}
