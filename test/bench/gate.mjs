// The gate's error rates and power on this machine: real comparisons of identical code, gate runs resampled from their
// passes, and real runs with a slowdown made on purpose. Recordings stay in results/local/gate: a second call goes on.
//   npm run bench:gate -- --minutes 60 [--only identical|slowed] [--slowdowns 0.05,0.05,0.1] [--suite quick] [--filter <text>] [--budget 600] [--resamples 500]
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { narrowed } from '../../dist/command/suite-choice.js';
import { compareLibraries } from '../../dist/measure/compare.js';
import { bundledLibraries } from '../../dist/measure/libraries.js';
import { rowsOf, selftest } from '../../dist/measure/selftest.js';
import { selftestTable } from '../../dist/report/comparison/selftest.js';
import { judge } from '../../dist/result/compare.js';
import { readComparison } from '../../dist/result/comparison-file.js';
import { binomialBounds, seededRandom } from '../../dist/statistics.js';
import { loadSuite } from '../../dist/workload/suite.js';
import { resampled } from './gate-replay.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    suite: { type: 'string', default: 'quick' },
    filter: { type: 'string' },
    only: { type: 'string' },
    slowdowns: { type: 'string' },
    budget: { type: 'string', default: '600' },
    resamples: { type: 'string', default: '500' },
  },
});
const [minutes, budgetSeconds, resamples] = [values.minutes, values.budget, values.resamples].map(Number);
const folder = join('results', 'local', 'gate');
mkdirSync(folder, { recursive: true });
const startMs = Date.now();
const elapsedMinutes = () => (Date.now() - startMs) / 60_000;
const [threshold, margin] = [0.05, 0.01];
const say = (text) => process.stderr.write(`${text}\n`);
const interrupt = new AbortController();
process.on('SIGINT', () => interrupt.abort());

/** A run of one cell: what was made of it, what was said, and what each measurement found. */
const wordsOf = ({ kind, injectedSlowdown, cell, verdict, voided, attempts = [] }) => {
  const found = attempts.map(({ ratio, interval: [low, high], rounds }) =>
    `${ratio.toFixed(3)} (${low?.toFixed(3)}-${high?.toFixed(3)}, ${rounds} rounds)`,
  );
  return [kind, injectedSlowdown, voided ? 'void' : verdict, cell, ...found].join(' ');
};

const suite = loadSuite(values.suite);
const workloads = narrowed(suite, values.filter === undefined ? {} : { filter: values.filter });
const own = bundledLibraries()[0];
const copies = mkdtempSync(join(tmpdir(), 'sparsemark-gate-'));
const copy = join(copies, 'copy.so');
copyFileSync(own, copy);
const recorded = () =>
  readdirSync(folder).filter((name) => name.startsWith('same-') && name.endsWith('.jsonl')).sort();

// Half of the time for identical code, half for slowed code, unless one alone is asked for; a comparison that has begun is
// ended.
const identicalMinutes = { identical: minutes, slowed: 0 }[values.only] ?? minutes / 2;
// One is begun where nine tenths of its budget are left: it is seldom spent to the second.
const latestStart = identicalMinutes - (0.9 * budgetSeconds) / 60;
for (let seed = recorded().length + 1; elapsedMinutes() <= latestStart; seed += 1) {
  say(`${elapsedMinutes().toFixed(1)} min: identical code, comparison ${seed}`);
  await compareLibraries({
    suite,
    workloads,
    selection: { isa: null, formats: null, threads: [1] },
    cpus: null,
    base: { label: 'native', gitCommit: null, path: own },
    head: { label: 'copy', gitCommit: null, path: copy },
    budgetSeconds,
    timeoutSeconds: 60,
    filter: values.filter ?? null,
    seed,
    threshold,
    margin,
    selftest: null,
    out: join(folder, `same-${String(seed).padStart(4, '0')}.jsonl`),
    command: 'bench:gate',
    signal: interrupt.signal,
    onEvent: () => {},
  });
}
rmSync(copies, { recursive: true });
const runsPath = join(folder, 'single-cells.json');
let runs = [];
try {
  runs = JSON.parse(readFileSync(runsPath, 'utf8'));
} catch (error) {
  if (error.code !== 'ENOENT') throw error;
}
if (values.only !== 'identical' && elapsedMinutes() < minutes) {
  await selftest({
    suite,
    minutes: minutes - elapsedMinutes(),
    seed: runs.length + 1,
    threshold,
    margin,
    budgetSeconds: 15,
    ...(values.slowdowns === undefined ? {} : { slowdowns: values.slowdowns.split(',').map(Number) }),
    command: 'bench:gate',
    signal: interrupt.signal,
    onRun: (run, seconds) => {
      runs.push(run);
      writeFileSync(runsPath, JSON.stringify(runs));
      say(`${(seconds / 60).toFixed(1)} min: ${wordsOf(run)}`);
    },
  });
}

const percent = (share) => `${(100 * share).toFixed(2)} %`;
// A bound needs independent trials: real runs are, cells of one run and draws from the same passes are not.
const atMost = (k, n) => (n === 0 ? 'none' : `${k} of ${n} (at most ${percent(binomialBounds(k, n)[1])})`);

/** Counts what the gate said of comparisons of identical code. */
function ratesOf(comparisons) {
  const sum = { runs: 0, failed: 0, voided: 0, cells: 0, flagged: 0, inconclusive: 0 };
  for (const comparison of comparisons) {
    const { cells, counts, voided } = judge(comparison, 0);
    sum.runs += 1;
    sum.voided += voided ? 1 : 0;
    sum.failed += !voided && counts.slower > 0 ? 1 : 0;
    sum.cells += cells.length;
    sum.flagged += counts.slower;
    sum.inconclusive += counts.inconclusive;
  }
  return sum;
}

const real = recorded().map((name) => readComparison(join(folder, name)));
const drawn = (exchange) => {
  const random = seededRandom(1);
  const count = real.length === 0 ? 0 : resamples;
  return Array.from({ length: count }, (_, i) => resampled(real[i % real.length], random, exchange));
};
const whole = `${suite.name}${values.filter ? ` (${values.filter})` : ''}`;
for (const [name, comparisons] of [
  ['real', real],
  ['drawn from their passes, sides exchanged at random', drawn(true)],
  ['drawn from their passes as recorded: what a run found by chance is in each of its draws', drawn(false)],
]) {
  const sum = ratesOf(comparisons);
  console.log(`identical code, whole ${whole}, ${name}:`);
  const failed = comparisons === real ? atMost(sum.failed, sum.runs) : `${sum.failed} of ${sum.runs}`;
  console.log(`  runs that fail ${failed}; void ${sum.voided} of ${sum.runs}`);
  console.log(`  cells called slower ${sum.flagged} of ${sum.cells}; inconclusive ${sum.inconclusive} of ${sum.cells}`);
}
if (runs.length > 0) {
  const table = selftestTable({ rows: rowsOf(runs) });
  const widths = table[0].map((_, at) => Math.max(...table.map((row) => row[at].length)));
  console.log('one cell and its controls a run, all real, corrected as for the whole suite:');
  for (const row of table) console.log(`  ${row.map((cell, at) => cell.padEnd(widths[at])).join('  ').trimEnd()}`);
  const wrong = runs.filter(({ kind, voided, verdict }) => !voided && (kind === 'slower') !== (verdict === 'slower'));
  if (wrong.length > 0) console.log(`not what was to be found:\n  ${wrong.map(wordsOf).join('\n  ')}`);
}
