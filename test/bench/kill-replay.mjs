// A run whose measurements are known beforehand, for kill.mjs: the journal as `run --resume` keeps it, without the wait.
//   node test/bench/kill-replay.mjs <whole result> <out>
import { setTimeout as sleep } from 'node:timers/promises';
import { openJournal, resumeRefusal } from '../../dist/result/journal.js';
import { readResult } from '../../dist/result/result.js';

const [template, out] = process.argv.slice(2);
const { header, workloads, measurements, end } = readResult(template);
const journal = openJournal(out, { resume: true });
const refusal = journal.earlier === null ? null : resumeRefusal(journal.earlier.result.header, header);
if (refusal !== null) throw new Error(refusal);
if (journal.earlier === null) journal.append({ kind: 'run', ...header });
const cells = Map.groupBy?.(measurements, ({ workload }) => workload) ?? new Map();
if (cells.size === 0) for (const cell of measurements) cells.set(cell.workload, [...(cells.get(cell.workload) ?? []), cell]);
for (const [index, record] of workloads.entries()) {
  if (journal.earlier?.finished.has(record.id)) continue;
  process.stderr.write(`[${index + 1}/${workloads.length}] ${record.id}\n`);
  journal.append({ kind: 'workload', ...record });
  for (const measurement of cells.get(record.id) ?? []) {
    journal.append({ kind: 'measurement', ...measurement });
    await sleep(Math.random() < 0.5 ? 0 : 1);
  }
  journal.append({ kind: 'finished', workload: record.id, elapsedSeconds: 0 });
}
journal.finish(end);
