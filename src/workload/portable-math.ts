/**
 * Logarithm, exponential and power whose bits are the same on every platform.
 *
 * IEEE 754 fixes the result of + - * / and sqrt, and JavaScript fixes that no wider intermediate is kept; it does
 * not fix Math.log, Math.exp, Math.pow, Math.sin. Whatever decides a bit of a matrix therefore uses these, which
 * consist of the exact operations alone. They are good to about 1e-15 relative, which is beside the point: what
 * counts is that they never differ.
 */

const ln2High = 0.6931471805598903;
const ln2Low = 5.497923018708371e-14;
const ln2 = ln2High + ln2Low;

/** Power of two for an integer exponent in -1022..1023, by repeated exact multiplication. */
function powerOfTwo(exponent: number): number {
  let result = 1;
  let factor = exponent < 0 ? 0.5 : 2;
  for (let rest = Math.abs(exponent); rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}

/** Natural logarithm of a positive finite number. */
export function portableLog(x: number): number {
  let mantissa = x;
  let exponent = 0;
  while (mantissa >= 1.4) {
    mantissa *= 0.5;
    exponent += 1;
  }
  while (mantissa < 0.7) {
    mantissa *= 2;
    exponent -= 1;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)); |s| <= 0.1765, so 12 terms reach 1e-19.
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let sum = 0;
  for (let term = 23; term >= 1; term -= 2) sum = sum * square + 1 / term;
  return exponent * ln2 + 2 * s * sum;
}

/** e to the power x, for |x| <= 700. */
export function portableExp(x: number): number {
  const exponent = Math.floor(x / ln2 + 0.5);
  const rest = x - exponent * ln2High - exponent * ln2Low;
  // |rest| <= 0.3466: 15 terms of the series reach 1e-19.
  let sum = 1;
  for (let term = 15; term >= 1; term -= 1) sum = 1 + (rest / term) * sum;
  return sum * powerOfTwo(exponent);
}

/** x to the power y for positive x. */
export function portablePower(x: number, y: number): number {
  return portableExp(y * portableLog(x));
}
