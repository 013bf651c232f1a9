/** What the accelerators say of the layers that a command line means. */
import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { count, estimateBoth, withDensitiesOf } from '../accelerator/count.ts';
import { estimate, layersOf, matricesOf } from '../accelerator/estimate.ts';
import { checkMasks, masksOf, readMask } from '../accelerator/masks.ts';
import { countSample } from '../accelerator/sampling.ts';
import { isProblem, parseProblem } from '../accelerator/timeloop.ts';
import { parseTopology } from '../accelerator/topology.ts';
import type { Accelerator, Difference, Estimate, EstimatedLayer, LayerMasks } from '../terms/accelerator.ts';
import { SparsemarkError, type Workload } from '../terms.ts';
import { loadSuite } from '../workload/suite.ts';
import { readText } from '../workload/text-file.ts';
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

/** Those that filter and densities leave. `find`: the layers whose workload or name is meant. Throws USAGE for none. */
function wantedOf<T extends { readonly layer: EstimatedLayer }>(
  what: string,
  { filter, density }: LayerOptions,
  find: (wanted: (id: string, name: string) => boolean) => readonly T[],
): readonly T[] {
  const matches = filter === undefined ? () => true : matcher(filter);
  const found = find((id, name) => matches(id) || matches(name));
  const wanted = found.filter(({ layer }) => density === undefined || density.includes(layer.weightDensity));
  if (wanted.length > 0) return wanted;
  const received = (): string => {
    if (found.length > 0) {
      const there = [...new Set(found.map(({ layer }) => layer.weightDensity))].sort((a, b) => a - b);
      return `density ${density!.join(', ')}, which none has: there are ${there.join(', ')}`;
    }
    return filter === undefined || find(() => true).length === 0
      ? 'a suite without products or convolutions'
      : `the filter ${JSON.stringify(filter)}, which is in no name and no id of a workload`;
  };
  const see = isLayerFile(what) ? 'The file names its layers.' : `See: sparsemark list suite ${what}.`;
  throw new SparsemarkError('USAGE', `Expected layers for ${what}, received ${received()}. ${see}`);
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
  const layers = what.endsWith('.csv')
    ? parseTopology(read(what), basename(what), activations)
    : isLayerFile(what)
      ? parseProblem(read(what), what, activations)
      : null;
  const suite = layers === null ? loadSuite(what) : null;
  const found = wantedOf(what, options, (wanted) =>
    (
      layers?.filter(({ name }) => wanted(name, name)) ??
      layersOf(suite!, activations, ({ id }, name) => wanted(id, name))
    ).map((layer) => ({ layer })),
  );
  return found.map(({ layer }) => layer);
}

/** Throws USAGE for options that the mode has no use for: left unread they would look as if they counted. */
function refuseUnused({ mode = 'statistical', activationMask, sample }: LayerOptions): void {
  const refuse = (option: string, modes: string): never => {
    throw new SparsemarkError(
      'USAGE',
      `Expected --mode ${modes} for ${option}, received ${mode}. Ask for the mode, or leave ${option} out.`,
    );
  };
  if (activationMask !== undefined && mode === 'statistical')
    refuse('--activation-mask', 'actual, both or sampled');
  if (sample !== undefined && mode !== 'sampled') refuse('--sample', 'sampled');
}

/** From densities alone. Throws USAGE where no layer is meant, BAD_ACCELERATOR for one that is declined. */
export function statistically(
  what: string,
  options: LayerOptions,
  accelerators: readonly Accelerator[],
): readonly Estimated[] {
  refuseUnused(options);
  const layers = layersFor(what, options);
  const estimates = accelerators.map((accelerator) => estimate(accelerator, layers));
  return layers.map((layer, at) => ({
    layer,
    workload: null,
    answers: estimates.map((ofOne) => ({ estimates: [ofOne[at]!] })),
  }));
}

/** How a long count is watched and ended. */
export interface CountProgress {
  readonly signal?: AbortSignal;
  readonly onLayer?: (index: number, total: number, name: string) => void;
}

/**
 * Counts each matrix of a suite, made or read one after the other. Throws as `statistically` does, BAD_MATRIX for masks,
 * INTERRUPTED when the signal fires.
 */
export async function actually(
  what: string,
  options: LayerOptions,
  accelerators: readonly Accelerator[],
  { signal, onLayer }: CountProgress = {},
): Promise<readonly Estimated[]> {
  if (isLayerFile(what)) {
    throw new SparsemarkError(
      'USAGE',
      `Expected a suite for --mode ${options.mode}, received ${basename(what)}, which has no masks. Use --mode statistical.`,
    );
  }
  refuseUnused(options);
  const { activations = 1, activationMask } = options;
  const suite = loadSuite(what);
  const matrices = wantedOf(what, options, (wanted) =>
    matricesOf(suite, activations, ({ id }, name) => wanted(id, name)),
  );
  const given = activationMask === undefined ? null : readMask(activationMask);
  const found: Estimated[] = [];
  for (const [index, { layer, workload }] of matrices.entries()) {
    onLayer?.(index, matrices.length, layer.name);
    if (workload.activationDensity === undefined && given === null && activations !== 1) {
      throw new SparsemarkError(
        'USAGE',
        `Expected a mask for the activations of ${layer.name}, received a density of ${activations}. Give --activation-mask, leave --activations out for activations without zeros, or use --mode statistical.`,
      );
    }
    const masks = masksOf(workload, { activations: given });
    checkMasks(layer, masks, activationMask);
    const answers: Estimated['answers'][number][] = [];
    for (const accelerator of accelerators) {
      // A signal is heard between two counts.
      await setImmediate();
      if (signal?.aborted)
        throw new SparsemarkError('INTERRUPTED', 'The estimate was interrupted; nothing was written.');
      answers.push(answerOf(accelerator, layer, masks, options, workload.seed));
    }
    found.push({ layer: withDensitiesOf(layer, masks), workload, answers });
  }
  return found;
}

function answerOf(
  accelerator: Accelerator,
  layer: EstimatedLayer,
  masks: LayerMasks,
  { mode, sample = 0.1 }: LayerOptions,
  seed: number,
): Estimated['answers'][number] {
  if (mode === 'sampled')
    return { estimates: [countSample(accelerator, layer, masks, { share: sample, seed })] };
  if (mode === 'actual') return { estimates: [count(accelerator, layer, masks)] };
  const { statistical, actual, difference } = estimateBoth(accelerator, layer, masks);
  return { estimates: [statistical, actual], difference };
}

function read(path: string): string {
  return readText(path, { what: 'a file of layers', code: 'BAD_SUITE' });
}
