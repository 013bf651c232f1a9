// Reading a Matrix Market file of 100 MB.
//   goals: at most 2 s, at most 3 times its size in memory
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readMatrix } from '../../dist/workload/import/index.js';

const folder = mkdtempSync(join(tmpdir(), 'sparsemark-bench-'));
const path = join(folder, 'large.mtx');
try {
  const rows = 40_000;
  const perRow = 120;
  const file = openSync(path, 'w');
  writeSync(file, `%%MatrixMarket matrix coordinate real general\n${rows} ${rows} ${rows * perRow}\n`);
  let state = 1;
  for (let i = 1; i <= rows; i += 1) {
    let lines = '';
    for (let j = 0; j < perRow; j += 1) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      lines += `${i} ${j * 333 + 1 + (state % 333)} ${(state / 2 ** 32 - 0.5).toFixed(6)}\n`;
    }
    writeSync(file, lines);
  }
  closeSync(file);
  const { size } = statSync(path);
  const before = process.memoryUsage().rss;
  const start = performance.now();
  const matrix = readMatrix(path);
  const seconds = (performance.now() - start) / 1000;
  const peak = process.resourceUsage().maxRSS * 1024 - before;
  console.log(
    `${(size / 1e6).toFixed(0)} MB, ${matrix.colIndices.length} nonzeros: ${seconds.toFixed(2)} s (goal 2), peak memory ${(peak / size).toFixed(2)}x the file (goal 3)`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
