// How well change points are found in synthetic histories, beside E-Divisive with the defaults of Apache Otava.
//   goals: F1 at least 10 points above it, or half its error where it is above 0.85; 10,000 points in less than 1 s
//   node test/bench/history.mjs [--tuning]     the tuning set instead of the test set
import { changePoints } from '../../dist/result/change-points.js';
import { f1Of, kinds, scoreOf, seedsOf, seriesOf, tolerance } from './history-series.mjs';
import { otavaChangePoints } from './otava.mjs';

const set = process.argv.includes('--tuning') ? 'tuning' : 'test';
const detectors = {
  sparsemark: (values) => changePoints(values).map(({ index }) => index),
  'E-Divisive, Otava defaults': otavaChangePoints,
};
const series = seedsOf[set].map(seriesOf);
const changes = series.reduce((sum, one) => sum + one.changes.length, 0);
console.log(`${set} set: ${series.length} series, ${changes} changes, one-to-one within ${tolerance} points`);
for (const [name, detect] of Object.entries(detectors)) {
  const found = series.map((one) => detect(one.values));
  const scores = series.map((one, i) => scoreOf(found[i], one.changes));
  const line = (label, some) => {
    const { hits, falseAlarms, missed, precision, recall, f1 } = f1Of(some);
    const figures = [f1, precision, recall].map((value) => (Number.isNaN(value) ? '-' : value.toFixed(3)));
    console.log(
      `${label.padEnd(28)} F1 ${figures[0]}  precision ${figures[1]}  recall ${figures[2]}  ${hits} found, ${falseAlarms} false, ${missed} missed`,
    );
  };
  line(name, scores);
  // Where nothing but spikes happens, an alarm at a spike is one for it.
  const lone = series.flatMap((one, i) => (one.kind === 'spikes' ? one.spikes.map((at) => [at, found[i]]) : []));
  const alarms = lone.filter(([at, all]) => all.some((place) => place === at || place === at + 1)).length;
  console.log(`  alarms on single spikes: ${alarms} of ${lone.length}`);
  for (const kind of kinds) line(`  ${kind}`, scores.filter((_, i) => series[i].kind === kind));
}

// Many short histories end to end, so that there are changes to find all along.
const long = [];
for (let seed = 1; long.length < 10_000; seed += 1) long.push(...seriesOf(200_000 + seed).values);
long.length = 10_000;
const started = performance.now();
const many = changePoints(long).length;
console.log(`10,000 points: ${((performance.now() - started) / 1000).toFixed(2)} s, ${many} changes (goal: below 1 s)`);
