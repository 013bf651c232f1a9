/**
 * The competitor: E-Divisive as Apache Otava runs it by default, written from its published method (Fleming et al.,
 * "Hunter", https://arxiv.org/abs/2301.03034; Matteson and James, https://arxiv.org/abs/1306.4933) and its defaults:
 * windows of 50 points moved by half of it or to the last change found, splits at ten times the final p-value of 0.001
 * by Student's t-test, then the weakest change is dropped until all pass at 0.001; no least magnitude. The standard
 * deviations given to the t-test have n in their denominator, as its own have.
 */
import { gammaln } from 'simple-statistics';

const windowLength = 50;
const finalP = 0.001;
const weakP = 10 * finalP;

/** First points of the new levels. */
export function otavaChangePoints(series) {
  let found = [];
  for (let start = 0; start < series.length; ) {
    const end = Math.min(start + windowLength, series.length);
    const own = divide(series.slice(start, end)).map((at) => at + start);
    for (const at of own) if (!found.includes(at)) found.push(at);
    start = Math.max(own.at(-1) ?? 0, start + windowLength / 2);
  }
  found.sort((a, b) => a - b);
  for (;;) {
    const pValues = found.map((at, i) =>
      tTest(series.slice(found[i - 1] ?? 0, at), series.slice(at, found[i + 1] ?? series.length)),
    );
    const weakest = pValues.indexOf(Math.max(...pValues));
    if (weakest === -1 || pValues[weakest] < finalP) return found;
    found = found.filter((_, i) => i !== weakest);
  }
}

function divide(series) {
  const found = [];
  for (;;) {
    const ends = [0, ...found, series.length];
    let best = null;
    for (let i = 1; i < ends.length; i += 1) {
      const candidate = bestDivision(series, ends[i - 1], ends[i]);
      if (candidate !== null && (best === null || candidate.q > best.q)) {
        best = { ...candidate, start: ends[i - 1], end: ends[i] };
      }
    }
    if (best === null) return found;
    if (!(tTest(series.slice(best.start, best.at), series.slice(best.at, best.end)) < weakP)) return found;
    found.push(best.at);
    found.sort((a, b) => a - b);
  }
}

/** The split (tau, kappa) with the largest divergence between series[start..tau) and series[tau..kappa). */
function bestDivision(series, start, end) {
  if (end - start < 2) return null;
  let best = null;
  let insideLeft = 0;
  for (let tau = start + 1; tau < end; tau += 1) {
    for (let i = start; i < tau - 1; i += 1) insideLeft += Math.abs(series[i] - series[tau - 1]);
    const n = tau - start;
    let across = 0;
    let insideRight = 0;
    for (let kappa = tau + 1; kappa <= end; kappa += 1) {
      const last = series[kappa - 1];
      for (let i = start; i < tau; i += 1) across += Math.abs(series[i] - last);
      for (let i = tau; i < kappa - 1; i += 1) insideRight += Math.abs(series[i] - last);
      const m = kappa - tau;
      const left = n > 1 ? ((2 * m) / (m + n) / (n - 1)) * insideLeft : 0;
      const right = m > 1 ? ((2 * n) / (m + n) / (m - 1)) * insideRight : 0;
      const q = (2 / (m + n)) * across - left - right;
      if (best === null || q > best.q) best = { at: tau, q };
    }
  }
  return best;
}

function tTest(left, right) {
  const df = left.length + right.length - 2;
  if (df <= 0) return 1;
  const moments = (values) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { mean, variance: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length };
  };
  const one = moments(left);
  const two = moments(right);
  const pooled = ((left.length - 1) * one.variance + (right.length - 1) * two.variance) / df;
  const t = (one.mean - two.mean) / Math.sqrt(pooled * (1 / left.length + 1 / right.length));
  return Number.isNaN(t) ? 1 : incompleteBeta(df / (df + t * t), df / 2, 0.5);
}

/** Regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz). */
export function incompleteBeta(x, a, b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(gammaln(a + b) - gammaln(a) - gammaln(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const floor = 1e-300;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || floor);
  let c = 1;
  let fraction = d;
  for (let i = 1; i < 500; i += 1) {
    for (const factor of [
      (i * (b - i) * x) / ((a + 2 * i - 1) * (a + 2 * i)),
      (-(a + i) * (a + b + i) * x) / ((a + 2 * i) * (a + 2 * i + 1)),
    ]) {
      d = 1 / (1 + factor * d || floor);
      c = 1 + factor / c || floor;
      fraction *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-12) break;
  }
  return front * fraction;
}
