import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Answer, Dtype, Reference, Shape, Workload } from '../../src/terms.ts';
import { float16ToNumber, numberToFloat16 } from '../../src/workload/float16.ts';
import { valuesOfDtype } from '../../src/workload/operands.ts';
import { checkAnswer, type Op, opNamed, ops, workOf } from '../../src/workload/ops/index.ts';
import { gamma } from '../../src/workload/ops/product.ts';
import { patternSpec } from '../../src/workload/patterns/index.ts';
import { makeProblem, workloadId } from '../../src/workload/problem.ts';
import { definitions } from './definitions.ts';

function workloadOf(op: Op, dtype: Dtype, shape: Shape, density: number, seed = 1): Workload {
  const pattern = patternSpec('uniform');
  const activations = op.sparseActivations ? { activationDensity: 0.5 } : {};
  const facts = { op: op.name, dtype, shape, cache: 'hot', density, ...activations, seed } as const;
  return { id: workloadId({ ...facts, label: pattern.label }), ...facts, pattern, layer: 'test', count: 1 };
}

/** Small sizes that the op takes: a kernel no larger than its input, a padding smaller than the kernel. */
function shapeOf(op: Op, numbers: readonly number[]): Shape {
  let kernel = 1;
  const sizes = op.sizes.map((name, at) => {
    const number = numbers[at % numbers.length]!;
    if (name === 'kernel') kernel = 1 + (number % 3);
    if (name === 'kernel') return kernel;
    if (name === 'padding') return number % kernel;
    if (name === 'stride') return 1 + (number % 2);
    return name === 'height' || name === 'width' ? 3 + (number % 5) : number;
  });
  return op.shapeOf(sizes);
}

/** The expected output rounded to what the kernel's output can hold. */
function answerOf({ expected }: Reference, { op, dtype }: Workload): Answer {
  if (dtype === 'f16') return Uint16Array.from(expected, numberToFloat16);
  return dtype === 'int8' && op !== 'spmm_bias_relu'
    ? Int32Array.from(expected)
    : Float32Array.from(expected);
}

const cases = [...ops.values()].flatMap((op) => op.dtypes.map((dtype) => [op.name, dtype, op] as const));

