/** The cells of one workload, measured in turns on two workers whose address layout is drawn anew every few rounds. */
import { correctedConfidence, isKnown, leastRounds, logRatiosOf } from '../result/compare.ts';
import { seededRandom } from '../statistics.ts';
import type { Attempt, ComparisonProtocol, LayoutRounds } from '../terms/comparison.ts';
import type { Kernel, Problem, Reference } from '../terms.ts';
import type { LibraryWorker } from './library-worker.ts';
import type { Refused } from './requests.ts';
import { shuffled } from './timing.ts';
import { coldBytesOf, failed, maxWarmupBatches } from './workload-run.ts';

/** A cell with its kernel in both libraries. */
export interface PairedCell {
  readonly id: string;
  readonly threads: number;
  readonly base: Kernel;
  readonly head: Kernel;
  /** Head is base once more, in the worker `twin`. */
  readonly control: boolean;
}

/** What became of a cell: rounds, or which side refused it. */
export type PairOutcome =
  | { readonly kind: 'rounds'; readonly attempt: Attempt }
  | { readonly kind: 'refused'; readonly side: Side; readonly why: Refused };

export type Side = 'base' | 'head';

/** The processes that measure; `twin` has base's library too. */
export type PairWorkers = Readonly<Record<Side | 'twin', LibraryWorker>>;

export interface PairedOptions {
  readonly protocol: ComparisonProtocol;
  /** Of all cells of the comparison: their intervals shall hold together. */
  readonly cellCount: number;
  readonly privateCacheBytes: number;
  readonly seed: number;
  /** Asked between two layouts: false ends the rounds once every cell has enough for an interval. */
  readonly mayGoOn: () => boolean;
  /** Asked between two layouts; throws to end the comparison. */
  readonly check: () => void;
}

/** Layouts at least: a difference that one placement of the memory makes must have a chance to vanish. */
const leastLayouts = 3;

interface Course {
  readonly cell: PairedCell;
  evaluations: number | null;
  readonly layouts: LayoutRounds[];
  outcome: PairOutcome | null;
}

/** Measures the cells. Never throws for a library's fault: that is an outcome too. */
export async function measurePairs(
  problem: Problem,
  reference: Reference,
  cells: readonly PairedCell[],
  workers: PairWorkers,
  options: PairedOptions,
): Promise<ReadonlyMap<string, PairOutcome>> {
  const { protocol } = options;
  const confidence = correctedConfidence(protocol.confidence, options.cellCount);
  const least = Math.max(leastRounds(confidence), leastLayouts * protocol.roundsPerLayout);
  const random = seededRandom(options.seed);
  const courses = cells.map((cell): Course => ({ cell, evaluations: null, layouts: [], outcome: null }));
  const roundsOf = ({ layouts }: Course): number =>
    layouts.reduce((sum, { baseNs }) => sum + baseNs.length, 0);
  const open = (): Course[] => {
    const left = courses.filter((course) => {
      if (course.outcome !== null) return false;
      return roundsOf(course) < least || !isKnown(logRatiosOf(course), protocol, confidence);
    });
    const short = left.some((course) => roundsOf(course) < least);
    return short || options.mayGoOn() ? left : [];
  };
  for (let left = open(); left.length > 0; left = open()) {
    options.check();
    await measureLayout(problem, reference, left, workers, options, random);
  }
  return new Map(
    courses.map(({ cell, outcome, layouts, evaluations }) => [
      cell.id,
      outcome ?? { kind: 'rounds', attempt: { evaluationsPerSample: evaluations!, layouts } },
    ]),
  );
}

