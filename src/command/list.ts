/** `sparsemark list`: what there is to measure, and with what. */
import { acceleratorNames, loadAccelerator } from '../accelerator/accelerator.ts';
import { acceleratorPage } from '../accelerator/page.ts';
import { openLibraries } from '../measure/libraries.ts';
import { describeMachineOnly } from '../measure/machine.ts';
import { SparsemarkError, type Suite } from '../terms.ts';
import { nearestName } from '../workload/nearest-name.ts';
import { ops } from '../workload/ops/index.ts';
import { patterns } from '../workload/patterns/index.ts';
import { listSuites, loadSuite } from '../workload/suite.ts';
import { listables } from './listables.ts';
import { asJson, type Output, plainTable } from './output.ts';
import { type PlanOptions, planListing } from './plans.ts';
import { acceleratorFileNamed } from './this-cpu.ts';

interface Listing {
  /** For `--json`. */
  readonly value: unknown;
  readonly text: string;
}

async function withLibraries<T>(use: (opened: Awaited<ReturnType<typeof openLibraries>>) => T): Promise<T> {
  const opened = await openLibraries({ userPaths: [], cpus: [], timeoutMs: 20_000, only: null });
  try {
    return use(opened);
  } finally {
    for (const worker of opened.workers) worker.end();
  }
}

const makers: Record<Exclude<(typeof listables)[number], 'plans'>, () => Listing | Promise<Listing>> = {
  suites: () => {
    const suites = listSuites();
    const rows = suites.map(({ name, version, description }) => [name, String(version), description]);
    return { value: suites, text: plainTable([['suite', 'version', 'what'], ...rows]) };
  },
  patterns: () => {
    const all = [...patterns.values()].map(({ name, summary }) => ({ name, summary }));
    return {
      value: all,
      text: plainTable([['pattern', 'what'], ...all.map(({ name, summary }) => [name, summary])]),
    };
  },
  ops: () => {
    const all = [...ops.values()].map(({ name, summary }) => ({ name, summary }));
    return {
      value: all,
      text: plainTable([['op', 'what'], ...all.map(({ name, summary }) => [name, summary])]),
    };
  },
  accelerators: () => {
    const all = acceleratorNames().map(loadAccelerator);
    const rows = all.map(({ name, evidence, title, source }) => [name, evidence, title, source]);
    return { value: all, text: plainTable([['accelerator', 'evidence', 'what', 'source'], ...rows]) };
  },
  formats: () =>
    withLibraries(({ workers }) => {
      const value = workers.map(({ library }) => ({ library: library.name, formats: library.formats }));
      const rows = value.flatMap(({ library, formats }) => formats.map((format) => [library, format]));
      return { value, text: plainTable([['library', 'format'], ...rows]) };
    }),
  kernels: () =>
    withLibraries(({ workers }) => {
      const value = workers.flatMap(({ library }) =>
        library.kernels.map((kernel) => ({ library: library.name, ...kernel })),
      );
      const rows = value.map(({ library, op, name, format, isa, maxThreads, dense }) => [
        library,
        op,
        name,
        format,
        isa,
        maxThreads === 0 ? 'any' : String(maxThreads),
        dense ? 'dense' : 'sparse',
      ]);
      const head = ['library', 'op', 'kernel', 'format', 'isa', 'threads', 'kind'];
      return { value, text: plainTable([head, ...rows]) };
    }),
  backends: () =>
    withLibraries(({ workers, absent }) => {
      const present = workers.map(({ library: { name, version, config, sha256 } }) => ({
        name,
        version,
        config,
        sha256,
      }));
      const rows = present.map(({ name, version, config }) => [name, version, config]);
      const missing = absent.map(({ name, reason }) => [name, '-', `not there: ${reason}`]);
      return {
        value: { present, absent },
        text: plainTable([['library', 'version', 'configuration'], ...rows, ...missing]),
      };
    }),
  machine: () => {
    const { ceilings: _, ...machine } = describeMachineOnly();
    const shown = {
      ...machine,
      cpuFlags: machine.cpuFlags.join(' '),
      isa: machine.isa.join(' '),
      caches: JSON.stringify(machine.caches),
    };
    return {
      value: machine,
      text: plainTable(Object.entries(shown).map(([name, value]) => [name, String(value)])),
    };
  },
};

function suiteListing(suite: Suite): Listing {
  const head = `${suite.name} ${suite.version}${suite.released ? '' : ' (not released)'}: ${suite.workloads.length} workloads, digest ${suite.digest}`;
  return { value: suite, text: [head, ...suite.workloads.map(({ id }) => id)].join('\n') };
}

/**
 * Lists one thing, or with `suite <name>` a suite's workloads, with `accelerator <name>` its page, with `plans <format>`
 * its plans; without a word, what can be listed.
 */
export async function listCommand(
  what: string | undefined,
  name: string | undefined,
  options: { readonly json?: boolean } & PlanOptions,
  output: Output,
): Promise<number> {
  if (what === undefined) {
    const names = listSuites().map(({ name }) => name);
    output.result(
      options.json === true
        ? asJson({ listables, suites: names })
        : `sparsemark list <${listables.join(' | ')}>\nsparsemark list suite <${names.join(' | ')}>`,
    );
    return 0;
  }
  const known = listables.find((listable) => listable === what);
  const { json: _, ...ofPlans } = options;
  if (known !== 'plans' && Object.keys(ofPlans).length > 0) {
    throw new SparsemarkError(
      'USAGE',
      `Expected --${Object.keys(ofPlans)[0]} only for list plans, received it for list ${what}. Leave it out.`,
    );
  }
  let listing: Listing;
  if (what === 'suite' && name !== undefined) {
    listing = suiteListing(loadSuite(name));
  } else if (['accelerator', 'accelerators'].includes(what) && name !== undefined) {
    const { markdown, ...page } = acceleratorPage(acceleratorFileNamed(name));
    listing = { value: page, text: markdown };
  } else if (known === 'plans') {
    listing = planListing(name ?? null, ofPlans, output.width);
  } else if (known !== undefined) {
    listing = await makers[known]();
  } else {
    const names = [...listables, ...listSuites().map(({ name }) => name)];
    if (!names.includes(what) && !/[./]/.test(what)) {
      throw new SparsemarkError(
        'USAGE',
        `Expected one of ${names.join(', ')} for list, received "${what}". Did you mean "${nearestName(what, names)}"?`,
      );
    }
    listing = suiteListing(loadSuite(what));
  }
  output.result(options.json === true ? asJson(listing.value) : listing.text);
  return 0;
}
