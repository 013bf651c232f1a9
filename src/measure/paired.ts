/** Cells of one workload, measured in turns on two workers during one of their lives: one layout of their memory. */
import type { ComparisonProtocol, LayoutRounds, Sampling } from '../terms/comparison.ts';
import type { Kernel, Problem, Reference } from '../terms.ts';
import type { LibraryWorker } from './library-worker.ts';
import type { Refused } from './requests.ts';
import { shuffled } from './timing.ts';
import { coldBytesOf, failed } from './workload-run.ts';

/** Where a side of a cell is measured: `twin` has base's library once more, `relinked` base linked in another order. */
export type Place = 'base' | 'head' | 'twin' | 'relinked';
export type Side = 'base' | 'head';

/** The processes that measure; `relinked` where there is such a build. */
export type PairWorkers = Readonly<Record<Exclude<Place, 'relinked'>, LibraryWorker>> & {
  readonly relinked?: LibraryWorker;
};

/**
 * Untimed batches after each start. A run waits until batches are steady, 8 at least; here a drift falls on both sides,
 * and waiting in each layout took as long as the samples.
 */
const warmupBatches = 3;

/** A cell with its kernel in both libraries. */
export interface PairedCell {
  readonly id: string;
  readonly threads: number;
  readonly base: Kernel;
  readonly head: Kernel;
  /** Whose kernel is head's: `twin` makes a control of the cell, `relinked` a guard. */
  readonly against: Exclude<Place, 'base'>;
  /** Slowdown of head that is made on purpose, 0.05 for 5 %: how the gate itself is tested. */
  readonly injectedSlowdown?: number;
}

/** Pairs of samples that this process has asked for. */
let meetings = 0;

/** What a worker calls a cell: base measures the same cell against head and against itself. */
const keyOf = ({ cell }: Course): string => `${cell.against} ${cell.id}`;

/** A cell on its way: the rounds of each layout so far, or which side refused it. */
export interface Course {
  readonly cell: PairedCell;
  /** Null before the first start. */
  sampling: Sampling | null;
  readonly layouts: LayoutRounds[];
  refusal: { readonly side: Side; readonly why: Refused } | null;
}

export function courseOf(cell: PairedCell): Course {
  return { cell, sampling: null, layouts: [], refusal: null };
}

export interface TurnOptions {
  readonly protocol: ComparisonProtocol;
  readonly privateCacheBytes: number;
  /**
   * Path of a new file in memory for B and C of both sides. Absent: where each side's lie differs, which alone made some
   * cells 2 to 7 % slower or faster in one layout than in another, and 0.4 to 2.5 % with it.
   */
  readonly operandsAt?: string | undefined;
  /**
   * Path of another one for equal pages of A's arrays of both sides, where weights are hot. Cold ones rotate through copies,
   * and with these shared too, half a rotation apart, rounds within a layout scattered by 3.2 to 13.9 % where they had by
   * 1.8 to 7.2 % (three cells, 20 layouts of 4 rounds, Zen 3).
   */
  readonly weightsAt?: string | undefined;
  /** Throws to end the comparison. */
  readonly check: () => void;
}

/**
 * Each cell started, `roundsPerLayout` rounds of each, finished. Workers that are gone are started anew. Never throws for
 * a library's fault: that is a refusal of the course.
 */
