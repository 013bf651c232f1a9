/** `sparsemark explore`: which designs of an accelerator are worth building, on the layers of a suite. */
import { availableParallelism } from 'node:os';
import { loadAccelerator } from '../accelerator/accelerator.ts';
import { engineOf } from '../accelerator/estimate.ts';
import { type Axis, type DesignPoint, type Exploration, explore, parseAxis } from '../accelerator/explore.ts';
import { csvField } from '../report/escape.ts';
import type { Accelerator } from '../terms/accelerator.ts';
import { exitCodes, SparsemarkError } from '../terms.ts';
import { type LayerOptions, layersFor } from './estimated-layers.ts';
import { asJson, type Output, plainTable, writeText } from './output.ts';

export interface ExploreArguments extends LayerOptions {
  readonly vary: readonly string[];
  readonly threads?: number;
  readonly csv?: string;
  readonly json?: boolean;
}

/** Columns of the progress bar. */
const barColumns = 30;
/** Rows of the front that are printed. */
const shownRows = 40;

const short = (value: number): string =>
  Math.abs(value) >= 1000 ? Math.round(value).toLocaleString('en-US') : String(Number(value.toPrecision(3)));

interface Column {
  readonly name: string;
  readonly figureOf: (point: DesignPoint) => number;
}

function columnsOf(axes: readonly Axis[], accelerator: Accelerator): readonly Column[] {
  const { energy } = accelerator;
  return [
    ...axes.map(({ name }, at): Column => ({ name, figureOf: ({ values }) => values[at]! })),
    { name: 'us', figureOf: ({ timeNs }) => timeNs / 1000 },
    { name: 'x dense', figureOf: ({ timeNs, denseTimeNs }) => denseTimeNs / timeNs },
    ...(energy === null
      ? []
      : [
          energy.unit === 'pJ'
            ? { name: 'uJ', figureOf: (point: DesignPoint) => point.energy! / 1e6 }
            : { name: 'energy of a MAC', figureOf: (point: DesignPoint) => point.energy! },
        ]),
    { name: 'multipliers', figureOf: ({ multipliers }) => multipliers },
  ];
}

/** What was explored and what must be known of it, in sentences. */
function wordsOf(accelerator: Accelerator, layers: number, found: Exploration): readonly string[] {
  const { points, front, cost, declined, reason } = found;
  const of = layers === 1 ? 'one layer' : `${layers} layers together`;
  const many = front.length === 1 ? '1 is' : `${front.length} are`;
  return [
    `${points.toLocaleString('en-US')} designs of ${accelerator.name} on ${of}: ${many} not beaten in both time and ${cost}.`,
    ...(cost === 'multipliers'
      ? ['No table prices its actions, so the number of multipliers stands for the cost.']
      : []),
    ...(declined > 0
      ? [`${declined.toLocaleString('en-US')} designs do not run these layers: ${reason}.`]
      : []),
    `The file is ${accelerator.evidence} (${accelerator.against}); other designs than the file's are held against nothing.`,
  ];
}

/** Prints the Pareto front, or writes it. Returns the exit code. */
export async function exploreCommand(
  name: string,
  what: string,
  args: ExploreArguments,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const accelerator = loadAccelerator(name);
  const { engine } = engineOf(accelerator);
  if (args.vary.length === 0) {
    throw new SparsemarkError(
      'USAGE',
      `Expected --vary <parameter>=<values> at least once, received none. ${accelerator.name} has ${engine.parameters.map((parameter) => parameter.name).join(', ')}.`,
    );
  }
  const axes = args.vary.map((text) => parseAxis(text, engine));
  const layers = layersFor(what, args);
  const draw = (done: number, total: number): void => {
    const full = Math.round((barColumns * done) / total);
    output.redraw(
      `[${'='.repeat(full)}${' '.repeat(barColumns - full)}] ${Math.floor((100 * done) / total)} % of ${total.toLocaleString('en-US')} designs`,
    );
  };
  const found = await explore(accelerator, layers, axes, {
    threads: args.threads ?? availableParallelism(),
    signal,
    ...(output.isTerminal ? { onProgress: draw } : {}),
  });
  if (output.isTerminal) output.redraw('');
  const columns = columnsOf(axes, accelerator);
  if (args.csv !== undefined) {
    const lines = [
      columns.map((column) => csvField(column.name)),
      ...found.front.map((point) => columns.map(({ figureOf }) => csvField(figureOf(point)))),
    ];
    writeText(args.csv, `${lines.map((line) => line.join(',')).join('\n')}\n`);
    output.say(`front: ${args.csv}`);
  }
  if (args.json === true) {
    output.result(asJson({ accelerator: accelerator.name, axes, layers, ...found }));
    return exitCodes.ok;
  }
  const shown = found.front.slice(0, shownRows);
  output.result(
    plainTable([
      columns.map((column) => column.name),
      ...shown.map((point) => columns.map(({ figureOf }) => short(figureOf(point)))),
    ]),
  );
  const more = found.front.length - shown.length;
  if (more > 0) output.say(`${more} more: --csv <file> or --json has all of them.`);
  for (const line of wordsOf(accelerator, layers.length, found)) output.say(line);
  return exitCodes.ok;
}
