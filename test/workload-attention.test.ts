/** What the tolerance of masked_attention lets through, and what it does not. */
import { describe, expect, test } from 'vitest';
import type { Problem, Workload } from '../src/terms.ts';
import { checkAnswer, opNamed } from '../src/workload/ops/index.ts';
import { fixedDensityOf, patternSpec } from '../src/workload/patterns/index.ts';
import { makeProblem, workloadId } from '../src/workload/problem.ts';

const op = opNamed('masked_attention');

function problemOf(keys: number, name: string, parameters: Readonly<Record<string, number>>): Problem {
  const pattern = patternSpec(name, parameters);
  const shape = { m: 16, k: keys, n: 64 };
  const density = fixedDensityOf(pattern, shape.m, shape.k) ?? 0.5;
  const facts = { op: op.name, dtype: 'f32', shape, cache: 'hot', density, seed: 1 } as const;
  const workload: Workload = {
    id: workloadId({ ...facts, label: pattern.label }),
    ...facts,
    pattern,
    layer: 'test',
    count: 1,
  };
  return makeProblem(workload);
}

interface Kernel {
  /** What is multiplied with the scores, by the number of columns. */
  readonly scale: (n: number) => number;
  /** Whether a kernel sees key `at` of `count` in a row. */
  readonly sees: (at: number, count: number) => boolean;
}
const right: Kernel = { scale: (n) => 1 / Math.sqrt(n), sees: () => true };

/** Attention with every intermediate result rounded to single precision, sums from the last term to the first. */
function answerOf({ a, operands, workload }: Problem, { scale, sees }: Kernel): Float32Array {
  const { m, n } = workload.shape;
  const { b, b2, b3 } = operands;
  const c = new Float32Array(m * n);
  const factor = Math.fround(scale(n));
  for (let i = 0; i < m; i += 1) {
    const all = a.colIndices.subarray(a.rowOffsets[i]!, a.rowOffsets[i + 1]!);
    const keys = all.filter((_, at) => sees(at, all.length));
    const scores = Float32Array.from(keys, (key) => {
      let sum = 0;
      for (let l = n - 1; l >= 0; l -= 1)
        sum = Math.fround(sum + Math.fround(b![i * n + l]! * b2![key * n + l]!));
      return sum * factor;
    });
    const largest = scores.reduce((most, score) => Math.max(most, score), Number.NEGATIVE_INFINITY);
    const weights = scores.map((score) => Math.exp(Math.fround(score - largest)));
    const total = weights.reduceRight((sum, weight) => Math.fround(sum + weight), 0);
    for (let l = 0; l < n; l += 1) {
      let sum = 0;
      for (let at = keys.length - 1; at >= 0; at -= 1)
        sum = Math.fround(sum + Math.fround(weights[at]! * b3![keys[at]! * n + l]!));
      c[i * n + l] = keys.length === 0 ? 0 : sum / total;
    }
  }
  return c;
}

describe.each([
  ['a causal mask', problemOf(16, 'triangular', {})],
  ['a window of 513 keys', problemOf(1024, 'window', { width: 512 })],
  ['half of 4096 keys', problemOf(4096, 'uniform', {})],
] as const)('%s', (_name, problem) => {
  const reference = op.reference(problem);
  const ratioOf = (kernel: Kernel): number => checkAnswer(reference, answerOf(problem, kernel)).worstRatio;

  test('single precision passes, far from its tolerance', () => {
    expect(ratioOf(right)).toBeLessThan(0.5);
  });

  test('scores without their scale, or one of a column more, fail', () => {
    expect(ratioOf({ ...right, scale: () => 1 })).toBeGreaterThan(10);
    expect(ratioOf({ ...right, scale: (n) => 1 / Math.sqrt(n + 1) })).toBeGreaterThan(1);
  });

  test('a forgotten first or last key fails', () => {
    expect(ratioOf({ ...right, sees: (at, count) => at > 0 || count === 1 })).toBeGreaterThan(2);
    expect(ratioOf({ ...right, sees: (at, count) => at < count - 1 || count === 1 })).toBeGreaterThan(2);
  });
});

test('scores far apart neither overflow nor divide by zero', () => {
  const problem = problemOf(64, 'uniform', {});
  const far = { ...problem, operands: { ...problem.operands, b: problem.operands.b!.map((q) => q * 256) } };
  const reference = op.reference(far);
  expect(reference.expected.every(Number.isFinite)).toBe(true);
  expect(checkAnswer(reference, answerOf(far, right)).ok).toBe(true);
});

test('a query that sees no key has the answer 0 and takes no other', () => {
  const problem = makeProblem({ ...problemOf(64, 'uniform', {}).workload, density: 0 });
  const reference = op.reference(problem);
  const zeros = new Float32Array(reference.expected.length);
  expect(checkAnswer(reference, zeros).ok).toBe(true);
  zeros[3] = 1e-30;
  expect(checkAnswer(reference, zeros).ok).toBe(false);
});
