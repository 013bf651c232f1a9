/** Which workloads a command measures: a suite, a suite file, or a folder of matrices, narrowed down. */
import { existsSync, statSync } from 'node:fs';
import { type CacheState, SparsemarkError, type Suite, type Workload } from '../terms.ts';
import { workloadsFromFolder } from '../workload/folder.ts';
import { loadSuite } from '../workload/suite.ts';

/** The arguments that narrow a suite down. */
export interface SuiteChoice {
  readonly filter?: string;
  readonly density?: readonly number[];
  readonly cache?: readonly CacheState[];
  readonly n?: readonly number[];
}

/** A suite by name or path; a folder or file of matrices becomes one. */
export function suiteOf(name: string, args: SuiteChoice): Suite {
  const isMatrix = /\.s?mtx$/.test(name);
  if (existsSync(name) && (isMatrix || statSync(name).isDirectory())) {
    return workloadsFromFolder(name, {
      n: args.n ?? [128],
      ...(args.cache === undefined ? {} : { cache: args.cache }),
    });
  }
  if (args.n !== undefined) {
    throw new SparsemarkError(
      'USAGE',
      `Expected --n only with a folder of matrices, received the suite ${name}. Leave it out.`,
    );
  }
  return loadSuite(name);
}

/** Text with `*` for any run of characters; matched anywhere in an id. */
export function matcher(pattern: string): (id: string) => boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(escaped.join('.*'));
  return (id) => expression.test(id);
}

/**
 * The workloads that --filter, --density and --cache leave, the first seed of each before the second of any: a run that
 * its budget ends has then asked every question, with fewer masks, instead of half of them. Throws USAGE where none is
 * left.
 */
export function narrowed(suite: Suite, args: SuiteChoice): readonly Workload[] {
  const matches = args.filter === undefined ? () => true : matcher(args.filter);
  const chosen = suite.workloads.filter(
    (workload) =>
      matches(workload.id) &&
      (args.density === undefined || args.density.includes(workload.density)) &&
      (args.cache === undefined || args.cache.includes(workload.cache)),
  );
  if (chosen.length === 0) {
    throw new SparsemarkError(
      'USAGE',
      `Expected --filter, --density and --cache to leave a workload of suite ${suite.name}, received none of ${suite.workloads.length}. See: sparsemark list ${suite.name}.`,
    );
  }
  return [...chosen].sort((a, b) => a.seed - b.seed);
}

/** What left out workloads of the suite, for the result to say; null: nothing. */
export function filterText(args: SuiteChoice): string | null {
  const parts = [
    ...(args.filter === undefined ? [] : [args.filter]),
    ...(args.density === undefined ? [] : [`density ${args.density.join(',')}`]),
    ...(args.cache === undefined ? [] : [`cache ${args.cache.join(',')}`]),
  ];
  return parts.length === 0 ? null : parts.join(' ');
}
