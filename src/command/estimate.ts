/** `sparsemark estimate`: what a suite or a topology would cost on accelerators that are not here. */
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { acceleratorNames, loadAccelerator } from '../accelerator/accelerator.ts';
import { estimate, layersOf } from '../accelerator/estimate.ts';
import { parseTopology } from '../accelerator/topology.ts';
import {
  type Accelerator,
  type Estimate,
  type EstimatedLayer,
  exitCodes,
  SparsemarkError,
} from '../terms.ts';
import { loadSuite } from '../workload/suite.ts';
import { asJson, type Output, plainTable } from './output.ts';

export interface EstimateOptions {
  readonly accelerator?: readonly string[];
  readonly activations?: number;
  readonly density?: readonly number[];
  readonly filter?: string;
  readonly explain?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

function layersFrom(what: string, options: EstimateOptions): readonly EstimatedLayer[] {
  const activations = options.activations ?? 1;
  const layers = what.endsWith('.csv')
    ? parseTopology(read(what), basename(what), activations)
    : layersOf(loadSuite(what), activations);
  const wanted = layers.filter(
    ({ name, weightDensity }) =>
      name.includes(options.filter ?? '') && (options.density ?? [weightDensity]).includes(weightDensity),
  );
  if (wanted.length > 0) return wanted;
  throw new SparsemarkError(
    'USAGE',
    `Expected layers for ${what}, received ${layers.length === 0 ? 'a suite without products or convolutions' : 'a filter or densities that none has'}. See: sparsemark list ${what}.`,
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SparsemarkError(
      'MISSING_FILE',
      'Expected a topology, received no readable file. Check the path.',
      { file: path },
      { cause },
    );
  }
}

/** Three significant digits, without an exponent. */
function short(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

function tableOf(layers: readonly EstimatedLayer[], estimates: readonly (readonly Estimate[])[]): string {
  const rows = layers.flatMap((layer, at) => {
    const { m, k, n } = layer.shape;
    return estimates.map((all) => {
      const { accelerator, cycles, timeNs, denseCycles, utilisation, evidence } = all[at]!;
      return [
        `${layer.name} ${m}x${k}x${n}`,
        short(layer.weightDensity),
        short(layer.activationDensity),
        accelerator,
        short(cycles),
        short(timeNs / 1000),
        short(denseCycles / cycles),
        short(100 * utilisation),
        evidence,
      ];
    });
  });
  const head = ['layer', 'weights', 'inputs', 'accelerator', 'cycles', 'us', 'x dense', 'used %', 'evidence'];
  return plainTable([head, ...rows]);
}

function explanationOf(accelerator: Accelerator, estimates: readonly Estimate[]): string {
  const lines = estimates.map(({ layer, terms, actions }) => {
    const list = (named: Readonly<Record<string, number>>): string =>
      Object.entries(named)
        .map(([name, value]) => `${name} ${short(value)}`)
        .join(', ');
    return `  ${layer}\n    terms: ${list(terms)}\n    actions: ${list(actions)}`;
  });
  return [
    `${accelerator.name}: ${accelerator.title} (${accelerator.source})`,
    `  engine class ${accelerator.engine}, ${accelerator.clockMhz} MHz; dense: ${accelerator.baseline}`,
    `  ${accelerator.evidence}: ${accelerator.against}`,
    ...lines,
  ].join('\n');
}

/** Prints a table, or JSON. Accelerators with nothing to hold them against are left out unless asked for. */
export function estimateCommand(what: string, options: EstimateOptions, output: Output): number {
  const layers = layersFrom(what, options);
  const asked = (options.accelerator ?? acceleratorNames()).map(loadAccelerator);
  const named = options.accelerator !== undefined || options.all === true;
  const accelerators = asked.filter(({ evidence }) => named || evidence !== 'formula');
  const estimates = accelerators.map((accelerator) => estimate(accelerator, layers));
  if (options.json === true) {
    output.result(asJson({ accelerators, layers, estimates: estimates.flat() }));
    return exitCodes.ok;
  }
  output.result(tableOf(layers, estimates));
  if (options.explain === true) {
    for (const [at, accelerator] of accelerators.entries())
      output.result(`\n${explanationOf(accelerator, estimates[at]!)}`);
  }
  const left = asked.length - accelerators.length;
  if (left > 0)
    output.say(`${left} accelerators with formulas that nothing was held against: --all shows them.`);
  output.say(
    'Expected cycles by formula, densities uniform; "x dense" is against the baseline that --explain names.',
  );
  return exitCodes.ok;
}
