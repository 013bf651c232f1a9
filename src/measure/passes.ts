/**
 * Passes over the workloads of a comparison. In each the workers are started anew, which draws the layout of their memory
 * anew, and every cell that is not known well enough gets a few rounds. A workload at a time with all of its layouts had
 * started the processes once for each of them: 3 starts for 5 cells, instead of 3 for all. And a cell's rounds are now
 * spread over the whole comparison, so that a minute's disturbance is in few of them.
 *
 * Each crew has workers and CPUs of its own and takes the next part of a pass when it is done with one. What two crews do
 * to each other falls on both sides of a pair alike: of 172 cells of `quick` on two shared EPYC cores, rounds were 2.8 %
 * from their layout's median in the middle with one crew and 2.6 and 3.1 % with two at once (robust standard deviations),
 * in the same time.
 */
import { correctedConfidence, isKnown, leastRounds, logRatiosOf } from '../result/compare.ts';
import { groupedMedianInterval } from '../statistics/grouped.ts';
import { seededRandom, seedOf } from '../statistics.ts';
import type { ComparisonProtocol } from '../terms/comparison.ts';
import type { Problem, Reference, Workload } from '../terms.ts';
import { type Course, measureInTurns, type PairWorkers, type TurnOptions } from './paired.ts';
import { openSharedFile } from './shared-file.ts';

/** A workload and the cells of it that are measured. */
export interface PairedWorkload {
  readonly workload: Workload;
  readonly courses: readonly Course[];
}

export interface PassOptions extends Omit<TurnOptions, 'operandsAt' | 'weightsAt'> {
  /** Of all cells of the comparison: their intervals shall hold together. */
  readonly cellCount: number;
  readonly problemOf: (workload: Workload) => { readonly problem: Problem; readonly reference: Reference };
  /** Of the order of cells and sides. */
  readonly seed: string;
  /** Until the passes shall be over. */
  readonly remainingSeconds: () => number;
  readonly onWorkload: (workload: string, pass: number, index: number, total: number) => void;
}

/**
 * What the crews take in turn: workloads, or where there are fewer workloads than crews a share of one's cells each.
 * Measuring a workload's cells in two places costs loading its operands twice.
 */
function partsOf(open: readonly PairedWorkload[], crews: number): readonly PairedWorkload[] {
  const shares = Math.ceil(crews / open.length);
  return open.flatMap(({ workload, courses }) =>
    Array.from({ length: shares }, (_, share) => ({
      workload,
      courses: courses.filter((_, index) => index % shares === share),
    })).filter(({ courses }) => courses.length > 0),
  );
}

/**
 * What of the open courses a pass measures: with fewer cells than controls, the controls take turns, so that they get no
 * more of the time than the cells. With one cell and all four controls in each pass, four fifths of the time told nothing
 * of the cell.
 */
export function coursesOfPass(open: readonly PairedWorkload[], pass: number): readonly PairedWorkload[] {
  const all = open.flatMap(({ courses }) => courses);
  const controls = all.filter(isControl);
  const cellCount = all.length - controls.length;
  const every = cellCount === 0 ? 1 : Math.ceil(controls.length / cellCount);
  const isMeasured = (course: Course): boolean =>
    !isControl(course) || (controls.indexOf(course) + pass) % every === 0;
  return withCourses(open, isMeasured);
}

/** The workloads that have such courses, with these alone. */
function withCourses(
  entries: readonly PairedWorkload[],
  wanted: (course: Course) => boolean,
): readonly PairedWorkload[] {
  return entries
    .map(({ workload, courses }) => ({ workload, courses: courses.filter(wanted) }))
    .filter(({ courses }) => courses.length > 0);
}

const isControl = ({ cell }: Course): boolean => cell.against === 'twin';

/** Passes at least: a difference that one layout makes must have a chance to vanish. */
const leastLayouts = 3;

/** Passes that are always made: as many as make an interval of this confidence. */
export function leastPassesOf(
  { roundsPerLayout }: Pick<ComparisonProtocol, 'roundsPerLayout'>,
  confidence: number,
): number {
  return Math.max(leastLayouts, Math.ceil(leastRounds(confidence) / roundsPerLayout));
}

/**
 * Measures until every cell is known well enough, has had all its rounds, or the time is over; the least number of passes
 * is always made, and twice as many where a cell has no interval yet. Returns the ids of the workloads for which the time
 * was too short: what the first pass does not reach in its share of the time is given up, rather than that no cell gets
 * rounds enough for an interval.
 */
export async function measurePasses(
  entries: readonly PairedWorkload[],
  crews: readonly PairWorkers[],
  options: PassOptions,
): Promise<ReadonlySet<string>> {
  const { protocol, cellCount, check, remainingSeconds } = options;
  const confidence = correctedConfidence(protocol.confidence, cellCount);
  const leastPasses = leastPassesOf(protocol, confidence);
  const secondsAPass = remainingSeconds() / leastPasses;
  const begunSeconds = remainingSeconds();
  const isOpen = ({ refusal, layouts }: Course): boolean =>
    refusal === null &&
    (layouts.length < leastPasses || !isKnown(logRatiosOf({ layouts }), protocol, confidence));
  /** Layouts that disagree leave few rounds no interval at all; such a cell may take more time than there is. */
  const isBounded = ({ layouts }: Course): boolean =>
    groupedMedianInterval(logRatiosOf({ layouts }), confidence).interval.every(Number.isFinite);
  const givenUp = new Set<string>();
  for (let pass = 1; pass * protocol.roundsPerLayout <= 2 * protocol.maxRounds; pass += 1) {
    const open = withCourses(
      entries.filter(({ workload }) => !givenUp.has(workload.id)),
      isOpen,
    );
    if (open.length === 0) break;
    const parts = partsOf(coursesOfPass(open, pass), crews.length);
    let next = 0;
    let isOver = false;
    const takeParts = async (workers: PairWorkers): Promise<void> => {
      while (next < parts.length && !isOver) {
        const index = next;
        next += 1;
        const { workload, courses } = parts[index]!;
        check();
        if (
          pass > leastPasses &&
          remainingSeconds() <= 0 &&
          (pass > 2 * leastPasses || courses.every(isBounded))
        ) {
          isOver = true;
          return;
        }
        if (pass === 1 && index >= crews.length && begunSeconds - remainingSeconds() > secondsAPass) {
          for (const late of parts.slice(index)) givenUp.add(late.workload.id);
          next = parts.length;
          return;
        }
        options.onWorkload(workload.id, pass, index, parts.length);
        const { problem, reference } = options.problemOf(workload);
        // Of its own for each part: which crew takes it depends on the times.
        const random = seededRandom(seedOf(`${options.seed} ${pass} ${index}`));
        const files = [openSharedFile(), openSharedFile()];
        const [operandsAt, weightsAt] = files.map((file) => file?.path);
        const shared = { ...options, operandsAt, weightsAt };
        await measureInTurns(problem, reference, courses, workers, shared, random).finally(() => {
          for (const file of files) file?.close();
        });
      }
    };
    const onNewLayout = async (workers: PairWorkers): Promise<void> => {
      for (const worker of Object.values(workers)) worker.retire();
      await takeParts(workers);
    };
    const ended = await Promise.allSettled(crews.map(onNewLayout));
    // Only when all crews have ended: a crew that goes on would measure for nobody.
    for (const crew of ended) if (crew.status === 'rejected') throw crew.reason;
    if (isOver) return givenUp;
  }
  return givenUp;
}
