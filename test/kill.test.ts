/** SIGKILL at random moments, the whole process group: 30 here, a thousand with `npm run bench:kill`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { writeResult } from '../src/result/result.ts';
// @ts-expect-error: benchmarks are plain JavaScript
import { killRuns } from './bench/kill-runs.mjs';
import { fakeResult } from './fakes.ts';

it('30 kills lose no finished workload, repeat none, and leave every file readable', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sparsemark-kill-'));
  const whole = join(folder, 'whole.jsonl');
  const out = join(folder, 'result.jsonl');
  const result = fakeResult({ shapes: [{ m: 64, k: 64, n: 8 }], densities: [0.1, 0.2, 0.3, 0.5] });
  writeResult(whole, result);
  const ids = result.workloads.map(({ id }) => id);
  const replay = fileURLToPath(new URL('./bench/kill-replay.mjs', import.meta.url));
  const counts = await killRuns({
    args: [replay, whole, out],
    out,
    ids,
    kills: 30,
    startMs: 300,
    workMs: 200,
  });
  expect(counts.killed).toBe(30);
  // Most kills struck a run at work.
  expect(counts.preparing).toBeLessThan(25);
  rmSync(folder, { recursive: true });
});
