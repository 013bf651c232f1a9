/** Estimates written to a result file: the same file as a run's, so that both can be shown together. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { acceleratorRecord, estimateRecord } from '../accelerator/record.ts';
import { describeMachineOnly } from '../measure/machine.ts';
import { describeBuild, newRunId } from '../measure/run.ts';
import { asSparsemarkError } from '../result/file.ts';
import { writeResult } from '../result/result.ts';
import { schemaVersion } from '../result/schema.ts';
import type { Accelerator } from '../terms/accelerator.ts';
import type { Estimates } from '../terms/estimates.ts';
import { type Result, type RunHeader, SparsemarkError } from '../terms.ts';
import { loadSuite } from '../workload/suite.ts';
import { type Estimated, isLayerFile } from './estimated-layers.ts';

/** Folder of results that nobody published; ignored by git. */
const localFolder = join('results', 'local');

/** What was asked and what was answered. */
export interface EstimateRun {
  /** Suite, topology or problem. */
  readonly what: string;
  /** What narrowed it down; null: nothing. */
  readonly filter: string | null;
  readonly command: string;
  readonly startedAt: Date;
  readonly accelerators: readonly Accelerator[];
  readonly found: readonly Estimated[];
}

/** The question as the header of a run names it: a file of layers is a suite of its own, known by the digest of its text. */
function suiteOf({ what, found }: EstimateRun): RunHeader['suite'] {
  const workloadCount = found.length;
  if (!isLayerFile(what)) {
    const { workloads: _, ...suite } = loadSuite(what);
    return { ...suite, workloadCount };
  }
  return {
    name: basename(what, extname(what)),
    version: '1',
    description: what.endsWith('.csv') ? 'SCALE-Sim topology' : 'Timeloop problem',
    released: false,
    digest: createHash('sha256').update(readFileSync(what)).digest('hex'),
    formats: {},
    refine: false,
    workloadCount,
  };
}

/** The result of an estimate: its machine is the one that reckoned, which no estimate depends on. */
export function estimateResult(run: EstimateRun): Result & Estimates {
  const { accelerators, found, startedAt, command, filter } = run;
  const endedAt = new Date();
  return {
    header: {
      ...{ schemaVersion, runId: newRunId(startedAt), startedAt: startedAt.toISOString(), command },
      ...{ suite: suiteOf(run), machine: describeMachineOnly(), build: describeBuild() },
      ...{ libraries: [], health: [] },
      protocol: {
        ...{
          threads: [1],
          pinnedCpus: [],
          budgetSeconds: 0,
          targetHalfWidth: 0,
          minSamples: 0,
          maxSamples: 0,
        },
        ...{ batchTargetNs: 0, orderSeed: 0, filter, isa: null, formats: null },
      },
    },
    workloads: [],
    measurements: [],
    accelerators: accelerators.map(acceleratorRecord),
    estimates: found.flatMap(({ layer, workload, answers }) =>
      answers.flatMap(({ estimates, difference }, at) =>
        estimates.map((one) => estimateRecord(accelerators[at]!, layer, workload, one, difference)),
      ),
    ),
    end: {
      endedAt: endedAt.toISOString(),
      complete: true,
      stopReason: 'finished',
      elapsedSeconds: (endedAt.getTime() - startedAt.getTime()) / 1000,
    },
  };
}

/** `estimate-quick-20261123T154300`: the time in UTC, as a run is named. */
function defaultOut(what: string, startedAt: Date): string {
  const time = startedAt.toISOString().replace(/[-:]|\.\d+Z/g, '');
  return join(localFolder, `estimate-${basename(what, extname(what))}-${time}.jsonl`);
}

/** Path of the file for `out`. Throws USAGE where it is there already: results are never overwritten. */
export function estimatePath(what: string, startedAt: Date, out: string | undefined): string {
  if (out === undefined) {
    const path = defaultOut(what, startedAt);
    // Two estimates within a second.
    for (let next = 2; ; next += 1) {
      const free = next === 2 ? path : path.replace(/\.jsonl$/, `-${next - 1}.jsonl`);
      if (!existsSync(free)) return free;
    }
  }
  if (!existsSync(out)) return out;
  throw new SparsemarkError(
    'USAGE',
    'Expected a new file for --out, received one that is there. Results are never overwritten: give another name.',
    { file: out },
  );
}

/** Writes the result file whole, its folder included. Throws DISK_FULL, USAGE, IO. */
export function writeEstimates(run: EstimateRun, path: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw asSparsemarkError(cause, path, 'write');
  }
  writeResult(path, estimateResult(run));
}
