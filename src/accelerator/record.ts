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

/** A level whose bandwidth an engine class knows: its parameter, in so many bytes a second, and the action that counts bytes. */
interface KnownRate {
  readonly level: string;
  readonly parameter: string;
  readonly scale: number;
  readonly action: string;
}

/** Engine classes that know bandwidths. */
const bandwidths: Readonly<Record<string, readonly KnownRate[]>> = {
  'refined-roofline': [{ level: 'memory', parameter: 'bytesPerSecond', scale: 1, action: 'byte' }],
  'measured-cpu': [
    { level: 'L1', parameter: 'l1GBs', scale: 1e9, action: 'l1Byte' },
    { level: 'L2', parameter: 'l2GBs', scale: 1e9, action: 'l2Byte' },
    { level: 'L3', parameter: 'l3GBs', scale: 1e9, action: 'l3Byte' },
    { level: 'DRAM', parameter: 'dramGBs', scale: 1e9, action: 'dramByte' },
  ],
};

function ratesOf(accelerator: Accelerator, { actions }: Estimate): readonly LevelRate[] {
  const known = bandwidths[accelerator.engine] ?? [];
  const parameters = parametersOf(accelerator);
  return known.map(({ level, parameter, scale, action }) => ({
    ...{ level, bytes: actions[action]!, bytesPerSecond: parameters[parameter]! * scale },
  }));
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
