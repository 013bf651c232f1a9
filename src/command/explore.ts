/** `sparsemark explore`: which designs of an accelerator are worth building, on the layers of a suite. */
import { availableParallelism } from 'node:os';
import picocolors from 'picocolors';
import { acceleratorFile, acceleratorFrom } from '../accelerator/accelerator.ts';
import { engineOf } from '../accelerator/estimate.ts';
import { type Axis, type DesignPoint, type Exploration, explore, parseAxis } from '../accelerator/explore.ts';
import { attributeClass, attributesOf, exploreDesign } from '../accelerator/explore-design.ts';
import { csvField } from '../report/escape.ts';
import { frontPage, frontSvg } from '../report/estimates/front.ts';
import type { FrontPicture } from '../report/estimates/front-chart.ts';
import type { Table } from '../report/tables.ts';
import { tableText, wrap } from '../report/terminal.ts';
import type { Accelerator } from '../terms/accelerator.ts';
import { exitCodes, SparsemarkError } from '../terms.ts';
import { type LayerOptions, layersFor } from './estimated-layers.ts';
import { asJson, type Output, writeText } from './output.ts';

export interface ExploreArguments extends LayerOptions {
  readonly vary: readonly string[];
  readonly threads?: number;
  readonly csv?: string;
  readonly html?: string;
  readonly svg?: string;
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
  /** As in `Table`: columns of the highest are left out first where the terminal is narrow. */
  readonly rank: number;
  readonly figureOf: (point: DesignPoint) => number;
}

function columnsOf(axes: readonly Axis[], accelerator: Accelerator): readonly Column[] {
  const { energy } = accelerator;
  return [
    ...axes.map(({ name }, at): Column => ({ name, rank: 0, figureOf: ({ values }) => values[at]! })),
    { name: 'us', rank: 0, figureOf: ({ timeNs }) => timeNs / 1000 },
    { name: 'x dense', rank: 1, figureOf: ({ timeNs, denseTimeNs }) => denseTimeNs / timeNs },
    ...(energy === null
      ? []
      : [
          energy.unit === 'pJ'
            ? { name: 'uJ', rank: 0, figureOf: (point: DesignPoint) => point.energy! / 1e6 }
            : { name: 'energy of a MAC', rank: 0, figureOf: (point: DesignPoint) => point.energy! },
        ]),
    { name: 'multipliers', rank: energy === null ? 0 : 2, figureOf: ({ multipliers }) => multipliers },
  ];
}

/** What was explored and what must be known of it, in sentences. */
function wordsOf(accelerator: Accelerator, layers: number, found: Exploration): readonly string[] {
  const { points, front, cost, declined, reason } = found;
  const of = layers === 1 ? 'one layer' : `${layers} layers together`;
  const designs = (count: number) => `${count.toLocaleString('en-US')} design${count === 1 ? '' : 's'}`;
  const many = front.length === 1 ? '1 is' : `${front.length} are`;
  return [
    `${designs(points)} of ${accelerator.name} on ${of}: ${many} not beaten in both time and ${cost}.`,
    ...(cost === 'multipliers'
      ? ['No table prices its actions, so the number of multipliers stands for the cost.']
      : []),
    ...(declined > 0
      ? [`${designs(declined)} ${declined === 1 ? 'does' : 'do'} not run these layers: ${reason}.`]
      : []),
    ...(accelerator.design === null
      ? []
      : ["Each design has the best mappings that its own bounded search finds; prices stay the file's."]),
    `The file is ${accelerator.evidence} (${accelerator.against}); other designs than the file's are held against nothing.`,
  ];
}

/** The front as a table: `levels.` goes without saying, and the width of a terminal is better spent. */
function tableOf(columns: readonly Column[], points: readonly DesignPoint[], title: string): Table {
  return {
    title,
    columns: columns.map(({ name, rank }) => ({
      ...{ title: name.replace(/^levels\./, ''), unit: '', align: 'right', rank },
    })),
    rows: points.map((point) =>
      columns.map(({ figureOf }) => ({ text: short(figureOf(point)), value: figureOf(point) })),
    ),
  };
}

