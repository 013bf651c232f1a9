/** What layers would cost on an accelerator: one by one with all their terms, or by the million in typed arrays. */
import { type EngineClass, loadNative } from '../native.ts';
import type { Accelerator, Estimate, EstimatedLayer, EstimateMode } from '../terms/accelerator.ts';
import { SparsemarkError, type Suite, type Workload } from '../terms.ts';
import { energyOf } from './energy.ts';
import { estimateGeneric } from './generic.ts';
import { declined, layerFields, status, writeLayer } from './layer-rows.ts';
import { parametersOfLayers } from './scale-sim.ts';

export { layerFields, writeLayer } from './layer-rows.ts';

/** Numbers of an estimate's row, as `native/accelerator/batch.h` has them. */
export const estimateFields = 30;
const mostTerms = 12;

/** The engine class of an accelerator and its place in the list. */
export function engineOf(accelerator: Accelerator): { index: number; engine: EngineClass } {
  const engines = loadNative().native.describeEngines();
  const index = engines.findIndex(({ name }) => name === accelerator.engine);
  if (index < 0) {
    throw new SparsemarkError(
      'BAD_ACCELERATOR',
      `Expected an accelerator of an engine class, received ${accelerator.name} of the engine ${accelerator.engine}. It has no rows of parameters and counts no masks: use estimate(), --mode statistical.`,
    );
  }
  return { index, engine: engines[index]! };
}

/**
 * Estimates of many layers on one accelerator: a row of 30 numbers each. `into`: an array of that length to write
 * them to, since fresh memory costs more than a closed form. Throws BAD_ACCELERATOR for a layer that it declines.
 */
export function sweep(
  accelerator: Accelerator,
  layers: Float64Array,
  options: {
    readonly threads?: number;
    readonly parameters?: Float64Array;
    readonly into?: Float64Array;
    /** What an error calls them; absent: by their number. */
    readonly named?: readonly Pick<EstimatedLayer, 'name' | 'place'>[];
  } = {},
): Float64Array {
  const { index } = engineOf(accelerator);
  const count = layers.length / layerFields;
  const estimates = options.into ?? new Float64Array(count * estimateFields);
  const parameters = options.parameters ?? Float64Array.from(accelerator.parameters);
  const { native } = loadNative();
  const reason = native.estimateLayers(index, parameters, layers, estimates, options.threads ?? 1);
  // Where none was declined no row is read again, which one thread would do while the others wait.
  if (reason === '') return estimates;
  for (let i = 0; i < count; i += 1) {
    const found = estimates[i * estimateFields];
    if (found !== status.ok)
      throw declined(accelerator, found!, reason, options.named?.[i] ?? { name: `layer ${i}` });
  }
  return estimates;
}

/** A row of numbers by its names. */
export function estimateOf(
  accelerator: Accelerator,
  engine: EngineClass,
  layer: string,
  mode: EstimateMode,
  row: Float64Array,
): Estimate {
  const [, cycles, denseCycles, macs, effectualMacs, multipliers] = row;
  const named = (names: readonly string[], from: number): Record<string, number> =>
    Object.fromEntries(names.map((name, i) => [name, row[from + i]!]));
  const actions = named(engine.actions, 6 + mostTerms);
  return {
    accelerator: accelerator.name,
    layer,
    mode,
    evidence: accelerator.evidence,
    cycles: cycles!,
    timeNs: (1000 * cycles!) / accelerator.clockMhz,
    denseCycles: denseCycles!,
    macs: macs!,
    effectualMacs: effectualMacs!,
    multipliers: multipliers!,
    utilisation: cycles === 0 ? 0 : effectualMacs! / (cycles! * multipliers!),
    terms: named(engine.terms, 6),
    actions,
    energy: energyOf(accelerator, actions),
    mapping: null,
    traffic: null,
  };
}

/** Estimates of layers on one accelerator. Throws BAD_ACCELERATOR for a layer that it declines. */
export function estimate(accelerator: Accelerator, layers: readonly EstimatedLayer[]): readonly Estimate[] {
  if (accelerator.design !== null) return estimateGeneric(accelerator, layers);
  const { engine } = engineOf(accelerator);
  const rows = new Float64Array(layers.length * layerFields);
  for (const [at, layer] of layers.entries()) writeLayer(layer, rows, at);
  const parameters = parametersOfLayers(accelerator, engine, layers);
  const all = sweep(accelerator, rows, { named: layers, ...(parameters && { parameters }) });
  return layers.map((layer, at) => {
    const row = all.subarray(at * estimateFields, (at + 1) * estimateFields);
    return estimateOf(accelerator, engine, layer.name, 'statistical', row);
  });
}

const opsWithLayers = ['spmm', 'spmv', 'spmm_bias_relu', 'conv2d', 'spmspm', 'spmspv'];

/** A workload of a suite as a layer: products and conv2d are one, other ops none. */
export function layerOf(workload: Workload, activationDensity: number): EstimatedLayer | null {
  if (!opsWithLayers.includes(workload.op)) return null;
  return {
    name: workload.layer,
    shape: workload.shape,
    groups: 1,
    weightDensity: workload.density,
    activationDensity: workload.activationDensity ?? activationDensity,
    weightCorrelation: 0,
  };
}

/** Which workloads of a suite are meant, by themselves and by the names that their layers have. */
export type Wanted = (workload: Workload, name: string) => boolean;

/** The different layers of a suite at their different densities, in its order: seeds, patterns and caches are one. */
export function layersOf(
  suite: Pick<Suite, 'workloads'>,
  activationDensity: number,
  wanted: Wanted = () => true,
): readonly EstimatedLayer[] {
  const layers = new Map<string, EstimatedLayer>();
  for (const workload of suite.workloads) {
    const layer = layerOf(workload, activationDensity);
    if (layer === null || !wanted(workload, layer.name)) continue;
    const { m, k, n } = layer.shape;
    layers.set(`${layer.name} ${m} ${k} ${n} ${layer.weightDensity} ${layer.activationDensity}`, layer);
  }
  return [...layers.values()];
}

/** The different matrices of a suite, each as a layer with its pattern and seed in the name: caches are one. */
export function matricesOf(
  suite: Pick<Suite, 'workloads'>,
  activationDensity: number,
  wanted: Wanted = () => true,
): readonly { readonly layer: EstimatedLayer; readonly workload: Workload }[] {
  const found = new Map<string, { readonly layer: EstimatedLayer; readonly workload: Workload }>();
  for (const workload of suite.workloads) {
    const layer = layerOf(workload, activationDensity);
    if (layer === null) continue;
    const { m, k, n } = layer.shape;
    const name = `${layer.name} ${workload.pattern.label} s${workload.seed}`;
    if (!wanted(workload, name)) continue;
    const key = `${name} ${m} ${k} ${n} ${layer.weightDensity} ${layer.activationDensity}`;
    if (!found.has(key)) found.set(key, { layer: { ...layer, name }, workload });
  }
  return [...found.values()];
}
