import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Workload } from '../src/terms.ts';
import { patternSpec } from '../src/workload/patterns/index.ts';
import { densityText, makeProblem, matrixDigest, statisticsOf, workloadId } from '../src/workload/problem.ts';

function workloadOf(facts: Partial<Workload> = {}): Workload {
  const workload = {
    op: 'spmm',
    dtype: 'f32',
    shape: { m: 20, k: 30, n: 4 },
    cache: 'hot',
    pattern: patternSpec('uniform'),
    density: 0.1,
    seed: 1,
    layer: 'test',
    count: 1,
    ...facts,
  } as const;
  return { id: workloadId({ ...workload, label: workload.pattern.label }), ...workload };
}

describe('ids', () => {
  test('densities have at least two decimals and no exponent', () => {
    const written = [0, 1, 0.1, 0.05, 0.125, 0.2236, 1e-7].map(densityText);
    expect(written).toEqual(['0.00', '1.00', '0.10', '0.05', '0.125', '0.2236', '0.0000001']);
  });
  test('say what, where the nonzeros are, and how many', () => {
    expect(workloadOf({ cache: 'cold', density: 0.05, seed: 12 }).id).toBe(
      'spmm-f32-20x30x4-cold/uniform-d0.05-s12',
    );
  });
  test('different densities never share an id', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-9, max: 1, noNaN: true }),
        fc.double({ min: 1e-9, max: 1, noNaN: true }),
        (one, other) => {
          expect(densityText(one) === densityText(other)).toBe(one === other);
        },
      ),
    );
  });
});

describe('problems', () => {
  test('the same workload has the same bits, whatever its cache state', () => {
    const problem = makeProblem(workloadOf());
    const again = makeProblem(workloadOf({ cache: 'cold' }));
    expect(again.digest).toBe(problem.digest);
    expect(again.operands.b).toEqual(problem.operands.b);
    expect(problem.achievedDensity).toBe(0.1);
  });

  test('another seed has other places, values and operand', () => {
    const one = makeProblem(workloadOf());
    const other = makeProblem(workloadOf({ seed: 2 }));
    expect(other.a.colIndices).not.toEqual(one.a.colIndices);
    expect(other.a.values).not.toEqual(one.a.values);
    expect(other.operands.b).not.toEqual(one.operands.b);
  });

  test('values are +-[0.5, 1), the operand is in [-1, 1), both signs occur', () => {
    const { a, operands } = makeProblem(workloadOf({ shape: { m: 100, k: 100, n: 10 }, density: 0.5 }));
    const b = operands.b as Float32Array;
    for (const value of a.values)
      if (Math.abs(value) < 0.5 || Math.abs(value) >= 1) throw new Error(String(value));
    for (const value of b) if (value < -1 || value >= 1) throw new Error(String(value));
    for (const numbers of [a.values, b]) {
      const negative = numbers.filter((value) => value < 0).length / numbers.length;
      expect(Math.abs(negative - 0.5)).toBeLessThan(0.08);
      expect(new Set(numbers).size / numbers.length).toBeGreaterThan(0.99);
    }
  });

  test('the digest is SHA-256 over sizes, offsets, columns and value bits, little endian', () => {
    const { a, digest } = makeProblem(workloadOf());
    const bytes = new DataView(new ArrayBuffer(4 * (3 + 21 + 2 * a.values.length)));
    [20, 30, a.values.length, ...a.rowOffsets, ...a.colIndices].forEach((value, at) => {
      bytes.setInt32(4 * at, value, true);
    });
    a.values.forEach((value, p) => {
      bytes.setFloat32(4 * (3 + 21 + a.values.length + p), value, true);
    });
    expect(digest).toBe(createHash('sha256').update(bytes).digest('hex'));
    const changed = a.values.slice();
    changed[0] = -changed[0]!;
    expect(matrixDigest({ ...a, values: changed })).not.toBe(digest);
  });

  test('a pattern that does not fit is refused', () => {
    const pattern = patternSpec('nm');
    expect(() => makeProblem(workloadOf({ pattern, density: 0.3 }))).toThrow(
      /Expected density 0\.5\d* for pattern nm-2:4/,
    );
  });
});

test('statistics of a matrix with known spread', () => {
  // Rows of 4, 0, 2 nonzeros; columns of 2, 2, 1, 1.
  const statistics = statisticsOf({
    rows: 3,
    cols: 4,
    rowOffsets: Int32Array.of(0, 4, 4, 6),
    colIndices: Int32Array.of(0, 1, 2, 3, 0, 1),
  });
  expect(statistics.rowCv).toBeCloseTo(Math.sqrt(8 / 3) / 2, 12);
  expect(statistics.colCv).toBeCloseTo(0.5 / 1.5, 12);
  expect(statistics).toMatchObject({ maxRowNonzeros: 4, emptyRows: 1 });
  const empty = { rows: 2, cols: 2, rowOffsets: new Int32Array(3), colIndices: new Int32Array(0) };
  expect(statisticsOf(empty)).toEqual({ rowCv: 0, colCv: 0, maxRowNonzeros: 0, emptyRows: 2 });
});
