// Kills `run --resume` at random moments, the whole process group.
//   goals: no finished workload lost or repeated, no unreadable file, at most one workload repeated a kill
//   node test/bench/kill.mjs [kills] [--replay]
// Real runs of a tiny suite take a second a kill and more; with --replay the measurements are known beforehand and only
// the journal is real.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { narrowed } from '../../dist/command/suite-choice.js';
import { loadSuite } from '../../dist/workload/suite.js';
import { killRuns } from './kill-runs.mjs';

const kills = Number(process.argv[2] ?? 1000);
const replay = process.argv.includes('--replay');
const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-kill-'));
const suite = join(folder, 'tiny.yaml');
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
process.on('SIGINT', () => process.exit(130));
writeFileSync(
  suite,
  `name: tiny
version: "1.0"
released: false
description: Many small products, to be killed in
refine: false
defaults:
  dtype: f32
  cache: [hot]
  seeds: [1, 2, 3, 4, 5, 6, 7, 8]
  patterns: [{ name: uniform, densities: [0.5, 0.4, 0.3, 0.2, 0.1] }]
workloads:
  - op: spmm
    shapes: { tiny: [32, 48, 8] }
formats:
  uniform: [csr, ell]
`,
);
// In the order in which a run measures them.
const ids = narrowed(loadSuite(suite), {}).map(({ id }) => id);
const run = ['run', suite, '--library', 'native', '--budget', '600', '--out'];
const out = join(folder, 'result.jsonl');
let args = [cli, ...run, out, '--resume'];
let log = null;
if (replay) {
  const whole = join(folder, 'whole.jsonl');
  const { status, stderr } = spawnSync(process.execPath, [cli, ...run, whole], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  log = join(folder, 'begun.txt');
  args = [fileURLToPath(new URL('./kill-replay.mjs', import.meta.url)), whole, out, log];
}
const started = performance.now();
const counts = await killRuns({
  args, out, ids, kills, log,
  startMs: replay ? 500 : 2500,
  workMs: replay ? 200 : 700,
  onKill: ({ killed }) => {
    if (killed % 50 === 0) console.log(`${killed} kills, ${((performance.now() - started) / 1000).toFixed(0)} s`);
  },
});
console.log(
  `${counts.killed} kills of ${replay ? 'replayed' : 'real'} runs of ${ids.length} workloads: 0 lost, 0 finished ones repeated, 0 files unreadable; ${counts.ended} runs ended whole${log === null ? '' : `, ${counts.repeated} unfinished workloads begun again`}; ${counts.preparing} kills found nothing new finished`,
);
