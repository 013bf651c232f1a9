/** `sparsemark track`: the history of a suite, one line a landed commit, and the commits in which something changed. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  changesOf,
  changesText,
  type HistoryView,
  historyJson,
  historyPage,
  historyText,
} from '../report/history.ts';
import { counted } from '../report/words.ts';
import { asSparsemarkError } from '../result/file.ts';
import { appendHistory, entryOf, historyPath, readHistory, seriesOf } from '../result/history.ts';
import { readRun } from '../result/result.ts';
import { exitCodes, SparsemarkError } from '../terms.ts';
import { asJson, type Output, writeText } from './output.ts';
import { matcher } from './suite-choice.ts';

/** Where histories are, seen from the folder of a checkout. */
const defaultFolder = join('results', 'history');

export interface TrackAddArguments {
  readonly commit: string;
  readonly anchor: string;
  readonly library?: string;
  readonly history?: string;
  readonly json?: boolean;
}

export interface TrackShowArguments {
  readonly machine?: string;
  readonly filter?: string;
  readonly history?: string;
  readonly html?: string;
  readonly json?: boolean;
}

/** `track add`: one line more. Returns the exit code. */
export function trackAddCommand(path: string, args: TrackAddArguments, output: Output): number {
  const nowMs = Date.now();
  const { entry, leftOut } = entryOf(readRun(path), {
    commit: args.commit.toLowerCase(),
    anchor: args.anchor,
    library: args.library ?? 'native',
    nowMs,
  });
  const target = historyPath(args.history ?? defaultFolder, entry.suite.name, entry.machine);
  const wasThere = existsSync(target);
  const { entries, tornBytes } = appendHistory(target, entry, nowMs);
  const cells = Object.keys(entry.cells).length;
  const before = entries.at(-2);
  if (tornBytes > 0)
    output.say(`The last line was cut short (${tornBytes} bytes): it was moved to ${target}.torn.`);
  if (wasThere && entries.length === 1) {
    output.say(
      `${target} held no line: the history begins with this commit. If it had begun before, take the file from version control and add again.`,
    );
  }
  if (leftOut.length > 0) {
    output.say(
      `${leftOut.length} cells that ${entry.library.name} and ${entry.anchor.name} did not both measure were left out.`,
    );
  }
  if (before !== undefined && before.anchor.sha256 !== entry.anchor.sha256) {
    output.say('The anchor is another one than before: its series begin with this commit.');
  }
  output.result(
    args.json === true
      ? asJson({ path: target, commit: entry.commit, cells, leftOut, commits: entries.length })
      : `${target}: commit ${entry.commit.slice(0, 10)} added, ${cells} cells, ${counted(entries.length, 'commit')}.`,
  );
  return exitCodes.ok;
}

/** The history to show: of the suite and machine named, or of the only machine there is. */
function viewOf(suite: string, args: TrackShowArguments, output: Output): HistoryView {
  const folder = args.history ?? defaultFolder;
  const machine = args.machine ?? onlyMachine(folder, suite);
  const path = historyPath(folder, suite, machine);
  const history = readHistory(path, Date.now());
  if (history.tornBytes > 0) {
    output.say(`The last line of ${path} was cut short (${history.tornBytes} bytes): it is left out.`);
  }
  const { filter } = args;
  const series = seriesOf(history, filter === undefined ? undefined : matcher(filter));
  if (series.length === 0) {
    const why = filter === undefined ? 'an empty history' : `none with "${filter}"`;
    throw new SparsemarkError(
      'USAGE',
      `Expected a series in ${path}, received ${why}. ${filter === undefined ? 'Add a run: sparsemark track add.' : 'See the ids: sparsemark track show.'}`,
    );
  }
  return { suite, machine, series, commits: history.entries.length };
}

function onlyMachine(folder: string, suite: string): string {
  const place = join(folder, historyPath('', suite, 'x').replace(/[\\/]?x\.jsonl$/, ''));
  let names: string[];
  try {
    names = readdirSync(place).filter((file) => file.endsWith('.jsonl'));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw asSparsemarkError(cause, place, 'read');
    names = [];
  }
  const machines = names.map((file) => file.replace(/\.jsonl$/, '')).sort();
  if (machines.length === 1) return machines[0]!;
  if (machines.length === 0) {
    throw new SparsemarkError(
      'MISSING_FILE',
      `Expected a history of suite ${suite}, received none. Add a run: sparsemark track add <result.jsonl> --commit <hash> --anchor <name>.`,
      { file: place },
    );
  }
  throw new SparsemarkError(
    'USAGE',
    `Expected --machine where a suite has several histories, received none. Give one of ${machines.join(', ')}.`,
  );
}

/** `track show`: every series with its changes. Returns the exit code. */
export function trackShowCommand(suite: string, args: TrackShowArguments, output: Output): number {
  const view = viewOf(suite, args, output);
  if (args.html !== undefined) {
    writeText(args.html, historyPage(view));
    output.say(`wrote ${args.html}`);
    if (args.json !== true) return exitCodes.ok;
  }
  output.result(args.json === true ? historyJson(view) : historyText(view, output.width));
  return exitCodes.ok;
}

/** `track changes`: the ranges of commits in which something changed. Returns the exit code. */
export function trackChangesCommand(suite: string, args: TrackShowArguments, output: Output): number {
  const view = viewOf(suite, args, output);
  const { machine, commits } = view;
  output.result(
    args.json === true
      ? asJson({ suite, machine, commits, changes: changesOf(view.series) })
      : changesText(view),
  );
  return exitCodes.ok;
}