describe.each(cases)('op %s of %s', (_name, dtype, op) => {
  const shape = shapeOf(op, [6, 5, 4]);

  test('has its own name, a summary, a definition, and work that follows from its shape', () => {
    expect(opNamed(op.name)).toBe(op);
    expect(op.summary).not.toBe('');
    expect(Object.keys(definitions)).toContain(op.name);
    expect(op.validateShape(shape)).toBeNull();
    expect(op.shapeText(shape)).toMatch(/^[0-9a-z]+(?:[x-][0-9a-z]+)*$/);
    const work = workOf(makeProblem(workloadOf(op, dtype, shape, 0.5)));
    expect(work.usefulFlops).toBeLessThanOrEqual(work.denseFlops);
    expect(work.operandBytes).toBeGreaterThan(0);
  });

  test('its reference is its definition, and that answer passes', () => {
    fc.assert(
      fc.property(
        fc.record({
          sizes: fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 3, maxLength: 7 }),
          density: fc.double({ min: 0, max: 1, noNaN: true }),
          seed: fc.nat(),
        }),
        ({ sizes, density, seed }) => {
          const workload = workloadOf(op, dtype, shapeOf(op, sizes), density, seed);
          const problem = makeProblem(workload);
          const reference = op.reference(problem);
          const defined = definitions[op.name]!(problem);
          expect(reference.expected.length).toBe(defined.length);
          for (const [at, value] of defined.entries()) {
            expect(Math.abs(reference.expected[at]! - value)).toBeLessThanOrEqual(
              1e-12 * Math.max(1, Math.abs(value)),
            );
          }
          const check = checkAnswer(reference, answerOf(reference, workload));
          expect(check.ok).toBe(true);
          expect(check.worstRatio).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('one element off by twice its tolerance, not finite, or missing fails and is named', () => {
    const workload = workloadOf(op, dtype, shape, 0.5);
    const reference = op.reference(makeProblem(workload));
    const right = answerOf(reference, workload);
    const at = reference.expected.length - 1;
    const off =
      reference.expected[at]! + 2 * reference.tolerance[at]! + 1e-2 * Math.abs(reference.expected[at]!) + 1;
    const values = right instanceof Float32Array ? [off, Number.NaN, Infinity, -Infinity] : [off];
    for (const wrong of values) {
      const answer = right.slice() as Answer;
      answer[at] = answer instanceof Uint16Array ? numberToFloat16(wrong) : wrong;
      const check = checkAnswer(reference, answer);
      expect(check.ok).toBe(false);
      expect(check.worst).toMatchObject({
        row: Math.floor(at / reference.columns),
        col: at % reference.columns,
      });
      expect(check.worstRatio).toBeGreaterThan(1);
    }
    expect(checkAnswer(reference, right.slice(1) as Answer).ok).toBe(false);
    expect(checkAnswer(reference, right.slice(0, 0) as Answer).ok).toBe(false);
  });
});

test('a matrix without nonzeros has the product zero and takes no other', () => {
  const reference = opNamed('spmm').reference(
    makeProblem(workloadOf(opNamed('spmm'), 'f32', { m: 4, k: 4, n: 2 }, 0)),
  );
  const zeros = new Float32Array(8);
  expect(checkAnswer(reference, zeros).ok).toBe(true);
  zeros[1] = 1e-30;
  expect(checkAnswer(reference, zeros).ok).toBe(false);
});

test('a single-precision product passes in any order of its terms', () => {
  const spmm = opNamed('spmm');
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 3, maxLength: 3 }),
      fc.nat(),
      (sizes, seed) => {
        const problem = makeProblem(workloadOf(spmm, 'f32', spmm.shapeOf(sizes), 0.6, seed));
        const { m, n } = problem.workload.shape;
        const { rowOffsets, colIndices, values } = problem.a;
        const c = new Float32Array(m * n);
        for (let i = 0; i < m; i += 1) {
          for (let j = 0; j < n; j += 1) {
            let sum = 0;
            for (let p = rowOffsets[i + 1]! - 1; p >= rowOffsets[i]!; p -= 1)
              sum = Math.fround(sum + Math.fround(values[p]! * problem.operands.b![colIndices[p]! * n + j]!));
            c[i * n + j] = sum;
          }
        }
        expect(checkAnswer(spmm.reference(problem), c).ok).toBe(true);
      },
    ),
    { numRuns: 60 },
  );
});

test('sums of 64 products in f16 pass for any k, all of them in f16 do not', () => {
  const shape = { m: 2, k: 4096, n: 3 };
  const problem = makeProblem(workloadOf(opNamed('spmm'), 'f16', shape, 1));
  // All positive: a sum stops growing once what is added is less than half its last bit.
  const a = { ...problem.a, values: problem.a.values.map(Math.abs) };
  const b = (problem.operands.b as Uint16Array).map((bits) => bits & 0x7fff);
  const reference = opNamed('spmm').reference({ ...problem, a, operands: { b } });
  const round = (value: number): number => float16ToNumber(numberToFloat16(value));
  const answer = (termsInF16: number): Uint16Array => {
    const c = new Uint16Array(shape.m * shape.n);
    for (let at = 0; at < c.length; at += 1) {
      let sum = 0;
      for (let first = 0; first < shape.k; first += termsInF16) {
        let block = 0;
        for (let p = first; p < first + termsInF16; p += 1) {
          const place = Math.floor(at / shape.n) * shape.k + p;
          block = round(block + a.values[place]! * float16ToNumber(b[p * shape.n + (at % shape.n)]!));
        }
        sum = Math.fround(sum + block);
      }
      c[at] = numberToFloat16(sum);
    }
    return c;
  };
  const ours = checkAnswer(reference, answer(64));
  expect(ours.ok).toBe(true);
  expect(ours.worstRatio).toBeGreaterThan(0);
  expect(checkAnswer(reference, answer(4096)).ok).toBe(false);
});

test('a number that f16 cannot hold is refused, not made infinite', () => {
  expect(() => valuesOfDtype(Float32Array.of(1, 65520), 'f16')).toThrow(/65504.*received 65520/);
  expect([...valuesOfDtype(Float32Array.of(65519, -65504, 2 ** -24), 'f16')]).toEqual([
    65504,
    -65504,
    2 ** -24,
  ]);
  expect([...valuesOfDtype(Float32Array.of(Infinity), 'f16')]).toEqual([Infinity]);
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
