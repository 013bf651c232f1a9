/** `sparsemark compare`: two builds of a kernel library in turns, or two result files. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CompareEvent, compareLibraries } from '../measure/compare.ts';
import { allowedCpus, describeMachineOnly } from '../measure/machine.ts';
import { relinkedBeside } from '../measure/relinked.ts';
import { comparisonReportNamed, renderComparison } from '../report/comparison/index.ts';
import type { ComparisonView } from '../report/comparison/view.ts';
import { viewOfComparison, viewOfResults } from '../report/comparison/view.ts';
import { judge } from '../result/compare.ts';
import { judgeResults } from '../result/compare-results.ts';
import { kindOfFile, readComparison } from '../result/comparison-file.ts';
import { readRun } from '../result/result.ts';
import { readSelftest } from '../result/selftest-file.ts';
import type { Comparison } from '../terms/comparison.ts';
import { SparsemarkError } from '../terms.ts';
import { dataFolderOf } from '../workload/data.ts';
import { type BuildArguments, openOperands } from './operand.ts';
import { type Output, shortened, writeText } from './output.ts';
import { clockText } from './progress.ts';
import { filterText, narrowed, type SuiteChoice, suiteOf } from './suite-choice.ts';

export interface CompareArguments extends SuiteChoice, BuildArguments {
  readonly format?: readonly string[];
  readonly isa?: string;
  readonly threads?: readonly number[];
  readonly cpus?: readonly number[];
  readonly threshold?: number;
  readonly margin?: number;
  readonly budget?: number;
  readonly seed?: number;
  readonly timeout?: number;
  readonly out?: string;
  readonly as?: string;
  readonly json?: boolean;
  readonly report?: string;
  readonly relinked?: string;
}

const defaultThreshold = 0.05;
/** Two functions of identical arithmetic differ by about this much through code layout alone. */
const defaultMargin = 0.01;
const defaultBudgetSeconds = 600;
const defaultTimeoutSeconds = 60;

function show(view: ComparisonView, args: CompareArguments, output: Output): number {
  const name = args.json === true ? 'json' : (args.as ?? 'terminal');
  const options = { width: output.width, color: output.color };
  if (args.report === undefined) output.result(renderComparison(name, view, options));
  else {
    writeText(args.report, renderComparison(name, view, {}));
    output.say(`report: ${args.report}`);
    output.result(renderComparison('terminal', view, options));
  }
  return view.judgement.exitCode;
}

/** A comparison, judged. */
const judgedView = (comparison: Comparison): ComparisonView =>
  viewOfComparison(comparison, judge(comparison));
const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();
const isRecord = (path: string): boolean => isFile(path) && /\.jsonl?$/.test(path);

/** What only a measurement can obey. */
const measurementOptions: readonly (keyof CompareArguments)[] = [
  'filter',
  'format',
  'density',
  'cache',
  'isa',
  'threads',
  'cpus',
  'n',
  'build',
  'library',
  'repository',
  'relinked',
  'budget',
  'seed',
  'timeout',
  'out',
];

/** Throws USAGE where what is finished is given an option that would be ignored. */
function refuse(names: readonly (keyof CompareArguments)[], args: CompareArguments, what: string): void {
  const given = names.find((name) => args[name] !== undefined);
  if (given === undefined) return;
  const value = args[given];
  const received = given === 'threshold' || given === 'margin' ? `${Number(value) * 100} %` : value;
  throw new SparsemarkError(
    'USAGE',
    `Expected no --${given} with ${what}, received ${received}. Leave it out: nothing is measured.`,
  );
}

