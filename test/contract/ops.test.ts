import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Csr, Problem, Shape, Workload } from '../../src/terms.ts';
import { checkAnswer, opNamed, ops } from '../../src/workload/ops/index.ts';
import { gamma } from '../../src/workload/ops/product.ts';
import { patternSpec } from '../../src/workload/patterns/index.ts';
import { makeProblem, workloadId } from '../../src/workload/problem.ts';

function workloadOf(op: string, shape: Shape, density: number, seed = 1): Workload {
  const pattern = patternSpec('uniform');
  const facts = { op, dtype: 'f32', shape, cache: 'hot', density, seed } as const;
  return { id: workloadId({ ...facts, label: pattern.label }), ...facts, pattern, layer: 'test', count: 1 };
}

/** The product by its definition, over the dense matrix. */
function naiveProduct({ a, b, workload }: Problem): Float64Array {
  const { m, k, n } = workload.shape;
  const dense = denseOf(a);
  const c = new Float64Array(m * n);
  for (let i = 0; i < m; i += 1) {
    for (let j = 0; j < n; j += 1) {
      for (let l = 0; l < k; l += 1) c[i * n + j]! += dense[i * k + l]! * b[l * n + j]!;
    }
  }
  return c;
}

function denseOf({ rows, cols, rowOffsets, colIndices, values }: Csr): Float64Array {
  const dense = new Float64Array(rows * cols);
  for (let i = 0; i < rows; i += 1) {
    for (let p = rowOffsets[i]!; p < rowOffsets[i + 1]!; p += 1)
      dense[i * cols + colIndices[p]!] = values[p]!;
  }
  return dense;
}

/** Every product and every sum rounded to f32, the terms of each sum in an order drawn from `random`. */
function singlePrecisionProduct(
  { a, b, workload }: Problem,
  order: (length: number) => number[],
): Float32Array {
  const { m, k, n } = workload.shape;
  const dense = denseOf(a);
  const c = new Float32Array(m * n);
  for (let i = 0; i < m; i += 1) {
    for (let j = 0; j < n; j += 1) {
      let sum = 0;
      for (const l of order(k)) sum = Math.fround(sum + Math.fround(dense[i * k + l]! * b[l * n + j]!));
      c[i * n + j] = sum;
    }
  }
  return c;
}

describe.each([...ops.values()])('op $name', (op) => {
  const shapeOf = (m: number, k: number, n: number): Shape => ({ m, k, n: op.name === 'spmv' ? 1 : n });

  test('has its own name, a summary and FLOPs that follow from its shape', () => {
    const shape = shapeOf(6, 5, 4);
    expect(opNamed(op.name)).toBe(op);
    expect(op.summary).not.toBe('');
    expect(op.validateShape(shape)).toBeNull();
    expect(op.usefulFlops(7, shape)).toBe(2 * 7 * shape.n);
    expect(op.denseEquivalentFlops(shape)).toBe(2 * 6 * 5 * shape.n);
  });

  test('its reference is the product by definition, and a single-precision answer in any order passes', () => {
    fc.assert(
      fc.property(
        fc.record({
          m: fc.integer({ min: 1, max: 12 }),
          k: fc.integer({ min: 1, max: 24 }),
          n: fc.integer({ min: 1, max: 9 }),
          density: fc.double({ min: 0, max: 1, noNaN: true }),
          seed: fc.nat(),
        }),
        ({ m, k, n, density, seed }) => {
          const shape = shapeOf(m, k, n);
          const problem = makeProblem(workloadOf(op.name, shape, density, seed));
          const reference = op.reference(problem);
          const naive = naiveProduct(problem);
          for (const [at, value] of naive.entries()) expect(reference.expected[at]).toBeCloseTo(value, 12);
          const reversed = (length: number) => Array.from({ length }, (_, at) => length - 1 - at);
          const answer = singlePrecisionProduct(problem, reversed);
          const check = checkAnswer(shape, reference, answer);
          expect(check.ok).toBe(true);
          expect(check.worstRatio).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('one element off by twice its tolerance, not finite, or missing fails and is named', () => {
    const shape = shapeOf(5, 40, 3);
    const reference = op.reference(makeProblem(workloadOf(op.name, shape, 0.5)));
    const at = shape.n * 3 + (shape.n - 1);
    for (const wrong of [
      reference.expected[at]! + 2 * reference.tolerance[at]! + 1e-6,
      Number.NaN,
      Infinity,
      -Infinity,
    ]) {
      const answer = Float32Array.from(reference.expected);
      answer[at] = wrong;
      const check = checkAnswer(shape, reference, answer);
      expect(check.ok).toBe(false);
      expect(check.worst).toMatchObject({
        row: 3,
        col: shape.n - 1,
        actual: Number.isFinite(wrong) ? answer[at] : null,
      });
      expect(check.worstRatio).toBeGreaterThan(1);
    }
    expect(checkAnswer(shape, reference, new Float32Array(shape.m * shape.n - 1)).ok).toBe(false);
    expect(checkAnswer(shape, reference, new Float32Array(0)).ok).toBe(false);
  });

  test('a matrix without nonzeros has the answer zero and takes no other', () => {
    const shape = shapeOf(4, 4, 2);
    const reference = op.reference(makeProblem(workloadOf(op.name, shape, 0)));
    const zeros = new Float32Array(shape.m * shape.n);
    expect(checkAnswer(shape, reference, zeros).ok).toBe(true);
    zeros[1] = 1e-30;
    expect(checkAnswer(shape, reference, zeros).ok).toBe(false);
  });
});

test('spmv takes no shape with n above 1', () => {
  expect(opNamed('spmv').validateShape({ m: 2, k: 2, n: 2 })).toMatch(/n = 1/);
});

test('the error bound grows with the number of terms and ends at infinity', () => {
  expect(gamma(1)).toBeCloseTo(2 ** -24, 12);
  expect(gamma(1000) / gamma(1)).toBeCloseTo(1000, 0);
  expect(gamma(2 ** 24)).toBe(Number.POSITIVE_INFINITY);
});

test('an unknown op is answered with the nearest', () => {
  expect(() => opNamed('spvm')).toThrow(/Did you mean "sp(mv|mm)"/);
});
