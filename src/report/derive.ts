/** What follows from one Result: times, rates, baselines and speed-ups of each cell, and groups of cells over seeds. */
import {
  bootstrapMedians,
  geometricMean,
  type Interval,
  medianInterval,
  percentileInterval,
  seededRandom,
  seedOf,
} from '../statistics.ts';
import type { CacheState, Measured, Measurement, Result, WorkloadRecord } from '../terms.ts';
import { neededFlops, type Roofline, rooflineOf, storedBytes } from './roofline.ts';

/** Below this fraction of its roofline a dense baseline is weak: its speed-ups are marked and never published. */
export const weakBaseline = 0.8;

/** Above this fraction of a roofline a ceiling of it was measured too low: the fraction is marked and says nothing. */
export const impossibleFraction = 1.05;

/** The figures of one cell, or of a group of cells as geometric means over its workloads. */
export interface Figures {
  readonly medianNs: number;
  /** 95 % interval of the median; of a group: null. */
  readonly medianIntervalNs: Interval | null;
  /** 2 nnz n over the time. */
  readonly usefulGflops: number;
  /** 2 m k n over the time: what a dense kernel would have to reach. */
  readonly denseEquivalentGflops: number;
  /** Least possible time over the time; null where the machine's ceilings are unknown. */
  readonly rooflineFraction: number | null;
  readonly bytesPerNonzero: number;
  /** Encoding and preparing, from CSR to the first evaluation. */
  readonly encodeNs: number;
  /** Evaluations after which encoding has paid; Infinity where it never does, null without a baseline. */
  readonly breakEven: number | null;
  /** Time of the baseline over the time; null without a baseline. */
  readonly speedup: number | null;
  readonly speedupInterval: Interval | null;
  /** Fraction of its roofline that the baseline reaches. */
  readonly baselineStrength: number | null;
  /** Largest |error| of an element of the answer against the reference in double precision; of a group the largest. */
  readonly maxAbsError: number;
  /** Largest |error| over the permitted error of the element; of a group the largest. */
  readonly errorRatio: number;
}

/** The fastest healthy dense case of the same workload and threads. */
export interface Baseline {
  readonly kernel: string;
  readonly cell: Measured;
  readonly medianNs: number;
  readonly strength: number | null;
}

/** One measured case with what follows from it. */
export interface Cell extends Figures {
  readonly workload: WorkloadRecord;
  readonly measured: Measured;
  /** `<library>-<kernel>-<isa>`. */
  readonly kernel: string;
  readonly roofline: Roofline | null;
  readonly baseline: Baseline | null;
  readonly logSpeedup: number | null;
  /** Bootstrap replicates of ln(speed-up). */
  readonly logReplicates: Float64Array;
}

/** What stays the same along one curve of speed-up against density. */
export interface Setting {
  /** `spmm-f32-512x2048x128-hot/uniform-t1`. */
  readonly id: string;
  readonly op: string;
  readonly dtype: string;
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly cache: CacheState;
  readonly label: string;
  /** Of a sparse B; null where B is dense. */
  readonly activationDensity: number | null;
  readonly threads: number;
}

/** The cells of one kernel in one setting at one density: the mask seeds, and layers of the same shape. */
export interface Group extends Figures {
  readonly setting: Setting;
  readonly density: number;
  readonly kernel: string;
  readonly library: string;
  readonly format: string;
  readonly dense: boolean;
  readonly cells: readonly Cell[];
  /** Names of the baselines, most frequent first. */
  readonly baselines: readonly string[];
  /** Whether the samples of each cell had settled before they were taken. */
  readonly settled: boolean;
}

/** All that follows from one Result, curves and networks apart. */
export interface Derived {
  readonly result: Result;
  readonly cells: readonly Cell[];
  readonly groups: readonly Group[];
  /** Cells without a time, in the order of the file. */
  readonly troubles: readonly Exclude<Measurement, Measured>[];
}

/** Settings of `derive`. */
export interface DeriveOptions {
  /** Bootstrap replicates a cell; default 1000, fewer (at least 200) for results of many cells. */
  readonly resamples?: number;
}

/** Name of the kernel of a case: `<library>-<kernel>-<isa>`. */
export function kernelName(of: {
  readonly library: string;
  readonly kernel: string;
  readonly isa: string;
}): string {
  return `${of.library}-${of.kernel}-${of.isa}`;
}

