/** Estimates as a result file has them. */
import type { Accelerator, Difference, Estimate, EstimatedLayer } from '../terms/accelerator.ts';
import type { AcceleratorRecord, EstimateRecord, LevelRate } from '../terms/estimates.ts';
import type { Workload } from '../terms.ts';
import { engineOf } from './estimate.ts';

/** The parameters of an accelerator by their names; none of a generic design, which its file describes. */
export function parametersOf(accelerator: Accelerator): Readonly<Record<string, number>> {
  if (accelerator.design !== null) return {};
  const { engine } = engineOf(accelerator);
  return Object.fromEntries(engine.parameters.map(({ name }, at) => [name, accelerator.parameters[at]!]));
}

/** An accelerator's record. */
export function acceleratorRecord(accelerator: Accelerator): AcceleratorRecord {
  const { name, title, source, engine, clockMhz, energy, evidence, against, baseline } = accelerator;
  return {
    ...{ name, title, source, engine, clockMhz, parameters: parametersOf(accelerator) },
    ...{ energyTable: energy?.table ?? null, evidence, against, baseline },
  };
}

/** Engine classes that know a bandwidth: its parameter, and the action that counts bytes. */
const bandwidths: Readonly<Record<string, { level: string; parameter: string; action: string }>> = {
  'refined-roofline': { level: 'memory', parameter: 'bytesPerSecond', action: 'byte' },
};

function ratesOf(accelerator: Accelerator, { actions }: Estimate): readonly LevelRate[] {
  const known = bandwidths[accelerator.engine];
  if (known === undefined) return [];
  const bytesPerSecond = parametersOf(accelerator)[known.parameter]!;
  return [{ level: known.level, bytes: actions[known.action]!, bytesPerSecond }];
}

/** An estimate's record. `workload`: of the mask that was counted; null in statistical mode. */
export function estimateRecord(
  accelerator: Accelerator,
  layer: EstimatedLayer,
  workload: Pick<Workload, 'layer' | 'pattern' | 'seed'> | null,
  estimate: Estimate,
  difference?: Difference,
): EstimateRecord {
  const { mode, cycles, denseCycles, macs, effectualMacs, multipliers, terms, actions, energy, mapping } =
    estimate;
  return {
    accelerator: accelerator.name,
    layer: workload === null ? layer : { ...layer, name: workload.layer },
    ...{ mode, pattern: workload?.pattern.label ?? null, seed: workload?.seed ?? null },
    ...{ cycles, denseCycles, macs, effectualMacs, multipliers, terms, actions, energy, mapping },
    rates: ratesOf(accelerator, estimate),
    ...(difference !== undefined && mode === 'actual' && { difference }),
  };
}
