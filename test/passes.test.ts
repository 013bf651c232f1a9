/** Passes of a comparison over workers that are made up: what is asked of them, and when it ends. */
import { describe, expect, it } from 'vitest';
import { type LibraryWorker, WorkerGone } from '../src/measure/library-worker.ts';
import { type Course, courseOf, type PairedCell } from '../src/measure/paired.ts';
import { coursesOfPass, measurePasses } from '../src/measure/passes.ts';
import type { Answers, Request } from '../src/measure/requests.ts';
import { correctedConfidence, estimateOf, verdictOf } from '../src/result/compare.ts';
import { seededRandom } from '../src/statistics.ts';
import type { ComparisonProtocol, Sampling } from '../src/terms/comparison.ts';
import type { Kernel, Problem, Reference, Workload } from '../src/terms.ts';
import { fakeComparison } from './fake-comparison.ts';

const protocol: ComparisonProtocol = fakeComparison([{ ratio: 1 }]).header.protocol;
const problemOf = (id: string) => ({ workload: { id, cache: 'hot', op: 'spmm' } }) as unknown as Problem;

const sampling: Sampling = {
  evaluationsPerBatch: 7,
  batchesPerTurn: 5,
  turnsPerSample: 9,
  warmupsPerTurn: 7,
};

interface FakeWorker extends LibraryWorker {
  readonly asked: string[];
  starts: number;
}

/** A worker whose samples take `nsOf` its kernel; `diesAt` is the workload in which it crashes, once. */
function worker(nsOf: (key: string) => number, diesAt: string | null = null): FakeWorker {
  let gone = false;
  let deaths = 0;
  let at = '';
  const self: FakeWorker = {
    path: 'made-up.so',
    library: {} as LibraryWorker['library'],
    pinned: true,
    knobs: new Map(),
    waitAt: '/nowhere',
    asked: [],
    starts: 0,
    get gone() {
      return gone;
    },
    async revive() {
      gone = false;
      self.starts += 1;
    },
    retire() {
      gone = true;
    },
    end() {
      gone = true;
    },
    async ask<R extends Request>(request: R): Promise<Answers[R['kind']]> {
      self.asked.push(request.kind);
      const answer = (): unknown => {
        switch (request.kind) {
          case 'load':
            at = (request as unknown as { operands: string }).operands;
            return null;
          case 'start':
            if (at === diesAt && deaths === 0) {
              deaths += 1;
              gone = true;
              throw new WorkerGone('SIGSEGV', 'made up');
            }
            return {
              status: 'started',
              evaluationsPerSample: 7,
              sampling: 'turnsPerSample' in request.sampling! ? request.sampling : sampling,
            };
          case 'turns':
            return nsOf(request.key);
          default:
            return null;
        }
      };
      return answer() as Answers[R['kind']];
    },
  };
  return self;
}

function cell(id: string): PairedCell {
  const kernel = { index: 0, format: 'csr' } as Kernel;
  return { id, threads: 1, base: kernel, head: kernel, against: 'head' };
}

/** Measures one cell each of these workloads; a workload costs `secondsEach`. */
async function passes(
  ids: readonly string[],
  workers: { readonly base: FakeWorker; readonly head: FakeWorker },
  budgetSeconds: number,
  secondsEach: number,
) {
  let clock = 0;
  const visited: string[] = [];
  const entries = ids.map((id) => ({ workload: { id } as Workload, courses: [courseOf(cell(`${id}/csr`))] }));
  const givenUp = await measurePasses(entries, [{ ...workers, twin: worker(() => 1) }], {
    protocol,
    cellCount: ids.length,
    privateCacheBytes: 2 ** 20,
    check: () => {},
    problemOf: ({ id }) => ({
      problem: { ...problemOf(id), operands: id } as unknown as Problem,
      reference: {} as Reference,
    }),
    seed: '5',
    remainingSeconds: () => budgetSeconds - clock,
    onWorkload: (id, pass) => {
      clock += secondsEach;
      visited.push(`${pass} ${id}`);
    },
  });
  return { givenUp, visited, courses: entries.map(({ courses }) => courses[0]!) };
}

