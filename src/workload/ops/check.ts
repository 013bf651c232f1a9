/** Holding an answer against the reference. */
import type { Answer, Reference, Wrong } from '../../terms.ts';
import { float16ToNumber } from '../float16.ts';

/** What a check found. `ok` says whether a time may be recorded. */
export interface AnswerCheck {
  readonly ok: boolean;
  /** Largest |error| / tolerance; Infinity where an element is not finite. */
  readonly worstRatio: number;
  /** Largest |error|; Infinity where an element is not finite. */
  readonly maxAbsError: number;
  /** The element with the largest ratio; null for an answer without elements. */
  readonly worst: Wrong['worst'] | null;
}

/**
 * Compare an answer (row-major) with its reference, element by element. Every NaN, every infinity and a wrong length
 * fail: nothing passes that was not compared.
 */
export function checkAnswer(reference: Reference, answer: Answer): AnswerCheck {
  const { expected, tolerance, columns } = reference;
  const actual = answer instanceof Uint16Array ? Float64Array.from(answer, float16ToNumber) : answer;
  if (actual.length !== expected.length) {
    const col = expected.length === 0 ? 0 : Math.min(actual.length, expected.length - 1) % columns;
    const row = Math.floor(Math.min(actual.length, Math.max(expected.length - 1, 0)) / Math.max(columns, 1));
    const worst = { row, col, expected: expected[row * columns + col] ?? 0, actual: null, tolerance: 0 };
    return { ok: false, worstRatio: Number.POSITIVE_INFINITY, maxAbsError: Number.POSITIVE_INFINITY, worst };
  }
  let worstRatio = -1;
  let worstAt = -1;
  let maxAbsError = 0;
  for (let at = 0; at < expected.length; at += 1) {
    const error = Math.abs(actual[at]! - expected[at]!);
    // A NaN is neither above nor below anything: turned into infinity, it cannot hide.
    const absError = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    // An exact answer has the tolerance 0: right is 0 of it, wrong is infinitely much.
    const ratio =
      absError === 0 || absError === Number.POSITIVE_INFINITY ? absError : absError / tolerance[at]!;
    if (absError > maxAbsError) maxAbsError = absError;
    if (ratio > worstRatio) {
      worstRatio = ratio;
      worstAt = at;
    }
  }
  if (worstAt < 0) return { ok: expected.length === 0, worstRatio: 0, maxAbsError: 0, worst: null };
  const value = actual[worstAt]!;
  return {
    ok: worstRatio <= 1,
    worstRatio,
    maxAbsError,
    worst: {
      row: Math.floor(worstAt / columns),
      col: worstAt % columns,
      expected: expected[worstAt]!,
      actual: Number.isFinite(value) ? value : null,
      tolerance: tolerance[worstAt]!,
    },
  };
}