/**
 * Is a dense kernel healthy by the run's own health gate? A kernel that the gate does not list is judged as its
 * library is: unhealthy when any of the library's listed kernels is.
 */
export function isHealthy(result: Result, measured: Measured): boolean {
  const own = result.header.health.filter((entry) => entry.library === measured.library);
  const exact = own.find((entry) => entry.kernel === measured.kernel && entry.isa === measured.isa);
  return exact?.healthy ?? own.every((entry) => entry.healthy);
}

/** Derives all cells and groups of a Result. Pure and deterministic: the same file gives the same figures. */
export function derive(result: Result, options: DeriveOptions = {}): Derived {
  const records = new Map(result.workloads.map((record) => [record.id, record]));
  const measured = result.measurements.filter((measurement) => measurement.status === 'measured');
  const resamples =
    options.resamples ?? Math.min(1000, Math.max(200, Math.floor(1e6 / Math.max(1, measured.length))));
  const replicates = new Map<string, Float64Array>();
  const logTimes = (of: Measured): Float64Array => {
    const known = replicates.get(of.id);
    if (known !== undefined) return known;
    const drawn = bootstrapMedians(of.samplesNs, of.rounds, resamples, seededRandom(seedOf(of.id))).map(
      Math.log,
    );
    replicates.set(of.id, drawn);
    return drawn;
  };
  const baselines = baselinesOf(result, measured, records);
  const cells = measured.map((of) => cellOf(result, records.get(of.workload)!, of, baselines, logTimes));
  return { result, cells, groups: groupsOf(cells), troubles: result.measurements.filter(isTrouble) };
}

function isTrouble(measurement: Measurement): measurement is Exclude<Measurement, Measured> {
  return measurement.status !== 'measured';
}

const baselineKey = (workload: string, threads: number) => `${workload} t${threads}`;

function baselinesOf(
  result: Result,
  measured: readonly Measured[],
  records: ReadonlyMap<string, WorkloadRecord>,
): Map<string, Baseline> {
  const fastest = new Map<string, Baseline>();
  for (const cell of measured) {
    if (!cell.dense || !isHealthy(result, cell)) continue;
    const key = baselineKey(cell.workload, cell.threads);
    const medianNs = medianInterval(cell.samplesNs).median;
    const known = fastest.get(key);
    if (known !== undefined && known.medianNs <= medianNs) continue;
    const roofline = rooflineOf(records.get(cell.workload)!, cell, result.header.machine);
    const strength = roofline === null ? null : roofline.floorNs / medianNs;
    fastest.set(key, { kernel: kernelName(cell), cell, medianNs, strength });
  }
  return fastest;
}

function cellOf(
  result: Result,
  workload: WorkloadRecord,
  measured: Measured,
  baselines: ReadonlyMap<string, Baseline>,
  logTimes: (of: Measured) => Float64Array,
): Cell {
  const { median: medianNs, interval, coverage } = medianInterval(measured.samplesNs);
  const roofline = rooflineOf(workload, measured, result.header.machine);
  const baseline = baselines.get(baselineKey(workload.id, measured.threads)) ?? null;
  const encodeNs = measured.encodeNs + measured.prepareNs;
  const speedup = baseline === null ? null : baseline.medianNs / medianNs;
  const own = baseline === null ? null : logTimes(measured);
  const dense = baseline === null ? null : logTimes(baseline.cell);
  // The baseline against itself is 1 without any spread.
  const logReplicates =
    own === null || dense === null
      ? new Float64Array()
      : own.map((value, r) => (own === dense ? 0 : dense[r]! - value));
  return {
    workload,
    measured,
    kernel: kernelName(measured),
    roofline,
    baseline,
    medianNs,
    medianIntervalNs: coverage === 0 ? null : interval,
    usefulGflops: neededFlops(workload, false) / medianNs,
    denseEquivalentGflops: neededFlops(workload, true) / medianNs,
    rooflineFraction: roofline === null ? null : roofline.floorNs / medianNs,
    bytesPerNonzero: workload.nnz === 0 ? Number.NaN : storedBytes(measured) / workload.nnz,
    encodeNs,
    breakEven: speedup === null ? null : breakEven(encodeNs, medianNs, speedup),
    speedup,
    speedupInterval: speedup === null ? null : expInterval(percentileInterval(logReplicates)),
    baselineStrength: baseline?.strength ?? null,
    maxAbsError: measured.check.maxAbsError,
    errorRatio: measured.check.worstRatio,
    logSpeedup: speedup === null ? null : Math.log(speedup),
    logReplicates,
  };
}

