// The tests, in the order of their price: format and lint, types, then vitest. Ends with "N passed, M failed".
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const run = (command, args) => spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0;

let passed = 0;
let failed = 0;
let skipped = 0;
for (const [command, ...args] of [
  [bin('biome'), 'check', '.'],
  [bin('tsc'), '-p', 'tsconfig.json'],
]) {
  if (run(command, args)) passed += 1;
  else failed += 1;
}

const report = join(mkdtempSync(join(tmpdir(), 'sparsemark-')), 'vitest.json');
const filters = process.argv.slice(2);
const fine = run(bin('vitest'), [
  'run',
  '--reporter=dot',
  '--reporter=json',
  `--outputFile.json=${report}`,
  ...filters,
]);
try {
  const counts = JSON.parse(readFileSync(report, 'utf8'));
  passed += counts.numPassedTests;
  failed += counts.numFailedTests;
  skipped = counts.numPendingTests + counts.numTodoTests;
  for (const { name, assertionResults } of counts.testResults) {
    for (const { status, fullName } of assertionResults) {
      if (status === 'pending' || status === 'todo' || status === 'skipped') {
        process.stdout.write(`SKIPPED: ${fullName} (${name.slice(root.length + 1)})\n`);
      }
    }
  }
  if (!fine && failed === 0) failed += 1;
} catch (error) {
  process.stdout.write(`no report of vitest: ${error.message}\n`);
  failed += 1;
}
process.stdout.write(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
process.exitCode = failed === 0 ? 0 : 2;
