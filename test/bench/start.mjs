// `npm start` from a fresh clone with nothing installed, and once more.
//   goals on 2 cores: under 4 minutes, install and build included; the second time under 75 s
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const folder = mkdtempSync(join(tmpdir(), 'sparsemark-bench-'));
const clone = join(folder, 'sparsemark');
try {
  execFileSync('git', ['clone', '--quiet', root, clone], { stdio: 'inherit' });
  for (const [which, goalSeconds] of [
    ['first', 240],
    ['second', 75],
  ]) {
    const start = performance.now();
    execFileSync('npm', ['start'], { cwd: clone, stdio: ['ignore', 'ignore', 'inherit'] });
    console.log(`${which} npm start: ${((performance.now() - start) / 1000).toFixed(0)} s (goal: under ${goalSeconds})`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