const noise = seededRandom(3);
const around = (ns: number): number => ns * (1 + 0.01 * (noise() - 0.5));
const roundsOf = ({ layouts }: Course): number => layouts.reduce((sum, { baseNs }) => sum + baseNs.length, 0);

describe('passes', () => {
  it('tell slower, faster and same cells apart, each known after the least number of passes', async () => {
    const factors: Record<string, number> = { slow: 1.1, fast: 0.9, same: 1 };
    const base = worker(() => around(1000));
    const head = worker((key) => around(1000 * factors[key.split(' ')[1]!.split('/')[0]!]!));
    const { courses, givenUp } = await passes(['slow', 'fast', 'same'], { base, head }, 1000, 1);
    expect(givenUp.size).toBe(0);
    const confidence = correctedConfidence(protocol.confidence, 3);
    const verdicts = courses.map(({ layouts }) => {
      const attempt = { ...sampling, layouts };
      const estimate = estimateOf([attempt], confidence, 'x')!;
      return verdictOf([estimate, estimate], protocol);
    });
    expect(verdicts).toEqual(['slower', 'faster', 'same']);
    expect(courses.map(roundsOf)).toEqual([24, 24, 24]);
    // Started anew in each pass, not for each workload; head's samples are made as base's.
    expect([base.starts, head.starts]).toEqual([3, 3]);
    expect(courses.map((course) => course.sampling)).toEqual([sampling, sampling, sampling]);
  });

  it('go on where a cell is noisy, until it has had all its rounds', async () => {
    const wild = seededRandom(9);
    const side = () => worker((key) => 1000 * (1 + (key.includes('wild') ? 2 * wild() : 0)));
    const { courses, visited } = await passes(['wild', 'calm'], { base: side(), head: side() }, 1e6, 1);
    expect(courses.map(roundsOf)).toEqual([protocol.maxRounds, 24]);
    expect(visited.filter((at) => at.endsWith('calm'))).toHaveLength(3);
  });

  it('give up what the first pass does not reach in its share of the time, and measure the rest', async () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const side = () => worker(() => 1000);
    const { givenUp, courses } = await passes(ids, { base: side(), head: side() }, 9, 1);
    expect([...givenUp]).toEqual(['e', 'f']);
    expect(courses.map(roundsOf)).toEqual([24, 24, 24, 24, 0, 0]);
  });

  it('end with the time once every cell has an interval', async () => {
    const wild = seededRandom(9);
    const side = () => worker(() => 1000 * (1 + wild()));
    const { courses } = await passes(['wild'], { base: side(), head: side() }, 5, 1);
    expect(roundsOf(courses[0]!)).toBeGreaterThanOrEqual(24);
    expect(roundsOf(courses[0]!)).toBeLessThanOrEqual(6 * protocol.roundsPerLayout);
  });

  it('share a pass between crews, and the cells of a workload where it is the only one', async () => {
    const crews = [0, 1].map(() => ({
      base: worker(() => around(1000)),
      head: worker(() => around(1000)),
      twin: worker(() => 1),
    }));
    const options = {
      protocol,
      cellCount: 4,
      privateCacheBytes: 2 ** 20,
      check: () => {},
      problemOf: ({ id }: Workload) => ({
        problem: { ...problemOf(id), operands: id } as unknown as Problem,
        reference: {} as Reference,
      }),
      seed: 'x',
      remainingSeconds: () => 1000,
      onWorkload: () => {},
    };
    const started = () =>
      crews.map(({ base }) => base.asked.splice(0).filter((kind) => kind === 'start').length);
    const entryOf = (id: string, cells: readonly string[]) => ({
      workload: { id } as Workload,
      courses: cells.map((name) => courseOf(cell(`${id}/${name}`))),
    });
    const several = ['a', 'b', 'c', 'd'].map((id) => entryOf(id, ['csr']));
    await measurePasses(several, crews, options);
    expect(several.flatMap(({ courses }) => courses.map(roundsOf))).toEqual([24, 24, 24, 24]);
    // Three passes of four cells.
    expect(started()).toEqual([6, 6]);
    const alone = entryOf('a', ['csr', 'dense', 'coo']);
    await measurePasses([alone], crews, options);
    expect(alone.courses.map(roundsOf)).toEqual([24, 24, 24]);
    expect(started()).toEqual([6, 3]);
  });

  it('let controls take turns where they are more than the cells', () => {
    const control = (name: string) => courseOf({ ...cell(name), against: 'twin' });
    const entry = (id: string, courses: readonly Course[]) => ({ workload: { id } as Workload, courses });
    const measuredOf = (open: Parameters<typeof coursesOfPass>[0], pass: number): string[] =>
      coursesOfPass(open, pass).flatMap(({ courses }) => courses.map((course) => course.cell.id));
    const controls = ['c0', 'c1', 'c2', 'c3'].map(control);
    const alone = [entry('a', [courseOf(cell('x')), ...controls])];
    expect([1, 2, 3, 4, 5].map((pass) => measuredOf(alone, pass))).toEqual([
      ...[
        ['x', 'c3'],
        ['x', 'c2'],
        ['x', 'c1'],
        ['x', 'c0'],
      ],
      ['x', 'c3'],
    ]);
    const two = [
      entry('a', [courseOf(cell('x')), ...controls.slice(0, 2)]),
      entry('b', [courseOf(cell('y'))]),
    ];
    expect(measuredOf(two, 1)).toEqual(['x', 'c0', 'c1', 'y']);
    const three = [entry('a', [courseOf(cell('x')), courseOf(cell('y'))]), entry('b', controls)];
    expect([1, 2].map((pass) => measuredOf(three, pass))).toEqual([
      ['x', 'y', 'c1', 'c3'],
      ['x', 'y', 'c0', 'c2'],
    ]);
    // Nothing of a workload whose control is not on: it is not even loaded.
    expect(
      coursesOfPass([entry('a', [courseOf(cell('x'))]), entry('b', controls.slice(0, 2))], 1),
    ).toHaveLength(2);
    expect(measuredOf([entry('b', controls)], 1)).toHaveLength(4);
  });

  it('end in every crew before an interruption is told', async () => {
    let asked = 0;
    const crews = [0, 1].map(() => ({ base: worker(() => 1), head: worker(() => 1), twin: worker(() => 1) }));
    const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
    const entries = ids.map((id) => ({
      workload: { id } as Workload,
      courses: [courseOf(cell(`${id}/csr`))],
    }));
    const measured = measurePasses(entries, crews, {
      protocol,
      cellCount: 6,
      privateCacheBytes: 2 ** 20,
      check: () => {
        asked += 1;
        if (asked >= 4) throw new Error('interrupted');
      },
      problemOf: ({ id }) => ({ problem: problemOf(id), reference: {} as Reference }),
      seed: 'x',
      remainingSeconds: () => 1000,
      onWorkload: () => {},
    });
    await expect(measured).rejects.toThrow('interrupted');
    const seen = asked;
    await new Promise((later) => setTimeout(later, 20));
    expect(asked).toBe(seen);
  });

  it('lose a crash its own cell alone', async () => {
    const base = worker(() => around(1000));
    const head = worker(() => around(1000), 'b');
    const { courses } = await passes(['a', 'b', 'c'], { base, head }, 1000, 1);
    expect(courses.map(({ refusal }) => refusal?.side ?? null)).toEqual([null, 'head', null]);
    expect(courses[1]!.refusal!.why).toMatchObject({ status: 'failed', reason: 'SIGSEGV' });
    expect(courses.map(roundsOf)).toEqual([24, 0, 24]);
  });
});