/** encode / (t_dense - t_sparse); Infinity where the case is not faster. */
function breakEven(encodeNs: number, medianNs: number, speedup: number): number {
  const savedNs = medianNs * (speedup - 1);
  return savedNs > 0 ? encodeNs / savedNs : Number.POSITIVE_INFINITY;
}

function expInterval(interval: Interval): Interval {
  return [Math.exp(interval[0]), Math.exp(interval[1])];
}

/** The setting of a workload at a number of threads. */
export function settingOf(workload: WorkloadRecord, threads: number): Setting {
  const { op, dtype, cache } = workload;
  const { m, k, n } = workload.shape;
  const { label } = workload.pattern;
  // All of a workload's id but density and seed.
  const what = workload.id.slice(0, workload.id.indexOf('/'));
  const id = `${what}/${label}-t${threads}`;
  const activationDensity = workload.activationDensity ?? null;
  return { id, op, dtype, m, k, n, cache, label, activationDensity, threads };
}

function groupsOf(cells: readonly Cell[]): Group[] {
  const groups = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = `${settingOf(cell.workload, cell.measured.threads).id} ${cell.workload.density} ${cell.kernel}`;
    const known = groups.get(key);
    if (known === undefined) groups.set(key, [cell]);
    else known.push(cell);
  }
  return [...groups.entries()].map(([key, own]) => groupOf(key, own));
}

/** The group of some cells of one kernel at one density, at least one; `key` seeds its bootstrap. */
export function groupOf(key: string, cells: readonly Cell[]): Group {
  const [first] = cells as readonly [Cell, ...Cell[]];
  const mean = (value: (cell: Cell) => number) => geometricMean(cells.map(value));
  const meanOrNull = (value: (cell: Cell) => number | null) => {
    const values = cells.map(value);
    return values.every((each) => each !== null) ? geometricMean(values) : null;
  };
  const medianNs = mean((cell) => cell.medianNs);
  const encodeNs = cells.reduce((sum, cell) => sum + cell.encodeNs, 0) / cells.length;
  const speedup = meanOrNull((cell) => cell.speedup);
  const bytes = cells.filter((cell) => cell.workload.nnz > 0).map((cell) => cell.bytesPerNonzero);
  const names = cells.flatMap((cell) => cell.baseline?.kernel ?? []);
  const often = (name: string) => names.filter((each) => each === name).length;
  return {
    setting: settingOf(first.workload, first.measured.threads),
    density: first.workload.density,
    kernel: first.kernel,
    library: first.measured.library,
    format: first.measured.format,
    dense: first.measured.dense,
    cells,
    baselines: [...new Set(names)].sort((a, b) => often(b) - often(a)),
    settled: cells.every((cell) => cell.measured.warmup.settled),
    medianNs,
    medianIntervalNs: cells.length === 1 ? first.medianIntervalNs : null,
    usefulGflops: mean((cell) => cell.usefulGflops),
    denseEquivalentGflops: mean((cell) => cell.denseEquivalentGflops),
    rooflineFraction: meanOrNull((cell) => cell.rooflineFraction),
    bytesPerNonzero: geometricMean(bytes),
    encodeNs,
    breakEven: speedup === null ? null : breakEven(encodeNs, medianNs, speedup),
    speedup,
    speedupInterval: speedup === null ? null : groupInterval(key, cells),
    baselineStrength: meanOrNull((cell) => cell.baselineStrength),
    maxAbsError: Math.max(...cells.map((cell) => cell.maxAbsError)),
    errorRatio: Math.max(...cells.map((cell) => cell.errorRatio)),
  };
}

/** Two-level bootstrap: seeds with replacement, then one replicate of each drawn seed. */
function groupInterval(key: string, cells: readonly Cell[]): Interval {
  if (cells.length === 1) return cells[0]!.speedupInterval!;
  const random = seededRandom(seedOf(key));
  const length = cells[0]!.logReplicates.length;
  const means = Float64Array.from({ length }, () => {
    let sum = 0;
    for (let s = 0; s < cells.length; s++) {
      const { logReplicates } = cells[Math.floor(random() * cells.length)]!;
      sum += logReplicates[Math.floor(random() * length)]!;
    }
    return sum / cells.length;
  });
  return expInterval(percentileInterval(means));
}