/** Compares, writes the comparison file, prints the report. Returns the exit code. */
export async function compareCommand(
  operands: readonly string[],
  args: CompareArguments,
  output: Output,
  command: string,
  signal: AbortSignal,
): Promise<number> {
  comparisonReportNamed(args.json === true ? 'json' : (args.as ?? 'terminal'));
  const protocol = { threshold: args.threshold ?? defaultThreshold, margin: args.margin ?? defaultMargin };
  if (protocol.margin >= protocol.threshold) {
    throw new SparsemarkError(
      'USAGE',
      `Expected --margin below --threshold (${protocol.threshold * 100} %), received ${protocol.margin * 100} %. Lower --margin or raise --threshold.`,
    );
  }
  const [base, head, name, ...more] = operands;
  // One file that is no run's can only be a comparison, perhaps a damaged one: then its reader says what is wrong with it.
  if (base !== undefined && head === undefined && isRecord(base) && kindOfFile(base) !== 'run') {
    refuse([...measurementOptions, 'threshold', 'margin'], args, 'a finished comparison');
    return show(judgedView(readComparison(base)), args, output);
  }
  if (base !== undefined && head !== undefined && name === undefined && (isRecord(base) || isRecord(head))) {
    refuse(measurementOptions, args, 'two result files');
    const [one, other] = [readRun(base), readRun(head)];
    const judgement = judgeResults(one, other, protocol);
    return show(viewOfResults(one, other, [base, head], protocol, judgement), args, output);
  }
  if (base === undefined || head === undefined || name === undefined || more.length > 0) {
    throw new SparsemarkError(
      'USAGE',
      `Expected <base> <head> <suite>, or two result files, received ${operands.length} ${operands.length === 1 ? 'operand' : 'operands'}. See: sparsemark compare --help.`,
    );
  }
  if (isRecord(base) || isRecord(head)) {
    throw new SparsemarkError(
      'USAGE',
      `Expected two result files alone, received ${operands.join(' ')}. Leave the suite out, or name two libraries.`,
    );
  }
  const suite = suiteOf(name, args);
  const workloads = narrowed(suite, args);
  const forbidden = args.cpus?.find((cpu) => !allowedCpus().includes(cpu));
  if (forbidden !== undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected CPUs out of ${allowedCpus().join(', ')} for --cpus, received ${forbidden}. Name CPUs that this process may run on.`,
    );
  }
  const { cleanUp, ...sides } = await openOperands({ base, head }, args, output.say, signal);
  try {
    const time = new Date().toISOString().replace(/[-:]|\.\d+Z/g, '');
    const out = args.out ?? join('results', 'local', `compare-${suite.name}-${time}.jsonl`);
    const comparison = await compareLibraries({
      suite,
      workloads,
      dataFolder: dataFolderOf(),
      selection: { isa: args.isa ?? null, formats: args.format ?? null, threads: args.threads ?? [1] },
      cpus: args.cpus ?? null,
      ...sides,
      budgetSeconds: args.budget ?? defaultBudgetSeconds,
      timeoutSeconds: args.timeout ?? defaultTimeoutSeconds,
      filter: filterText(args),
      seed: args.seed ?? 1,
      ...protocol,
      ...relinkedOf(sides.base.path, args.relinked),
      selftest: readSelftest(dataFolderOf(), describeMachineOnly().fingerprint),
      out,
      command,
      signal,
      onEvent: progressOf(output),
    });
    if (output.isTerminal) output.redraw('');
    output.say(`comparison: ${out}`);
    return show(judgedView(comparison), args, output);
  } finally {
    await cleanUp();
  }
}

/** Base linked in another order: the one that was named, or the one beside a library of ours. */
function relinkedOf(
  base: string,
  named: string | undefined,
): { readonly relinkedPath: string } | Record<string, never> {
  const path = named ?? relinkedBeside(base);
  if (path === undefined) return {};
  if (existsSync(path)) return { relinkedPath: path };
  throw new SparsemarkError(
    'MISSING_FILE',
    `Expected a library for --relinked, received ${path}, which does not exist. Link base's objects in another order, or leave the option out.`,
  );
}

/** Seconds between two lines where nothing can be redrawn. */
const plainIntervalSeconds = 10;

function progressOf(output: Output): (event: CompareEvent) => void {
  let last = Number.NEGATIVE_INFINITY;
  return (event) => {
    if (event.kind === 'ready') {
      const { machine, base, head, suite } = event.header;
      if (output.isTerminal) output.redraw('');
      output.say(
        `${machine.cpuBrand}; suite ${suite.name} ${suite.version}, ${event.cells} cells with controls`,
      );
      for (const [side, { label, library }] of [
        ['base', base],
        ['head', head],
      ] as const)
        output.say(`${side}: ${label}, ${library.name} ${library.version}, ${library.sha256.slice(0, 12)}`);
      return;
    }
    const { index, total, workload, again, pass, elapsedSeconds } = event;
    const text = `${again ? 'again, ' : ''}pass ${pass} [${index + 1}/${total}] ${clockText(elapsedSeconds)} ${workload}`;
    if (output.isTerminal) return output.redraw(shortened(text, output.lineWidth));
    if (elapsedSeconds - last < plainIntervalSeconds && !(again && index === 0)) return;
    last = elapsedSeconds;
    output.say(text);
  };
}