function pictureOf(
  accelerator: Accelerator,
  axes: readonly Axis[],
  { front, cost }: Exploration,
  title: string,
): FrontPicture {
  const unit = accelerator.energy?.unit;
  const scale = cost === 'energy' && unit === 'pJ' ? 1e-6 : 1;
  return {
    title,
    costLabel: cost === 'multipliers' ? 'multipliers' : unit === 'pJ' ? 'energy, uJ' : 'energy, MACs',
    points: front.map(({ values, timeNs, energy, multipliers }) => ({
      timeUs: timeNs / 1000,
      cost: (energy ?? multipliers) * scale,
      label: axes.map(({ name }, at) => `${name.replace(/^levels\./, '')} ${short(values[at]!)}`).join(', '),
    })),
  };
}

/** Prints the Pareto front, or writes it. Returns the exit code. */
export async function exploreCommand(
  name: string,
  what: string,
  args: ExploreArguments,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const file = acceleratorFile(name);
  const accelerator = acceleratorFrom(file);
  const generic = accelerator.design !== null;
  const variable = generic
    ? attributeClass(accelerator.name, attributesOf(file.text))
    : engineOf(accelerator).engine;
  if (args.vary.length === 0) {
    throw new SparsemarkError(
      'USAGE',
      `Expected --vary <parameter>=<values> at least once, received none. ${accelerator.name} has ${variable.parameters.map((parameter) => parameter.name).join(', ')}.`,
    );
  }
  const axes = args.vary.map((text) => parseAxis(text, variable));
  const layers = layersFor(what, args);
  const draw = (done: number, total: number): void => {
    const full = Math.round((barColumns * done) / total);
    output.redraw(
      `[${'='.repeat(full)}${' '.repeat(barColumns - full)}] ${Math.floor((100 * done) / total)} % of ${total.toLocaleString('en-US')} designs`,
    );
  };
  const progress = { signal, ...(output.isTerminal ? { onProgress: draw } : {}) };
  const found = generic
    ? await exploreDesign(file, layers, axes, progress)
    : await explore(accelerator, layers, axes, {
        threads: args.threads ?? availableParallelism(),
        ...progress,
      });
  if (output.isTerminal) output.redraw('');
  const columns = columnsOf(axes, accelerator);
  const title = `Designs of ${accelerator.name} that none beats in time and ${found.cost}`;
  const words = wordsOf(accelerator, layers.length, found);
  if (args.csv !== undefined) {
    const lines = [
      columns.map((column) => csvField(column.name)),
      ...found.front.map((point) => columns.map(({ figureOf }) => csvField(figureOf(point)))),
    ];
    writeText(args.csv, `${lines.map((line) => line.join(',')).join('\n')}\n`);
    output.say(`front: ${args.csv}`);
  }
  const picture = pictureOf(accelerator, axes, found, title);
  if (args.html !== undefined) {
    writeText(args.html, frontPage(picture, tableOf(columns, found.front, 'The designs'), words));
    output.say(`page: ${args.html}`);
  }
  if (args.svg !== undefined) {
    const svg = frontSvg(picture);
    if (svg === null) output.say('No chart: no design has both a time and a cost.');
    else {
      writeText(args.svg, svg);
      output.say(`chart: ${args.svg}`);
    }
  }
  if (args.json === true) {
    output.result(asJson({ accelerator: accelerator.name, axes, layers, ...found }));
    return exitCodes.ok;
  }
  const shown = found.front.slice(0, shownRows);
  if (shown.length > 0)
    output.result(
      tableText(tableOf(columns, shown, title), output.width, picocolors.createColors(output.color)),
    );
  const say = (line: string): void => output.say(wrap(line, output.lineWidth, (text) => text));
  const more = found.front.length - shown.length;
  if (more > 0) say(`${more} more: --csv <file> or --json has all of them.`);
  for (const line of words) say(line);
  return exitCodes.ok;
}
