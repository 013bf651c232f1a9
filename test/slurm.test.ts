/** The script for Slurm on a real one: two nodes on this machine, started here, with a key and ports of their own. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { shardsCommand } from '../src/command/shards.ts';
import { readResult } from '../src/result/result.ts';
import { loadSuite } from '../src/workload/suite.ts';
import { cliPath, tinySuite } from './command.ts';
import { missing, programPath } from './needs.ts';

const present =
  process.getuid?.() === 0 &&
  ['munged', 'slurmctld', 'slurmd', 'sbatch', 'scontrol', 'squeue'].every(
    (name) => programPath(name) !== null,
  );
const skipped = missing('slurm', present);

const folder = skipped ? '' : mkdtempSync(join(tmpdir(), 'sparsemark-slurm-'));
const daemons: ChildProcess[] = [];
const conf = join(folder, 'slurm.conf');
const env = { ...process.env, SLURM_CONF: conf };
const call = (command: string, ...args: string[]): string =>
  execFileSync(command, args, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

afterAll(async () => {
  if (skipped) return;
  // The controller first, so that it does not mourn its nodes; munged last.
  for (const daemon of daemons.reverse()) {
    const gone = new Promise((resolve) => daemon.once('exit', resolve));
    if (daemon.exitCode === null && daemon.signalCode === null) {
      daemon.kill('SIGTERM');
      await Promise.race([gone, sleep(5000)]);
      daemon.kill('SIGKILL');
    }
  }
  rmSync(folder, { recursive: true, force: true });
});

async function until(what: string, seconds: number, holds: () => boolean): Promise<void> {
  for (const end = Date.now() + seconds * 1000; !holds(); await sleep(200)) {
    if (Date.now() > end) throw new Error(`waited ${seconds} s for ${what}`);
  }
}

/** Ports that nobody uses at the moment. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function daemon(name: string, ...args: string[]): void {
  daemons.push(spawn(programPath(name)!, args, { env, stdio: 'ignore' }));
}

/** Starts munged, slurmctld and two slurmd, and waits until both nodes are idle. */
async function startSlurm(): Promise<void> {
  const [controller, one, two] = await freePorts(3);
  const at = (name: string): string => join(folder, name);
  const key = at('munge.key');
  writeFileSync(key, randomBytes(128), { mode: 0o600 });
  for (const name of ['state', 'spool-n1', 'spool-n2']) mkdirSync(at(name));
  const host = hostname().split('.')[0]!;
  const node = (name: string, port: number | undefined): string =>
    `NodeName=${name} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${port} CPUs=1 State=UNKNOWN`;
  writeFileSync(
    conf,
    `ClusterName=sparsemark
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controller}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=${at('munge.socket')}
StateSaveLocation=${at('state')}
SlurmdSpoolDir=${at('spool-%n')}
SlurmctldPidFile=${at('slurmctld.pid')}
SlurmdPidFile=${at('slurmd-%n.pid')}
SlurmctldLogFile=${at('slurmctld.log')}
SlurmdLogFile=${at('slurmd-%n.log')}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
MpiDefault=none
ReturnToService=2
KillWait=5
${node('n1', one)}
${node('n2', two)}
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
`,
  );
  daemon(
    'munged',
    ...['--foreground', '--force', `--key-file=${key}`, `--socket=${at('munge.socket')}`],
    ...[
      `--pid-file=${at('munged.pid')}`,
      `--log-file=${at('munged.log')}`,
      `--seed-file=${at('munged.seed')}`,
    ],
  );
  await until('munged', 20, () => existsSync(at('munge.socket')));
  daemon('slurmctld', '-D', '-f', conf);
  for (const name of ['n1', 'n2']) daemon('slurmd', '-D', '-N', name, '-f', conf);
  await until('two idle nodes', 60, () => {
    try {
      return call('sinfo', '--noheader', '--format=%T %D').trim() === 'idle 2';
    } catch {
      return false;
    }
  });
}

it.skipIf(skipped)(
  'runs the shards on two nodes, goes on with a killed and requeued task, merges',
  {
    timeout: 240_000,
  },
  async () => {
    await startSlurm();
    const made = tinySuite({
      densities: [0.5, 0.4, 0.3, 0.2, 0.1],
      seeds: [1, 2, 3, 4, 5, 6],
      formats: ['csr', 'ell'],
    });
    const script = join(folder, 'submit.sh');
    const silent = { redraw: () => {}, isTerminal: false, lineWidth: 79, width: 80, color: false };
    shardsCommand(
      made.suite,
      ['--library', 'native', '--budget', '40'],
      { engine: 'slurm', count: 2, command: `${process.execPath} ${cliPath}`, out: script },
      { ...silent, result: () => {}, say: () => {} },
    );
    const out = join(folder, 'out');
    const [, array] = /array job (\d+)/.exec(call('bash', script, out))!;
    const finished = (): number => {
      const journal = join(out, 'shard-1.jsonl.journal');
      return existsSync(journal) ? readFileSync(journal, 'utf8').split('"kind":"finished"').length - 1 : 0;
    };
    await until('two workloads of the first shard', 60, () => finished() >= 2);
    call('scontrol', 'requeue', `${array}_1`);
    // Slurm lets a requeued job wait for two minutes.
    await until('the task to leave its node', 30, () =>
      /PENDING/.test(call('squeue', '--noheader', '--array', '--format=%i %T', `--jobs=${array}_1`)),
    );
    // That gives the node time to end the old task: it refuses a second copy of a job that it still knows.
    const [, job] = /JobId=(\d+)/.exec(call('scontrol', 'show', 'job', `${array}_1`))!;
    const isAlive = (pid: string): boolean => {
      try {
        return readFileSync(join('/proc', pid, 'cmdline'), 'utf8').includes(`slurmstepd: [${job}.`);
      } catch {
        return false;
      }
    };
    await until('the old task to end', 60, () => !readdirSync('/proc').some(isAlive));
    await sleep(1000);
    await until('a new start', 20, () => {
      try {
        call('scontrol', 'update', `JobId=${array}_1`, 'StartTime=now');
        return true;
      } catch {
        return false;
      }
    });
    await until('both jobs', 150, () => call('squeue', '--noheader').trim() === '');

    const log = readFileSync(join(out, 'shard-1.log'), 'utf8');
    const controller = readFileSync(join(folder, 'slurmctld.log'), 'utf8').slice(-2000);
    expect(log, controller).toMatch(
      /going on: [2-9]\d* workloads were finished before|going on: 1\d workloads/,
    );
    const { workloads, end } = readResult(join(out, 'merged.jsonl'));
    const inOrder = [...loadSuite(made.suite).workloads].sort((a, b) => a.seed - b.seed);
    expect(workloads.map(({ id }) => id)).toEqual(inOrder.map(({ id }) => id));
    expect(end?.complete).toBe(true);
    expect(readFileSync(join(out, 'merge.log'), 'utf8')).toContain('result: merged.jsonl');
    rmSync(made.folder, { recursive: true });
  },
);
