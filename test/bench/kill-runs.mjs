/** Kills runs at random moments, the whole process group, and looks after each kill at what is left. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readJournal } from '../../dist/result/journal.js';
import { lineText, readResult } from '../../dist/result/result.js';

/** Makes sparsemark say on standard error which workload it begins, each of them, as it does in a wide terminal. */
export const asInTerminal = [
  '--import',
  'data:text/javascript,process.stderr.isTTY = true; process.stderr.columns = 1000;',
];

/** Workloads that a run said it began, in order. */
const begunOf = (said) => [...said.matchAll(/\[ *\d+\/\d+\] (\S+)/g)].map(([, id]) => id);

/** What a killed run leaves: ids of the finished workloads, and the text of the journal up to the last of them. */
function leftBy(journal) {
  if (!existsSync(journal)) return { finished: [], text: '' };
  const lines = readJournal(journal).lines.map(({ line }) => line);
  const last = lines.findLastIndex(({ kind }) => kind === 'finished');
  return {
    finished: lines.flatMap((line) => (line.kind === 'finished' ? [line.workload] : [])),
    text: lines.slice(0, last + 1).map((line) => `${lineText(line)}\n`).join(''),
  };
}

/**
 * Starts `args` under Node again and again and kills it at a random moment, until `kills` runs were killed: three in ten
 * within `startMs`, while it is starting, the others within `workMs` of the first change of its journal. A run that
 * ended by itself has to be whole; then the next one begins from nothing. Throws at the first workload lost, changed,
 * or begun again after it was finished, at a kill that costs more than the one workload under way, and at a file that
 * cannot be read. `isStopped`: asked before each run, to end early.
 */
export async function killRuns({ args, out, ids, kills, startMs, workMs, onKill = () => {}, isStopped = () => false }) {
  const journal = `${out}.journal`;
  const counts = { killed: 0, ended: 0, workloads: 0, repeated: 0, preparing: 0, parts: 0 };
  let kept = { finished: [], text: '' };
  let begunOfRun = 0;
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
  const names = () => readdirSync(dirname(out)).filter((name) => name.startsWith(`${basename(out)}.`));
  const removeAll = () => {
    for (const name of names()) rmSync(join(dirname(out), name));
    rmSync(out, { force: true });
  };
  while (counts.killed < kills && !isStopped()) {
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
    const begun = begunOf(said);
    begunOfRun += begun.length;
    const again = begun.find((id) => kept.finished.includes(id));
    if (again !== undefined) fail(`${again} was finished and begun again`);
    if (signal !== null) {
      counts.killed += 1;
      killedOfRun += 1;
    }
    if (existsSync(out)) {
      // Whether it was killed behind its last step or not: a result that is there is whole.
      if (existsSync(journal) && signal === null) fail('a journal beside a finished result');
      const found = readResult(out).workloads.map(({ id }) => id);
      if (found.join() !== ids.join()) fail(`a result of ${found.length} workloads, not ${ids.length}`);
      if (!readFileSync(out, 'utf8').startsWith(kept.text)) fail('a result that is not what its journal held');
      const repeated = begunOfRun - ids.length;
      if (repeated < 0) fail(`${begunOfRun} workloads were begun, ${ids.length} finished`);
      if (repeated > killedOfRun) fail(`${repeated} workloads repeated in ${killedOfRun} kills`);
      counts.repeated += repeated;
      counts.ended += 1;
      counts.workloads += ids.length;
      removeAll();
      kept = { finished: [], text: '' };
      [begunOfRun, killedOfRun] = [0, 0];
      continue;
    }
    if (signal === null) fail(`it ended with ${status} and no result: ${said}`);
    // A kill while the result is written leaves what was written of it, under a name that nobody reads, for the next run.
    const parts = names().filter((name) => name.endsWith('.part')).length;
    if (parts > 1) fail(`${parts} parts of a result are left`);
    counts.parts += parts;
    const now = leftBy(journal);
    if (!now.text.startsWith(kept.text))
      fail(`${kept.finished.length} workloads were finished, of ${now.finished.length} now some are lost or others`);
    if (now.finished.join() !== ids.slice(0, now.finished.length).join()) fail('workloads are out of order');
    const lost = begun.filter((id) => !now.finished.includes(id));
    if (lost.length > 1) fail(`one kill costs ${lost.length} workloads: ${lost.join(', ')}`);
    if (now.finished.length === kept.finished.length) counts.preparing += 1;
    kept = now;
    onKill();
  }
  removeAll();
  return counts;
}
