// What the native side allocates for a workload of the packed kernel: the encoded matrix, the operands, what the kernel
// keeps beside them and what encoding and planning held for a while. Seen from outside, as the pages by which a process
// without Node grows at the most from the moment at which it holds what it was sent.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { openRunner } from '../../../dist/measure/backends/runner.js';
import { bundledLibraries, workerMemoryBytes } from '../../../dist/measure/libraries.js';
import { cellsOf } from '../../../dist/measure/schedule.js';
import { makeProblem } from '../../../dist/workload/problem.js';

const children = `/proc/${process.pid}/task/${process.pid}/children`;
const childrenNow = () => new Set(readFileSync(children, 'utf8').split(' ').filter((pid) => pid !== ''));
const bytesOf = (pid, field) => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

// Bytes allocated over those of A, B and C if all were dense; null where the system does not tell.
export async function allocationOf(workload) {
  if (!existsSync(children)) return null;
  const before = childrenNow();
  const runner = await openRunner({ path: bundledLibraries()[0], memoryLimitBytes: workerMemoryBytes(), patienceSeconds: 60 });
  try {
    const pid = [...childrenNow()].find((child) => !before.has(child));
    const { a, operands } = makeProblem(workload);
    const { shape, op, dtype } = workload;
    const selection = { isa: null, formats: ['packed'], threads: [1] };
    const { kernel } = cellsOf({ formats: {} }, workload, [runner], selection).find(({ case: { dense } }) => !dense);
    await runner.load({ op, shape, dtype, a, operands });
    const held = bytesOf(pid, 'VmRSS');
    // From here on the system remembers the largest size anew.
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    const job = await runner.prepare([await runner.encode('packed', dtype, a)], kernel.index, { threads: 1 });
    await job.time(0, 1);
    const { m, k, n } = shape;
    return (bytesOf(pid, 'VmHWM') - held) / (4 * (m * k + k * n + m * n));
  } finally {
    runner.end();
  }
}
