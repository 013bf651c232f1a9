/** `sparsemark selftest`: what the gate of `compare` is worth on this machine. */
import { type SelftestRun, selftest } from '../measure/selftest.ts';
import { selftestLines, selftestTable } from '../report/comparison/selftest.ts';
import { writeSelftest } from '../result/selftest-file.ts';
import { exitCodes } from '../terms.ts';
import { dataFolderOf } from '../workload/data.ts';
import { loadSuite } from '../workload/suite.ts';
import { asJson, type Output, plainTable, shortened } from './output.ts';
import { clockText } from './progress.ts';

export interface SelftestArguments {
  readonly minutes?: number;
  readonly seed?: number;
  readonly json?: boolean;
}

const defaultMinutes = 5;
/** Of one comparison: some ten passes of one workload. */
const runBudgetSeconds = 15;

/** Tests the gate, keeps the outcome for the reports of this machine, prints it. Returns the exit code. */
export async function selftestCommand(
  args: SelftestArguments,
  output: Output,
  command: string,
  signal: AbortSignal,
): Promise<number> {
  const minutes = args.minutes ?? defaultMinutes;
  const wordsOf = ({ kind, injectedSlowdown, voided, verdict }: SelftestRun): string => {
    const what = { same: 'the same file', relinked: 'linked in another order' }[kind as string];
    return `${what ?? `${100 * injectedSlowdown} % slower`}: ${voided ? 'void' : verdict}`;
  };
  let count = 0;
  const found = await selftest({
    suite: loadSuite('quick'),
    minutes,
    seed: args.seed ?? 1,
    threshold: 0.05,
    margin: 0.01,
    budgetSeconds: runBudgetSeconds,
    command,
    signal,
    onRun: (run, elapsedSeconds) => {
      count += 1;
      const text = `${clockText(elapsedSeconds)} of ${clockText(60 * minutes)}, run ${count}, ${wordsOf(run)}, ${run.cell}`;
      if (output.isTerminal) output.redraw(shortened(text, output.lineWidth));
      else output.say(text);
    },
  });
  if (output.isTerminal) output.redraw('');
  const path = writeSelftest(dataFolderOf(), found);
  output.say(`self-test: ${path}`);
  if (args.json === true) output.result(asJson(found));
  else output.result(`${selftestLines(found).join('\n')}\n\n${plainTable(selftestTable(found))}`);
  return exitCodes.ok;
}
