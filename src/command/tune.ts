/** `sparsemark tune`: plans that beat the libraries' own on this machine, kept for `run --tuned`. */
import { openLibraries } from '../measure/libraries.ts';
import { allowedCpus, describeMachineOnly, measuringCpus } from '../measure/machine.ts';
import { mergedPlans, plansFolderOf, readPlans, writePlans } from '../measure/plans.ts';
import { checkNames } from '../measure/schedule.ts';
import { batchTargetNs } from '../measure/timing.ts';
import { type TunedCell, tunableCells, tuneSuite } from '../measure/tune-suite.ts';
import { formatRatio } from '../report/numbers.ts';
import { exitCodes, SparsemarkError } from '../terms.ts';
import { dataFolderOf } from '../workload/data.ts';
import { asJson, type Output, plainTable, shortened } from './output.ts';
import { clockText } from './progress.ts';
import { narrowed, type SuiteChoice, suiteOf } from './suite-choice.ts';

/** Arguments of `tune`, checked one by one by cli.ts. */
export interface TuneArguments extends SuiteChoice {
  readonly format?: readonly string[];
  readonly isa?: string;
  readonly threads?: readonly number[];
  readonly cpus?: readonly number[];
  readonly budget?: number;
  readonly kernels?: readonly string[];
  readonly json?: boolean;
}

const defaultBudgetSeconds = 600;
/** Of one step: encoding, checking and warming up with one plan. */
const timeoutMs = 60_000;

function gainText({ tuning, found }: TunedCell): string {
  if (tuning === null) return 'not measured';
  if (found === null) return '-';
  return `${formatRatio(found.speedup)} (${found.interval.map(formatRatio).join('-')})`;
}

function tableOf(cells: readonly TunedCell[]): string {
  const rows = cells.map((cell) => [
    cell.case.id,
    gainText(cell),
    cell.found?.plan ?? "the library's own",
    String(cell.tuning?.tried ?? 0),
  ]);
  return plainTable([['case', 'speed-up', 'plan', 'tried'], ...rows]);
}

/** Tunes, writes the plans after each cell, prints a table. 2 where a plan gave a wrong answer, else 0. */
export async function tuneCommand(
  name: string,
  args: TuneArguments,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const suite = suiteOf(name, args);
  const workloads = narrowed(suite, args);
  const selection = { isa: args.isa ?? null, formats: args.format ?? null, threads: args.threads ?? [1] };
  const allowed = allowedCpus();
  const forbidden = args.cpus?.find((cpu) => !allowed.includes(cpu));
  if (forbidden !== undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected CPUs out of ${allowed.join(', ')} for --cpus, received ${forbidden}. Name CPUs that this process may run on.`,
    );
  }
  const machine = describeMachineOnly();
  const folder = plansFolderOf();
  // A damaged file is found before minutes are spent.
  let plans = readPlans(folder, machine.fingerprint);
  const { workers } = await openLibraries({
    userPaths: args.kernels ?? [],
    cpus: args.cpus ?? measuringCpus(Math.max(...selection.threads)),
    timeoutMs,
    only: [],
  });
  const stop = (): void => {
    for (const worker of workers) worker.end();
  };
  signal.addEventListener('abort', stop);
  const cells: TunedCell[] = [];
  let path = '';
  const began = performance.now();
  try {
    const libraries = workers.map(({ library }) => library);
    checkNames(suite, workloads, libraries, selection);
    const options = { formats: suite.formats, workloads, selection, workers };
    const total = tunableCells(options).length;
    if (total === 0) {
      throw new SparsemarkError(
        'USAGE',
        `Expected a kernel that can be tuned among the cells of suite ${suite.name}, received none. Kernels of the format packed can be.`,
      );
    }
    const tuned = tuneSuite({
      ...options,
      dataFolder: dataFolderOf(),
      privateCacheBytes: machine.caches.l2Bytes || 2 ** 20,
      batchTargetNs: batchTargetNs(machine.clockResolutionNs),
      budgetSeconds: args.budget ?? defaultBudgetSeconds,
      signal,
      onCell: (id, index) => {
        const elapsed = clockText((performance.now() - began) / 1000);
        const text = `[${index + 1}/${total}] ${id}  ${elapsed} elapsed`;
        if (output.isTerminal) output.redraw(shortened(text, output.lineWidth));
        else output.say(text);
      },
    });
    for await (const cell of tuned) {
      cells.push(cell);
      for (const { plan, reason } of cell.tuning?.wrong ?? []) {
        if (output.isTerminal) output.redraw('');
        output.say(`WRONG ${cell.case.id} with ${plan === '' ? "the library's own plan" : plan}: ${reason}`);
      }
      if (cell.tuning === null) continue;
      plans = mergedPlans(plans, [cell.of], cell.found === null ? [] : [cell.found]);
      path = writePlans(folder, machine, plans);
    }
    if (output.isTerminal) output.redraw('');
    if (cells.length < total) {
      output.say(
        `Tuned ${cells.length} of ${total} cells: the budget is spent. Give more with --budget <seconds>.`,
      );
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
  output.result(args.json === true ? asJson({ path, cells }) : tableOf(cells));
  if (path !== '') output.say(`plans: ${path}; measure with them: sparsemark run ${name} --tuned`);
  return cells.some(({ tuning }) => (tuning?.wrong.length ?? 0) > 0) ? exitCodes.finding : exitCodes.ok;
}
