/** What the accelerators say of the layers that a command line means. */
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { count, estimateBoth, withDensitiesOf } from '../accelerator/count.ts';
import { estimate, layersOf, matricesOf } from '../accelerator/estimate.ts';
import { masksOf, readMask } from '../accelerator/masks.ts';
import { countSample } from '../accelerator/sampling.ts';
import { isProblem, parseProblem } from '../accelerator/timeloop.ts';
import { parseTopology } from '../accelerator/topology.ts';
import type { Accelerator, Difference, Estimate, EstimatedLayer } from '../terms/accelerator.ts';
import { SparsemarkError, type Suite, type Workload } from '../terms.ts';
import { loadSuite } from '../workload/suite.ts';
import { matcher } from './suite-choice.ts';

/** Which layers, and how. */
export interface LayerOptions {
  readonly activations?: number;
  readonly mode?: 'statistical' | 'actual' | 'both' | 'sampled';
  /** Of the blocks of a layer that are counted in mode sampled; default 0.1. */
  readonly sample?: number;
  readonly activationMask?: string;
  readonly density?: readonly number[];
  /** What a layer's name contains, or the id of a workload that asks for it; `*` stands for any text. */
  readonly filter?: string;
}

/** The part of a suite that the filter leaves, by the ids of its workloads and by the names of their layers. */
function filtered(
  name: string,
  { filter }: LayerOptions,
  nameOf: (of: Pick<Suite, 'workloads'>) => string | undefined,
): Pick<Suite, 'workloads'> {
  const { workloads } = loadSuite(name);
  if (filter === undefined) return { workloads };
  const matches = matcher(filter);
  return {
    workloads: workloads.filter(
      (workload) => matches(workload.id) || matches(nameOf({ workloads: [workload] }) ?? ''),
    ),
  };
}

function wantedOf<T extends { readonly layer: EstimatedLayer }>(
  what: string,
  all: readonly T[],
  options: LayerOptions,
): readonly T[] {
  const wanted = all.filter(({ layer: { weightDensity } }) =>
    (options.density ?? [weightDensity]).includes(weightDensity),
  );
  if (wanted.length > 0) return wanted;
  throw new SparsemarkError(
    'USAGE',
    `Expected layers for ${what}, received ${options.filter === undefined && options.density === undefined ? 'a suite without products or convolutions' : 'a filter or densities that none has'}. See: sparsemark list ${what}.`,
  );
}

/** Whether it is a file of layers, a topology or a Timeloop problem, instead of a suite. */
export function isLayerFile(what: string): boolean {
  return what.endsWith('.csv') || (/\.ya?ml$/.test(what) && existsSync(what) && isProblem(read(what)));
}

/** A layer with what the accelerators say of it. */
export interface Estimated {
  readonly layer: EstimatedLayer;
  /** Whose masks were counted; null where none were. */
  readonly workload: Workload | null;
  readonly answers: readonly { readonly estimates: readonly Estimate[]; readonly difference?: Difference }[];
}

/** The layers of a suite, a topology or a problem that the options leave. Throws USAGE where none is meant. */
export function layersFor(what: string, options: LayerOptions): readonly EstimatedLayer[] {
  const activations = options.activations ?? 1;
  const named = options.filter === undefined ? () => true : matcher(options.filter);
  const all = what.endsWith('.csv')
    ? parseTopology(read(what), basename(what), activations).filter(({ name }) => named(name))
    : isLayerFile(what)
      ? parseProblem(read(what), what, activations).filter(({ name }) => named(name))
      : layersOf(
          filtered(what, options, (of) => layersOf(of, activations)[0]?.name),
          activations,
        );
  return wantedOf(
    what,
    all.map((layer) => ({ layer })),
    options,
  ).map(({ layer }) => layer);
}

/** From densities alone. Throws USAGE where no layer is meant, BAD_ACCELERATOR for one that is declined. */
export function statistically(
  what: string,
  options: LayerOptions,
  accelerators: readonly Accelerator[],
): readonly Estimated[] {
  const layers = layersFor(what, options);
  const estimates = accelerators.map((accelerator) => estimate(accelerator, layers));
  return layers.map((layer, at) => ({
    layer,
    workload: null,
    answers: estimates.map((ofOne) => ({ estimates: [ofOne[at]!] })),
  }));
}

/** Counts each matrix of a suite, made or read one after the other. Throws as `statistically` does, BAD_MATRIX for masks. */
export function actually(
  what: string,
  options: LayerOptions,
  accelerators: readonly Accelerator[],
): readonly Estimated[] {
  if (isLayerFile(what)) {
    throw new SparsemarkError(
      'USAGE',
      `Expected a suite for --mode ${options.mode}, received ${basename(what)}, which has no masks. Use --mode statistical.`,
    );
  }
  const { activations = 1, activationMask } = options;
  const suite = filtered(what, options, (of) => matricesOf(of, activations)[0]?.layer.name);
  const matrices = wantedOf(what, matricesOf(suite, activations), options);
  const given = activationMask === undefined ? null : readMask(activationMask);
  return matrices.map(({ layer, workload }) => {
    if (workload.activationDensity === undefined && given === null && activations !== 1) {
      throw new SparsemarkError(
        'USAGE',
        `Expected a mask for the activations of ${layer.name}, received a density of ${activations}. Give --activation-mask, leave --activations out for activations without zeros, or use --mode statistical.`,
      );
    }
    const masks = masksOf(workload, { activations: given });
    const answers = accelerators.map((accelerator) => {
      if (options.mode === 'sampled') {
        const sampling = { share: options.sample ?? 0.1, seed: workload.seed };
        return { estimates: [countSample(accelerator, layer, masks, sampling)] };
      }
      if (options.mode === 'actual') return { estimates: [count(accelerator, layer, masks)] };
      const { statistical, actual, difference } = estimateBoth(accelerator, layer, masks);
      return { estimates: [statistical, actual], difference };
    });
    return { layer: withDensitiesOf(layer, masks), workload, answers };
  });
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
