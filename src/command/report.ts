/** `sparsemark report`: one result file or several, shown again in any form. */
import { join } from 'node:path';
import { readResult } from '../result/result.ts';
import { exitCodes } from '../terms.ts';
import { type Output, writeText } from './output.ts';
import { showAny } from './show.ts';

export interface ReportArguments {
  /** Name of the report; default terminal. */
  readonly as?: string;
  /** File, or folder for a report of several files; standard output where none is given. */
  readonly out?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** Reads, derives, renders, writes. Returns the exit code. */
export function reportCommand(paths: readonly string[], args: ReportArguments, output: Output): number {
  const results = paths.map((path) => readResult(path));
  const name = args.json === true ? 'json' : (args.as ?? 'terminal');
  const options =
    name === 'terminal' && args.out === undefined ? { width: output.width, color: output.color } : {};
  const shown = showAny(name, results, { ...options, all: args.all === true });
  if (typeof shown === 'string') {
    if (args.out === undefined) {
      output.result(shown);
    } else {
      writeText(args.out, shown);
      output.say(`wrote ${args.out}`);
    }
    return exitCodes.ok;
  }
  const folder = args.out ?? '.';
  for (const file of shown) {
    writeText(join(folder, file.name), file.text);
    output.say(`wrote ${join(folder, file.name)}`);
  }
  return exitCodes.ok;
}
