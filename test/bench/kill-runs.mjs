/** Kills runs at random moments, the whole process group, and looks after each kill at what is left. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readJournal } from '../../dist/result/journal.js';
import { readResult } from '../../dist/result/result.js';

/**
 * Starts `args` under Node again and again and kills it at a random moment, until `kills` runs were killed: three in ten
 * within `startMs`, while it is starting, the others within `workMs` of the first change of its journal. A run that
 * ended by itself has to be whole; then the next one begins from nothing. Throws at the first workload lost or
 * repeated, or file that cannot be read. `log`: where the run notes each workload that it begins, or null.
 */
export async function killRuns({ args, out, ids, kills, startMs, workMs, log = null, onKill = () => {} }) {
  const journal = `${out}.journal`;
  const counts = { killed: 0, ended: 0, workloads: 0, repeated: 0, preparing: 0 };
  let kept = [];
  let killedOfRun = 0;
  const fail = (what) => {
    throw new Error(`After ${counts.killed} kills: ${what}`);
  };
  const size = () => (existsSync(journal) ? statSync(journal).size : 0);
  const moment = async () => {
    if (Math.random() < 0.3) return sleep(Math.random() * startMs);
    const before = size();
    for (const end = Date.now() + 60_000; size() === before && Date.now() < end && !existsSync(out); ) await sleep(5);
    return sleep(Math.random() * workMs);
  };
  while (counts.killed < kills) {
    const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk) => {
      said += chunk;
    });
    const ended = new Promise((resolve) => child.on('close', (status, signal) => resolve({ status, signal })));
    await Promise.race([ended, moment()]);
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended, and so has its group.
    }
    const { status, signal } = await ended;
    if (existsSync(out)) {
      // Whether it was killed behind its last step or not: a result that is there is whole.
      if (existsSync(journal) && signal === null) fail('a journal beside a finished result');
      const found = readResult(out).workloads.map(({ id }) => id);
      if (found.join() !== ids.join()) fail(`a result of ${found.length} workloads, not ${ids.length}`);
      const begun = log === null ? ids.length : readFileSync(log, 'utf8').trimEnd().split('\n').length;
      counts.repeated += begun - ids.length;
      if (begun - ids.length > killedOfRun) fail(`${begun - ids.length} workloads repeated in ${killedOfRun} kills`);
      counts.ended += 1;
      counts.workloads += ids.length;
      for (const path of [out, journal, ...(log === null ? [] : [log])]) rmSync(path, { force: true });
      kept = [];
      killedOfRun = 0;
      if (signal !== null) counts.killed += 1;
      continue;
    }
    if (signal === null) fail(`it ended with ${status} and no result: ${said}`);
    counts.killed += 1;
    killedOfRun += 1;
    const now = existsSync(journal)
      ? readJournal(journal).lines.flatMap(({ line }) => (line.kind === 'finished' ? [line.workload] : []))
      : [];
    if (now.slice(0, kept.length).join() !== kept.join()) fail(`${kept.length} workloads were finished, ${now.length} are`);
    if (new Set(now).size !== now.length) fail('a workload was repeated that was finished');
    if (now.join() !== ids.slice(0, now.length).join()) fail('workloads are out of order');
    if (now.length === kept.length) counts.preparing += 1;
    kept = now;
    onKill(counts);
  }
  for (const path of [out, journal, ...(log === null ? [] : [log])]) rmSync(path, { force: true });
  return counts;
}
