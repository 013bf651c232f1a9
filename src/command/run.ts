/** `sparsemark run`: from arguments to a finished result and its report. */
import { existsSync, readdirSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { allowedCpus, cpuTicks, describeMachineOnly, stealBetween, stealShare } from '../measure/machine.ts';
import { isTunedCell, plansFolderOf, plansPathOf, readPlans } from '../measure/plans.ts';
import { runSuite } from '../measure/run.ts';
import { secondsOf } from '../result/merge.ts';
import { readRun } from '../result/result.ts';
import { publishable } from '../result/submission.ts';
import type { TunedPlan } from '../terms/plan.ts';
import { exitCodes, type Result, SparsemarkError, type Suite, type Workload } from '../terms.ts';
import { dataFolderOf } from '../workload/data.ts';
import { qualityOf } from '../workload/dlmc.ts';
import { costsOf, type ShardName, shardOf } from '../workload/shard-plan.ts';
import { judgeBusy } from './doctor.ts';
import { type Output, writeText } from './output.ts';
import { progressOf } from './progress.ts';
import { showReport } from './show.ts';
import { filterText, narrowed, type SuiteChoice, suiteOf } from './suite-choice.ts';

/** Arguments of `run`, checked one by one by cli.ts. */
export interface RunArguments extends SuiteChoice {
  readonly format?: readonly string[];
  readonly isa?: string;
  readonly threads?: readonly number[];
  readonly cpus?: readonly number[];
  readonly budget?: number;
  readonly kernels?: readonly string[];
  readonly library?: readonly string[];
  readonly out?: string;
  readonly resume?: boolean;
  readonly html?: boolean | string;
  readonly timeout?: number;
  readonly json?: boolean;
  readonly shard?: ShardName;
  readonly shardCosts?: string;
  readonly tuned?: boolean;
}

/** Folder of results that nobody published; ignored by git. */
const localFolder = join('results', 'local');
const defaultBudgetSeconds = 3600;
/** The first look has to end while its reader is still there. */
const quickBudgetSeconds = 65;
const defaultTimeoutSeconds = 60;

/** The workloads of this shard, with their places in the whole list; absent without --shard. */
function shardFor(workloads: readonly Workload[], args: RunArguments) {
  if (args.shard === undefined) {
    if (args.shardCosts === undefined) return undefined;
    throw new SparsemarkError(
      'USAGE',
      'Expected --shard with --shard-costs, received none. Give --shard <i>/<n>.',
    );
  }
  const seconds = args.shardCosts === undefined ? undefined : secondsOf(readRun(args.shardCosts));
  return {
    workloads: shardOf(workloads, costsOf(workloads, seconds), args.shard),
    ...args.shard,
    total: workloads.length,
    places: new Map(workloads.map(({ id }, place) => [id, place])),
  };
}

/** The tuned plans of this machine. Throws USAGE where there are none. */
function plansOfThisMachine(): readonly TunedPlan[] {
  const folder = plansFolderOf();
  const { fingerprint } = describeMachineOnly();
  const plans = readPlans(folder, fingerprint);
  if (plans.length > 0) return plans;
  throw new SparsemarkError(
    'USAGE',
    `Expected tuned plans of this machine for --tuned, received none in ${plansPathOf(folder, fingerprint)}. Tune first: sparsemark tune <suite>.`,
  );
}

/** `quick-20261123T154300`: the time in UTC. */
function defaultOut(suite: Suite, resume: boolean, shard: ShardName | undefined): string {
  const ending = `${shard === undefined ? '' : `-${shard.index}of${shard.count}`}.jsonl`;
  if (resume && existsSync(localFolder)) {
    const journals = readdirSync(localFolder).filter(
      (name) =>
        name.startsWith(`${suite.name}-`) &&
        name.endsWith(`${ending}.journal`) &&
        (shard !== undefined || !/-\d+of\d+\.jsonl\.journal$/.test(name)),
    );
    const newest = journals.sort().at(-1);
    if (newest !== undefined) return join(localFolder, newest.replace(/\.journal$/, ''));
  }
  const time = new Date().toISOString().replace(/[-:]|\.\d+Z/g, '');
  return join(localFolder, `${suite.name}-${time}${ending}`);
}

/** 2 for a wrong answer or a failed case, else 0. */
export function exitCodeOf(result: Result): number {
  const bad = result.measurements.some(({ status }) => status === 'wrong' || status === 'failed');
  return bad ? exitCodes.finding : exitCodes.ok;
}

/** Runs, writes the result file (and the HTML report), prints the report. Returns the exit code. */
export async function runCommand(
  name: string,
  args: RunArguments,
  output: Output,
  command: string,
  signal: AbortSignal,
): Promise<number> {
  const suite = suiteOf(name, args);
  const whole = narrowed(suite, args);
  const shard = shardFor(whole, args);
  const workloads = shard?.workloads ?? whole;
  const allowed = allowedCpus();
  const forbidden = args.cpus?.find((cpu) => !allowed.includes(cpu));
  if (forbidden !== undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected CPUs out of ${allowed.join(', ')} for --cpus, received ${forbidden}. Name CPUs that this process may run on.`,
    );
  }
  const out = args.out ?? defaultOut(suite, args.resume === true, args.shard);
  const dataFolder = dataFolderOf();
  const plans = args.tuned === true ? plansOfThisMachine() : undefined;
  const progress = progressOf(output);
  // Read before the preparations, which are a load themselves.
  const before = {
    load1: loadavg()[0]!,
    cores: cpus().length,
    stealShare: stealShare(),
    ticks: cpuTicks(),
  };
  const { path, result } = await runSuite({
    // A narrowed run is not refined: the bracket of a crossover may be among what was left out.
    ...(shard === undefined ? {} : { shard }),
    suite:
      shard === undefined && workloads.length === suite.workloads.length
        ? suite
        : { ...suite, refine: false },
    workloads,
    dataFolder,
    selection: { isa: args.isa ?? null, formats: args.format ?? null, threads: args.threads ?? [1] },
    cpus: args.cpus ?? null,
    budgetSeconds: args.budget ?? (suite.name === 'quick' ? quickBudgetSeconds : defaultBudgetSeconds),
    filter: filterText(args),
    kernels: args.kernels ?? [],
    libraries: args.library ?? null,
    timeoutSeconds: args.timeout ?? defaultTimeoutSeconds,
    ...(plans === undefined ? {} : { plans }),
    out,
    resume: args.resume === true,
    command,
    quality: (workload) => qualityOf(workload, dataFolder),
    signal,
    onEvent: (event) => {
      progress(event);
      if (event.kind !== 'ready') return;
      const busy = judgeBusy(before, stealBetween(before.ticks, cpuTicks()));
      for (const { what, verdict, found, advice } of busy) {
        if (verdict !== 'fine') output.say(`${what}: ${found}. ${advice}`);
      }
    },
  });
  if (output.isTerminal) output.redraw('');
  if (result.end?.complete === false) {
    output.say(`Not all was measured: ${result.end.stopReason}. Give more time with --budget <seconds>.`);
  }
  if (plans !== undefined && !result.measurements.some((cell) => isTunedCell(cell))) {
    output.say(
      `No cell of this run has a tuned plan: those of this machine are for other workloads or another build of the library. Tune again: sparsemark tune ${name}.`,
    );
  }
  if (args.html !== undefined && args.html !== false && result.workloads.length > 0) {
    const html = typeof args.html === 'string' ? args.html : path.replace(/\.jsonl$/, '.html');
    writeText(html, showReport('html', [result]));
    output.say(`report: ${html}`);
  }
  const fault = publishable(result);
  if (fault !== null) output.say(`This result cannot be published. ${fault}`);
  output.say(`result: ${path}`);
  // More shards than workloads: there is nothing to show.
  if (result.workloads.length === 0) return exitCodes.ok;
  const options = args.json === true ? {} : { width: output.width, color: output.color };
  output.result(showReport(args.json === true ? 'json' : 'terminal', [result], options));
  return exitCodeOf(result);
}
