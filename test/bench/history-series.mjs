/**
 * Synthetic histories with known change points, from seeds. The scatter is resampled from recorded points
 * (test/golden/history/noise.json, written by record-noise.mjs): log ratios of one library and its own copy, measured
 * side by side in 1.5-second runs on a shared machine. A tracked run takes longer, so the scatter is scaled by 0.15 to
 * 0.6; blocks of up to 8 consecutive points are kept together, so that what hangs together in time still does.
 *
 * The seeds of tuning and test do not overlap. Nothing may be tuned on the test set.
 */
import { readFileSync } from 'node:fs';
import { median, quantile, seededRandom } from '../../dist/statistics.js';

/** Kinds of series, in turns: what happens besides scatter. */
export const kinds = ['steps', 'spikes', 'steps and spikes', 'drift', 'bimodal', 'quiet'];

const count = 240;
/** Seeds of both sets. */
export const seedsOf = {
  tuning: Array.from({ length: count }, (_, i) => 1 + i),
  test: Array.from({ length: count }, (_, i) => 100_001 + i),
};

const { logRatios } = JSON.parse(readFileSync(new URL('../golden/history/noise.json', import.meta.url), 'utf8'));
const recorded = Object.values(logRatios).map((points) => {
  const centre = median(points);
  return points.map((point) => point - centre);
});

/** A series of `seed`: log ratios, and the index of the first point of each new level and of each spike. */
export function seriesOf(seed) {
  const random = seededRandom(Math.imul(seed, 2654435761));
  const between = (low, high) => low + random() * (high - low);
  const whole = (low, high) => Math.floor(between(low, high + 1));
  const logUniform = (low, high) => Math.exp(between(Math.log(low), Math.log(high)));
  const sign = () => (random() < 0.5 ? -1 : 1);

  const kind = kinds[seed % kinds.length];
  const length = whole(80, 400);
  const scale = logUniform(0.15, 0.6);
  const source = recorded[whole(0, recorded.length - 1)];
  const values = [];
  while (values.length < length) {
    const start = whole(0, source.length - 1);
    const size = whole(1, 8);
    for (let i = 0; i < size; i += 1) values.push(scale * source[(start + i) % source.length]);
  }
  values.length = length;

  const changes = [];
  const steps = { steps: whole(1, 4), 'steps and spikes': whole(1, 3), drift: whole(0, 1), bimodal: whole(0, 2) }[kind] ?? 0;
  for (let tries = 0; changes.length < steps && tries < 100; tries += 1) {
    const at = whole(8, length - 8);
    if (changes.every((other) => Math.abs(other - at) >= 15)) changes.push(at);
  }
  changes.sort((a, b) => a - b);
  for (const at of changes) {
    const step = sign() * Math.log1p(logUniform(0.01, 0.2));
    for (let i = at; i < length; i += 1) values[i] += step;
  }
  const places = [];
  if (kind.includes('spikes')) {
    const spikes = whole(1, 8);
    for (let tries = 0; places.length < spikes && tries < 100; tries += 1) {
      const at = whole(0, length - 1);
      if (places.every((other) => Math.abs(other - at) >= 4)) places.push(at);
    }
    // A disturbed run is slower more often than faster.
    for (const at of places) values[at] += (random() < 0.8 ? 1 : -1) * Math.log1p(logUniform(0.05, 0.6));
  }
  if (kind === 'drift') {
    const height = sign() * between(0.01, 0.06);
    const waves = random() < 0.5 ? 0 : between(0.5, 2);
    for (let i = 0; i < length; i += 1) {
      const t = i / (length - 1);
      values[i] += waves === 0 ? height * t : (height / 2) * Math.sin(2 * Math.PI * waves * t);
    }
  }
  if (kind === 'bimodal') {
    // Two layouts of the same code, drawn anew each run, as far apart as the recorded cell spreads.
    const apart = scale * between(1, 2) * (quantile(source, 0.9) - quantile(source, 0.1));
    const share = between(0.1, 0.5);
    for (let i = 0; i < length; i += 1) if (random() < share) values[i] += apart;
  }
  return { seed, kind, values, changes, spikes: places };
}

/** Places a change may be off and still be found. */
export const tolerance = 3;

/** Pairs each found change with at most one true one, within the tolerance: `{ hits, falseAlarms, missed }`. */
export function scoreOf(found, changes) {
  const sorted = [...found].sort((a, b) => a - b);
  let hits = 0;
  let next = 0;
  for (const at of changes) {
    while (next < sorted.length && sorted[next] < at - tolerance) next += 1;
    if (next < sorted.length && sorted[next] <= at + tolerance) {
      hits += 1;
      next += 1;
    }
  }
  return { hits, falseAlarms: sorted.length - hits, missed: changes.length - hits };
}

/** Precision, recall and F1 of scores over many series. */
export function f1Of(scores) {
  const sum = (key) => scores.reduce((total, score) => total + score[key], 0);
  const hits = sum('hits');
  const falseAlarms = sum('falseAlarms');
  const missed = sum('missed');
  return {
    hits, falseAlarms, missed,
    precision: hits / (hits + falseAlarms),
    recall: hits / (hits + missed),
    f1: (2 * hits) / (2 * hits + falseAlarms + missed),
  };
}