export async function measureInTurns(
  { workload, a, operands }: Problem,
  reference: Reference,
  courses: readonly Course[],
  workers: PairWorkers,
  { protocol, privateCacheBytes, operandsAt, weightsAt, check }: TurnOptions,
  random: () => number,
): Promise<void> {
  const { op, shape, dtype, cache } = workload;
  const placeOf = (side: Side, { cell }: Course): Place => (side === 'base' ? 'base' : cell.against);
  const workerOf = (side: Side, course: Course): LibraryWorker => workers[placeOf(side, course)]!;
  /** Does something on one side; a refusal is that of these cells. */
  const on = async <T>(side: Side, of: readonly Course[], act: () => Promise<T>): Promise<T | null> => {
    try {
      return await act();
    } catch (error) {
      // Where the comparison was interrupted, the worker was ended by us.
      check();
      const why = failed(error);
      for (const course of of) course.refusal ??= { side, why };
      return null;
    }
  };
  const ready = async (place: Place): Promise<void> => {
    const side = place === 'base' ? 'base' : 'head';
    const of = courses.filter((course) => placeOf(side, course) === place);
    if (of.length === 0) return;
    const worker = workers[place]!;
    await on(side, of, async () => {
      if (worker.gone) await worker.revive();
      await worker.ask({
        ...{ kind: 'load', op, shape, dtype, a, operands, operandsAt, reference },
        ...(cache === 'hot' ? { weightsAt } : {}),
      });
    });
  };
  // At once: nothing is timed yet.
  await Promise.all((['base', 'head', 'twin', 'relinked'] as const).map(ready));
  check();
  const start = async (side: Side, course: Course): Promise<void> => {
    const { cell } = course;
    const kernel = cell[side];
    const answer = await on(side, [course], () =>
      workerOf(side, course).ask({
        kind: 'start',
        key: keyOf(course),
        kernel: kernel.index,
        format: kernel.format,
        threads: cell.threads,
        cache,
        coldBytes: coldBytesOf(cache, privateCacheBytes),
        batchTargetNs: protocol.batchTargetNs,
        encodeRepeats: 1,
        // Sides that each find their own number were up to 1.2 % apart in other harnesses.
        sampling: course.sampling ?? protocol,
        ...(side === 'head' && cell.against === 'head' && cell.injectedSlowdown !== undefined
          ? { injectedSlowdown: cell.injectedSlowdown }
          : {}),
        maxWarmupBatches: warmupBatches,
      }),
    );
    if (answer === null) return;
    if (answer.status === 'started') {
      course.sampling ??= answer.sampling;
    } else course.refusal ??= { side, why: answer };
  };
  const lost = (course: Course): boolean => workers.base.gone || workerOf('head', course).gone;
  const able: Course[] = [];
  for (const course of courses) {
    for (const side of ['base', 'head'] as const) {
      if (course.refusal === null && !lost(course)) await start(side, course);
    }
    if (course.refusal === null && !lost(course)) able.push(course);
  }
  const rounds = new Map(able.map((course) => [course, { baseNs: [] as number[], headNs: [] as number[] }]));
  /** A sample of each side, both cut into turns that alternate; `first` has the first one. */
  const round = async (first: Side, course: Course): Promise<boolean> => {
    const path = workers[course.cell.against]!.waitAt!;
    meetings += 1;
    const meeting = meetings;
    const [baseNs, headNs] = await Promise.all(
      (['base', 'head'] as const).map((side) =>
        on(side, [course], () =>
          workerOf(side, course).ask({
            ...{ kind: 'turns', key: keyOf(course), path, meeting },
            ...{ waits: side === 'head', first: side === first },
          }),
        ),
      ),
    );
    if (baseNs == null || headNs == null) return false;
    rounds.get(course)!.baseNs.push(baseNs);
    rounds.get(course)!.headNs.push(headNs);
    return true;
  };
  // Two rounds at a time, in which the sides change places, so that neither is always the later one.
  for (let taken = 0; taken < protocol.roundsPerLayout; taken += 2) {
    for (const index of shuffled(able.length, random)) {
      const course = able[index]!;
      const outer = random() < 0.5 ? 'base' : 'head';
      const inner = outer === 'base' ? 'head' : 'base';
      for (const first of [outer, inner] as const) {
        if (course.refusal !== null || lost(course) || !(await round(first, course))) break;
      }
    }
  }
  for (const course of able) {
    let verified = true;
    for (const side of ['base', 'head'] as const) {
      if (course.refusal !== null || lost(course)) {
        verified = false;
        continue;
      }
      const key = keyOf(course);
      const after = await on(side, [course], () => workerOf(side, course).ask({ kind: 'finish', key }));
      if (after !== null) course.refusal ??= { side, why: after };
    }
    // Times of a worker that another kernel took down were never checked.
    const taken = rounds.get(course)!;
    if (verified && taken.baseNs.length > 0) course.layouts.push(taken);
  }
}

/** What a refusal says. */
export function refusalText(why: Refused): string {
  switch (why.status) {
    case 'wrong':
      return why.detail;
    case 'unsupported':
      return why.reason;
    case 'failed':
      return [why.reason, why.detail].filter((part) => part !== '').join(': ');
  }
}
