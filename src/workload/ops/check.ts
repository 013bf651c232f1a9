/** Holding an answer against the reference. */
import type { Reference, Shape, Wrong } from '../../terms.ts';

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
 * Compare an answer (row-major m x n) with its reference, element by element. Every NaN, every infinity and a wrong
 * length fail: nothing passes that was not compared.
 */
export function checkAnswer(shape: Shape, reference: Reference, actual: Float32Array): AnswerCheck {
  const { expected, tolerance } = reference;
  if (actual.length !== expected.length) {
    const col = expected.length === 0 ? 0 : Math.min(actual.length, expected.length - 1) % shape.n;
    const row = Math.floor(Math.min(actual.length, Math.max(expected.length - 1, 0)) / Math.max(shape.n, 1));
    const worst = { row, col, expected: expected[row * shape.n + col] ?? 0, actual: null, tolerance: 0 };
    return { ok: false, worstRatio: Number.POSITIVE_INFINITY, maxAbsError: Number.POSITIVE_INFINITY, worst };
  }
  let worstRatio = -1;
  let worstAt = -1;
  let maxAbsError = 0;
  for (let at = 0; at < expected.length; at += 1) {
    const error = Math.abs(actual[at]! - expected[at]!);
    // A NaN is neither above nor below anything: turned into infinity, it cannot hide.
    const absError = Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
    const ratio = absError === Number.POSITIVE_INFINITY ? absError : absError / tolerance[at]!;
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
      row: Math.floor(worstAt / shape.n),
      col: worstAt % shape.n,
      expected: expected[worstAt]!,
      actual: Number.isFinite(value) ? value : null,
      tolerance: tolerance[worstAt]!,
    },
  };
}
