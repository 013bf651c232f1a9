/** What a result file holds of the cost model: accelerators, and what each layer would cost on them. Nothing derived. */
import type {
  CountedSample,
  Difference,
  EnergyEstimate,
  EstimatedLayer,
  EstimateMode,
  Evidence,
  FormulaLine,
  LevelTraffic,
  Mapping,
} from './accelerator.ts';

/** An accelerator as a result file names it. */
export interface AcceleratorRecord {
  readonly name: string;
  readonly title: string;
  readonly source: string;
  readonly engine: string;
  readonly clockMhz: number;
  /** By name, in the units of the engine class. */
  readonly parameters: Readonly<Record<string, number>>;
  /** Energy table that its actions are priced by; null where none is known. */
  readonly energyTable: string | null;
  readonly evidence: Evidence;
  /** What it was held against, with the error. */
  readonly against: string;
  /** Of what hardware `denseCycles` are. */
  readonly baseline: string;
  /** Of its cycles and terms. Absent in files of version 0.1.0 and before. */
  readonly formula?: readonly FormulaLine[];
}

/** Bytes that a layer moves at a level, and how many a second the level can move. */
export interface LevelRate {
  readonly level: string;
  readonly bytes: number;
  readonly bytesPerSecond: number;
}

/** What a layer would cost on an accelerator. Time, speed-up and utilisation are derived. */
export interface EstimateRecord {
  /** Name of an AcceleratorRecord. */
  readonly accelerator: string;
  /** Where a file named it is left out: the header names the file. */
  readonly layer: Omit<EstimatedLayer, 'place'>;
  readonly mode: EstimateMode;
  /** Label of the pattern and seed of the mask that was counted, or whose densities it has; null from densities alone. */
  readonly pattern: string | null;
  readonly seed: number | null;
  readonly cycles: number;
  /** Cycles of the baseline on the same layer without zeros. */
  readonly denseCycles: number;
  readonly macs: number;
  readonly effectualMacs: number;
  readonly multipliers: number;
  readonly terms: Readonly<Record<string, number>>;
  readonly actions: Readonly<Record<string, number>>;
  /** null where no table prices the accelerator's actions. */
  readonly energy: EnergyEstimate | null;
  /** Of a generic design; null for an engine class. */
  readonly mapping: Mapping | null;
  /** Levels whose bandwidth is known; empty for an accelerator without. */
  readonly rates: readonly LevelRate[];
  /** Of a generic design: what passes each level. Absent for an engine class, whose formula counts actions alone. */
  readonly traffic?: readonly LevelTraffic[];
  /** Of a counted estimate in mode both: how far its statistics were off. Absent in all others. */
  readonly difference?: Difference;
  /** Of a counted estimate of which a part was counted. */
  readonly sample?: CountedSample;
}

/** The estimates of a result file; one that was measured has neither list. */
export interface Estimates {
  readonly accelerators: readonly AcceleratorRecord[];
  readonly estimates: readonly EstimateRecord[];
}