/** Both workers started anew, each cell started, `roundsPerLayout` rounds of each, finished. */
async function measureLayout(
  problem: Problem,
  reference: Reference,
  courses: readonly Course[],
  workers: PairWorkers,
  options: PairedOptions,
  random: () => number,
): Promise<void> {
  const { protocol, check } = options;
  const { workload, a, operands } = problem;
  const { op, shape, dtype, cache } = workload;
  /** Does something on one side; a refusal becomes the outcome of these cells. */
  const on = async <T>(side: Side, of: readonly Course[], act: () => Promise<T>): Promise<T | null> => {
    try {
      return await act();
    } catch (error) {
      // Where the comparison was interrupted, the worker was ended by us.
      check();
      const why = failed(error);
      for (const course of of) course.outcome ??= { kind: 'refused', side, why };
      return null;
    }
  };
  const placeOf = (side: Side, { cell }: Course): keyof PairWorkers =>
    side === 'head' && cell.control ? 'twin' : side;
  const fresh = async (place: keyof PairWorkers): Promise<void> => {
    const side = place === 'base' ? 'base' : 'head';
    const of = courses.filter((course) => placeOf(side, course) === place);
    if (of.length === 0) return;
    await on(side, of, async () => {
      await workers[place].revive();
      await workers[place].ask({ kind: 'load', op, shape, dtype, a, operands, reference });
    });
  };
  // At once: nothing is timed yet.
  await Promise.all([fresh('base'), fresh('head'), fresh('twin')]);
  check();
  const start = async (side: Side, course: Course): Promise<void> => {
    const { cell, evaluations } = course;
    const kernel = cell[side];
    const answer = await on(side, [course], () =>
      workers[placeOf(side, course)].ask({
        kind: 'start',
        key: cell.id,
        kernel: kernel.index,
        format: kernel.format,
        threads: cell.threads,
        cache,
        coldBytes: coldBytesOf(cache, options.privateCacheBytes),
        batchTargetNs: protocol.batchTargetNs,
        // Sides that each find their own number were up to 1.2 % apart in other harnesses.
        ...(evaluations === null ? {} : { evaluations }),
        maxWarmupBatches,
      }),
    );
    if (answer === null) return;
    if (answer.status === 'started') course.evaluations ??= answer.evaluationsPerSample;
    else course.outcome ??= { kind: 'refused', side, why: answer };
  };
  const lost = (course: Course): boolean => workers.base.gone || workers[placeOf('head', course)].gone;
  const started = new Set<Course>();
  for (const course of courses) {
    for (const side of ['base', 'head'] as const) {
      if (course.outcome === null && !lost(course)) await start(side, course);
    }
    if (course.outcome === null && !lost(course)) started.add(course);
  }
  const able = [...started].filter((course) => course.outcome === null && !lost(course));
  const rounds = new Map(able.map((course) => [course, { baseNs: [] as number[], headNs: [] as number[] }]));
  const sample = (side: Side, course: Course) =>
    on(side, [course], () => workers[placeOf(side, course)].ask({ kind: 'sample', key: course.cell.id }));
  // Two rounds at a time: base, head, head, base or the other way round, so that neither side is always the later one.
  for (let round = 0; round < protocol.roundsPerLayout; round += 2) {
    for (const index of shuffled(able.length, random)) {
      const course = able[index]!;
      const outer = random() < 0.5 ? 'base' : 'head';
      const inner = outer === 'base' ? 'head' : 'base';
      for (const [first, second] of [
        [outer, inner],
        [inner, outer],
      ] as const) {
        if (course.outcome !== null || lost(course)) break;
        const one = await sample(first, course);
        const two = one === null ? null : await sample(second, course);
        if (one === null || two === null) break;
        rounds.get(course)!.baseNs.push(first === 'base' ? one : two);
        rounds.get(course)!.headNs.push(first === 'head' ? one : two);
      }
    }
  }
  for (const course of able) {
    let verified = true;
    for (const side of ['base', 'head'] as const) {
      if (course.outcome !== null || lost(course)) {
        verified = false;
        continue;
      }
      const key = course.cell.id;
      const after = await on(side, [course], () =>
        workers[placeOf(side, course)].ask({ kind: 'finish', key }),
      );
      if (after !== null) course.outcome ??= { kind: 'refused', side, why: after };
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
