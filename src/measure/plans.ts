/** Tuned plans on disk: one file a machine, since a plan that is best on one is not on another. */
import { mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { asSparsemarkError, writeWhole } from '../result/file.ts';
import { caseId } from '../result/result.ts';
import type { TunedFor, TunedPlan } from '../terms/plan.ts';
import { type Case, type Library, type Machine, SparsemarkError, type Workload } from '../terms.ts';
import type { Cell } from './schedule.ts';

/** Folder of the plans: `SPARSEMARK_PLANS`, else `sparsemark/plans` in the user's cache folder. */
export function plansFolderOf(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): string {
  const chosen = environment.SPARSEMARK_PLANS;
  if (chosen !== undefined && chosen !== '') return chosen;
  const cache =
    process.platform === 'darwin'
      ? join(homedir(), 'Library', 'Caches')
      : environment.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'sparsemark', 'plans');
}

/** The file of a machine. */
export function plansPathOf(folder: string, fingerprint: string): string {
  return join(folder, `${fingerprint}.json`);
}

const schemaVersion = 1;
const name = z.string().min(1).max(256);
const size = z.int().min(1);
const ratio = z.number().positive();
const fileSchema = z.strictObject({
  schemaVersion: z.literal(schemaVersion),
  machine: z.strictObject({ fingerprint: name, cpuBrand: z.string().max(256) }),
  plans: z.array(
    z.strictObject({
      library: name,
      librarySha256: z.string().regex(/^[0-9a-f]{64}$/),
      op: name,
      dtype: z.enum(['f32', 'bf16', 'f16', 'int8']),
      kernel: name,
      isa: name,
      threads: size,
      cache: z.enum(['hot', 'cold']),
      m: size,
      k: size,
      n: size,
      density: z.number().min(0).max(1),
      plan: name,
      speedup: ratio,
      interval: z.tuple([ratio, ratio]),
      tunedAt: z.iso.datetime(),
    }),
  ),
});

/**
 * The plans of this machine; none where nothing was tuned yet. Throws BAD_RESULT for a file that is torn, edited into
 * something else, of a newer version, or of another machine, and USAGE or IO where it cannot be read.
 */
export function readPlans(folder: string, fingerprint: string): readonly TunedPlan[] {
  const path = plansPathOf(folder, fingerprint);
  const refuse = (expected: string, received: string): never => {
    throw new SparsemarkError(
      'BAD_RESULT',
      `Expected ${expected} for the tuned plans, received ${received}. Delete the file and tune again: sparsemark tune <suite>.`,
      { file: path },
    );
  };
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw asSparsemarkError(cause, path, 'read');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return refuse('JSON', (cause as Error).message);
  }
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!;
    return refuse(`a valid ${issue.path.join('.') || 'file'}`, issue.message);
  }
  const { machine, plans } = parsed.data;
  if (machine.fingerprint !== fingerprint) {
    return refuse(`those of this machine (${fingerprint})`, `those of ${machine.fingerprint}`);
  }
  return plans;
}

/** Writes the plans as a whole: a reader sees the old file or the new one. Throws DISK_FULL, USAGE, IO. */
export function writePlans(
  folder: string,
  machine: Pick<Machine, 'fingerprint' | 'cpuBrand'>,
  plans: readonly TunedPlan[],
): string {
  const path = plansPathOf(folder, machine.fingerprint);
  const { fingerprint, cpuBrand } = machine;
  const text = JSON.stringify({ schemaVersion, machine: { fingerprint, cpuBrand }, plans }, null, 1);
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    throw asSparsemarkError(cause, path, 'write');
  }
  writeWhole(path, [`${text}\n`]);
  return path;
}

/** What a cell of a workload is tuned for. */
export function tunedFor(cell: Cell, workload: Workload, library: Library): TunedFor {
  const { m, k, n } = workload.shape;
  return {
    library: library.name,
    librarySha256: library.sha256,
    op: workload.op,
    dtype: workload.dtype,
    kernel: cell.case.kernel,
    isa: cell.case.isa,
    threads: cell.case.threads,
    cache: workload.cache,
    m,
    k,
    n,
    density: workload.density,
  };
}

/** Densities this far apart share a plan: the planner's own classes are twice as wide and more. */
const densityFactor = 1.1;

/** What must agree; of the density see planFor. */
const exact = [
  ...(['library', 'librarySha256', 'op', 'dtype', 'kernel', 'isa', 'threads', 'cache'] as const),
  ...(['m', 'k', 'n'] as const),
];

function isSame(one: TunedFor, other: TunedFor): boolean {
  return exact.every((key) => one[key] === other[key]);
}

/** The plan tuned for this, or for the nearest density within 10 %; null: none. */
export function planFor(plans: readonly TunedPlan[], wanted: TunedFor): TunedPlan | null {
  const distance = (plan: TunedPlan): number => Math.abs(Math.log(plan.density / wanted.density));
  const able = plans.filter(
    (plan) => isSame(wanted, plan) && distance(plan) <= Math.log(densityFactor) + 1e-9,
  );
  return able.reduce<TunedPlan | null>(
    (best, plan) => (best === null || distance(plan) < distance(best) ? plan : best),
    null,
  );
}

/**
 * The plans after some cells were tuned: `found` takes the place of what was known for the same cells, a cell whose
 * library's own plan won (`tuned` without a found plan) loses what it had, and plans of other builds of the same
 * libraries are gone, since nothing will ask for them again.
 */
export function mergedPlans(
  earlier: readonly TunedPlan[],
  tuned: readonly TunedFor[],
  found: readonly TunedPlan[],
): readonly TunedPlan[] {
  const builds = new Map(tuned.map(({ library, librarySha256 }) => [library, librarySha256]));
  const kept = earlier.filter(
    (plan) =>
      (builds.get(plan.library) ?? plan.librarySha256) === plan.librarySha256 &&
      !tuned.some((of) => isSame(of, plan) && of.density === plan.density),
  );
  return [...kept, ...found];
}

/** Marks a case that runs with a tuned plan; the kernel is called so in its id. */
const tunedSuffix = '-tuned';

/** Did the case run with a tuned plan? */
export function isTunedCell(cell: Pick<Case, 'kernel'>): boolean {
  return cell.kernel.endsWith(tunedSuffix);
}

/** The cells of a workload that have a tuned plan, once more with it, under a name that says so. */
export function tunedCells(
  cells: readonly Cell[],
  workload: Workload,
  libraries: readonly Library[],
  plans: readonly TunedPlan[],
): readonly Cell[] {
  return cells.flatMap((cell) => {
    const library = libraries.find(({ name: own }) => own === cell.case.library)!;
    const plan = planFor(plans, tunedFor(cell, workload, library));
    if (plan === null) return [];
    const kernel = `${cell.case.kernel}${tunedSuffix}`;
    const part = { ...cell.case, kernel };
    return [{ ...cell, case: { ...part, id: caseId(part) }, plan: plan.plan }];
  });
}
