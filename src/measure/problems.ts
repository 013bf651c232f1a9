/** The problems of a run: made once for the workloads that share one, and their files read before anything is measured. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Problem, Reference, Workload } from '../terms.ts';
import { opNamed } from '../workload/ops/index.ts';
import { patternNamed } from '../workload/patterns/index.ts';
import { makeProblem } from '../workload/problem.ts';

/** Problems and references of the last workloads: hot and cold, and several formats, ask for the same ones. */
export class ProblemCache {
  readonly #kept = new Map<string, { problem: Problem; reference: Reference; bytes: number }>();
  #bytes = 0;
  readonly #limitBytes = 512 * 2 ** 20;

  get(workload: Workload, dataFolder: string | undefined): { problem: Problem; reference: Reference } {
    const key = workload.id.replace(/-(hot|cold)\//, '/');
    const found = this.#kept.get(key);
    if (found !== undefined) return { problem: { ...found.problem, workload }, reference: found.reference };
    const problem = makeProblem(workload, dataFolder === undefined ? {} : { dataFolder });
    const reference = opNamed(workload.op).reference(problem);
    const { b, b2, b3, sparseB } = problem.operands;
    const bytes =
      12 * (problem.a.values.length + (sparseB?.values.length ?? 0)) +
      [b, b2, b3].reduce((sum, operand) => sum + (operand?.byteLength ?? 0), 0) +
      16 * reference.expected.length;
    for (const [old, entry] of this.#kept) {
      if (this.#bytes + bytes <= this.#limitBytes) break;
      this.#kept.delete(old);
      this.#bytes -= entry.bytes;
    }
    this.#kept.set(key, { problem, reference, bytes });
    this.#bytes += bytes;
    return { problem, reference };
  }
}

/**
 * Reads every matrix file of a run once, so that a damaged one is found before hours are spent. Yields between two
 * files. Throws what reading throws.
 */
export async function checkMatrices(
  workloads: readonly Workload[],
  dataFolder: string,
  onFile: () => void,
): Promise<void> {
  const read = new Set<string>();
  for (const { pattern } of workloads) {
    const source = patternNamed(pattern.name);
    const key = JSON.stringify(pattern.parameters);
    if (source.kind !== 'file' || read.has(key)) continue;
    read.add(key);
    // A signal is heard only between two turns of the event loop.
    await nextTurn();
    onFile();
    source.read(pattern.parameters, dataFolder);
  }
}
