/** Estimates as a result file has them. */
import type {
  Accelerator,
  Difference,
  Estimate,
  EstimatedLayer,
  LevelTraffic,
} from '../terms/accelerator.ts';
import type { AcceleratorRecord, EstimateRecord, LevelRate } from '../terms/estimates.ts';
import type { Workload } from '../terms.ts';
import { levelOf } from './design.ts';
import { engineOf } from './estimate.ts';
import { formulaOf } from './formula.ts';

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
    formula: formulaOf(accelerator).lines,
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

/** What a generic design's ports move, gated accesses included since they take their time. */
function designRates(accelerator: Accelerator, traffic: readonly LevelTraffic[]): readonly LevelRate[] {
  const design = accelerator.design!;
  let instances = 1;
  return traffic.flatMap(({ level, spaces }, at) => {
    const { readBandwidth, writeBandwidth, sharedBandwidth, below, valueBits } = levelOf(design, at);
    let [readBits, writeBits] = [0, 0];
    for (const of of spaces) {
      const bits = valueBits(of.space);
      readBits += (of.reads + of.gatedReads) * bits + of.metadataReadBits;
      writeBits += (of.writes + of.gatedWrites) * bits + of.metadataWriteBits;
    }
    // Bits a cycle of one instance as bytes a second of all.
    const scale = (instances * accelerator.clockMhz * 1e6) / 8;
    instances *= below;
    const ports = [
      { name: level, bits: readBits + writeBits, bandwidth: sharedBandwidth },
      { name: `${level}.read`, bits: readBits, bandwidth: readBandwidth },
      { name: `${level}.write`, bits: writeBits, bandwidth: writeBandwidth },
    ];
    return ports
      .filter(({ bandwidth }) => bandwidth > 0)
      .map(({ name, bits, bandwidth }) => ({
        ...{ level: name, bytes: bits / 8, bytesPerSecond: bandwidth * scale },
      }));
  });
}

function ratesOf(accelerator: Accelerator, { actions, traffic }: Estimate): readonly LevelRate[] {
  if (accelerator.design !== null) return traffic === null ? [] : designRates(accelerator, traffic);
  const known = bandwidths[accelerator.engine] ?? [];
  const parameters = parametersOf(accelerator);
  return known.map(({ level, parameter, scale, action }) => ({
    ...{ level, bytes: actions[action]!, bytesPerSecond: parameters[parameter]! * scale },
  }));
}

/** An estimate's record. `workload`: of the mask that was counted; null in statistical mode. */
export function estimateRecord(
  accelerator: Accelerator,
  { place: _, ...layer }: EstimatedLayer,
  workload: Pick<Workload, 'layer' | 'pattern' | 'seed'> | null,
  estimate: Estimate,
  difference?: Difference,
): EstimateRecord {
  const {
    mode,
    cycles,
    denseCycles,
    macs,
    effectualMacs,
    multipliers,
    terms,
    actions,
    energy,
    mapping,
    sample,
  } = estimate;
  return {
    accelerator: accelerator.name,
    layer: workload === null ? layer : { ...layer, name: workload.layer },
    ...{ mode, pattern: workload?.pattern.label ?? null, seed: workload?.seed ?? null },
    ...{ cycles, denseCycles, macs, effectualMacs, multipliers, terms, actions, energy, mapping },
    rates: ratesOf(accelerator, estimate),
    ...(estimate.traffic !== null && { traffic: estimate.traffic }),
    ...(difference !== undefined && mode === 'actual' && { difference }),
    ...(sample !== undefined && { sample }),
  };
}
