// Kills `run --resume` at random moments, the whole process group.
//   goals: no finished workload lost, changed or repeated, no unreadable file, at most one workload repeated a kill
//   node test/bench/kill.mjs [kills] [--replay] [--parallel 2] [--minutes 40]
// Real runs of a tiny suite take a second or two a kill; with --replay the measurements are known beforehand and only the
// journal is real. --parallel: so many runs at a time, each with a folder and a CPU of its own. --minutes: end then, with
// what there is.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { narrowed } from '../../dist/command/suite-choice.js';
import { loadSuite } from '../../dist/workload/suite.js';
import { asInTerminal, killRuns } from './kill-runs.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    replay: { type: 'boolean', default: false },
    parallel: { type: 'string', default: '1' },
    minutes: { type: 'string', default: '600' },
  },
});
const { replay } = values;
const [kills, parallel, minutes] = [positionals[0] ?? 1000, values.parallel, values.minutes].map(Number);
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
const run = ['run', suite, '--library', 'native', '--budget', '600'];
const whole = join(folder, 'whole.jsonl');
if (replay) {
  const { status, stderr } = spawnSync(process.execPath, [cli, ...run, '--out', whole], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}
const started = performance.now();
const seconds = () => (performance.now() - started) / 1000;
let done = 0;
const chains = await Promise.all(
  Array.from({ length: parallel }, (_, chain) => {
    const out = join(folder, String(chain), 'result.jsonl');
    mkdirSync(join(folder, String(chain)));
    return killRuns({
      args: replay
        ? [fileURLToPath(new URL('./kill-replay.mjs', import.meta.url)), whole, out]
        : [...asInTerminal, cli, ...run, ...(parallel > 1 ? ['--cpus', String(chain)] : []), '--out', out, '--resume'],
      out,
      ids,
      kills: Math.floor((kills + chain) / parallel),
      startMs: replay ? 500 : 2500,
      workMs: replay ? 200 : 700,
      isStopped: () => seconds() > 60 * minutes,
      onKill: () => {
        done += 1;
        if (done % 50 === 0) console.log(`${done} kills, ${seconds().toFixed(0)} s`);
      },
    });
  }),
);
const sum = (name) => chains.reduce((total, counts) => total + counts[name], 0);
console.log(
  `${sum('killed')} kills of ${replay ? 'replayed' : 'real'} runs of ${ids.length} workloads in ${seconds().toFixed(0)} s: 0 finished workloads lost, changed or begun again, 0 files unreadable, no kill cost more than the workload under way; ${sum('ended')} runs ended whole, ${sum('repeated')} workloads of theirs begun more than once; ${sum('preparing')} kills found nothing new finished; ${sum('parts')} left part of a result beside`,
);
