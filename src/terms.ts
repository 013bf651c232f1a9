/**
 * The dictionary: every core noun of sparsemark, one meaning each. Imports nothing.
 *
 * Conventions: m k n are the sizes of C[m x n] = A[m x k] B[k x n]; A is the sparse operand (weights), B and
 * C are row-major. *density* = nnz / (rows * cols). Names end in their unit. An *evaluation* is one kernel
 * call; a *sample* is one timing of `evaluationsPerSample` evaluations, given as nanoseconds an evaluation.
 */

/**
 * Type of the operands: `f32`; `bf16`, bfloat16 weights with all else in f32; `f16`, all in float16; `int8`, weights
 * -127..127 and activations uint8 with an exact int32 output. The table stands in `native/sparsemark.h`.
 */
export type Dtype = 'f32' | 'bf16' | 'f16' | 'int8';

/** Name of an op, an entry of `workload/ops/index.ts`. */
export type OpName = string;

/** Sizes of one product: A is m x k, B is k x n, C is m x n. spmv has n = 1; other ops say what n is of them. */
export interface Shape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Of conv2d alone. */
  readonly conv?: Conv;
}

/**
 * A convolution: input batch x channels x height x width, output batch x m x outHeight x outWidth, both NCHW. A has
 * m filters and k = channels * kernelHeight * kernelWidth columns in that order; n = batch * outHeight * outWidth.
 */
export interface Conv {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly stride: number;
  readonly padding: number;
  readonly outHeight: number;
  readonly outWidth: number;
}

/** `hot`: the same operands again; `cold`: the weights rotate through copies that exceed the last private cache. */
export type CacheState = 'hot' | 'cold';

/** A sparse matrix in canonical compressed sparse rows: columns ascending within a row, no duplicates. */
export interface Csr {
  readonly rows: number;
  readonly cols: number;
  /** Length rows + 1, first 0, last nnz. */
  readonly rowOffsets: Int32Array;
  /** Length nnz. */
  readonly colIndices: Int32Array;
  /** Length nnz. A stored zero is a nonzero. */
  readonly values: Float32Array;
}

/** Value of a pattern's parameter. */
export type ParameterValue = string | number | boolean;

/** Where the nonzeros are: a seeded generator of `workload/patterns/` with its parameters. */
export interface PatternSpec {
  /** Name of the generator: `uniform`, `block`, `file`, ... */
  readonly name: string;
  /** Parameters beyond density and seed, e.g. `{ rows: 4, cols: 4 }`. */
  readonly parameters: Readonly<Record<string, ParameterValue>>;
  /** How the pattern is written in an id, e.g. `uniform`, `block-4x4`, `nm-2:4`. */
  readonly label: string;
}

/** A question: which product on which matrix. Says nothing of storage. */
export interface Workload {
  /** `spmm-f32-512x2048x128-hot/uniform-d0.10-s1`: what, in which cache state / where the nonzeros are. */
  readonly id: string;
  readonly op: OpName;
  readonly dtype: Dtype;
  readonly shape: Shape;
  readonly cache: CacheState;
  readonly pattern: PatternSpec;
  /** The density asked for. The achieved one is the Problem's. */
  readonly density: number;
  /** Share of nonzeros in a sparse B, for ops that have one. */
  readonly activationDensity?: number;
  readonly seed: number;
  /** Name of the layer or shape as the suite gives it, e.g. `rn50-256x2304`. */
  readonly layer: string;
  /** How often this layer occurs in its network; 1 if unknown. */
  readonly count: number;
}

/** A versioned list of workloads and the formats to measure them in. */
export interface Suite {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** Is the suite frozen? A released suite never changes; an edit is a new version. */
  readonly released: boolean;
  /** Hex SHA-256 over the workload ids and formats, in their order. */
  readonly digest: string;
  readonly workloads: readonly Workload[];
  /** Formats to measure, by pattern label; `*` stands for all others. */
  readonly formats: Readonly<Record<string, readonly string[]>>;
  /** Whether extra densities are measured inside each crossover's bracket. */
  readonly refine: boolean;
}

/** Spread of the nonzeros over rows and columns: coefficient of variation = standard deviation / mean. */
export interface NonzeroStatistics {
  readonly rowCv: number;
  readonly colCv: number;
  readonly maxRowNonzeros: number;
  readonly emptyRows: number;
}

/** Elements of a dense operand: float32, float16 bits, or uint8. */
export type OperandArray = Float32Array | Uint16Array | Uint8Array;

/** What an op multiplies A with; each op says which of these it reads and what they are. Row-major. */
export interface Operands {
  readonly b?: OperandArray;
  readonly b2?: OperandArray;
  readonly b3?: OperandArray;
  readonly sparseB?: Csr;
  /** Nonzeros that prune keeps. */
  readonly keep?: number;
}

/** A workload made concrete. Same workload, same bits, on every platform. */
export interface Problem {
  readonly workload: Workload;
  readonly a: Csr;
  readonly operands: Operands;
  /** nnz / (m * k) as it came out. */
  readonly achievedDensity: number;
  readonly statistics: NonzeroStatistics;
  /** Hex SHA-256 of the matrix: sizes, offsets, columns, value bits. */
  readonly digest: string;
  /** Entries of a matrix file that stood out of order in their row and were sorted; 0 where nothing was. */
  readonly sortedEntries: number;
}

/** The slow right answer in double precision. */
export interface Reference {
  /** The output, row-major. */
  readonly expected: Float64Array;
  /** Largest permitted absolute error of each element; 0 where the answer is exact. */
  readonly tolerance: Float64Array;
  /** Elements of a row of the output, to name one by. */
  readonly columns: number;
}

/** An output as a kernel gives it: float32, int32, or float16 bits. */
export type Answer = Float32Array | Int32Array | Uint16Array;

/** Bytes of an encoded matrix. Their sum is what the format stores. */
export interface Footprint {
  /** Values of nonzeros. */
  readonly payloadBytes: number;
  /** Indices, offsets, masks. */
  readonly metadataBytes: number;
  /** Zeros stored to fill blocks, slices and rows, with their indices. */
  readonly paddingBytes: number;
}

/** One implementation of one op for one format, dtype and instruction set. */
export interface Kernel {
  /** Position in its library's list. */
  readonly index: number;
  /** Name within the library; equals the format unless a format has several kernels. */
  readonly name: string;
  readonly op: OpName;
  readonly dtype: Dtype;
  readonly format: string;
  /** `scalar`, `avx2`, `avx512`, `avx512vnni`, `avx512fp16`, `neon`, `neonfp16`, or `auto` where the library chooses by itself. */
  readonly isa: string;
  /** Largest number of threads; 0 = any. */
  readonly maxThreads: number;
  /** Whether it computes with every element of A: a candidate for the dense baseline. */
  readonly dense: boolean;
}

/** A kernel library behind `native/sparsemark.h`, as loaded. */
export interface Library {
  readonly name: string;
  readonly version: string;
  /** Its own words: core type, threading layer. */
  readonly config: string;
  /** Hex SHA-256 of the shared library file, and of the file that it opened at run time where there is one. */
  readonly sha256: string;
  readonly formats: readonly string[];
  readonly kernels: readonly Kernel[];
}

/** Workload x kernel x threads: one cell. */
export interface Case {
  /** `<workload id>/<library>-<kernel>-<isa>-t<threads>`. */
  readonly id: string;
  readonly workload: string;
  readonly library: string;
  readonly kernel: string;
  readonly format: string;
  readonly isa: string;
  readonly threads: number;
  readonly dense: boolean;
}

/** How a case's answer compared with the reference. */
export interface Check {
  /** Largest |error| / tolerance over all elements; at most 1. */
  readonly worstRatio: number;
  /** Largest |error|. */
  readonly maxAbsError: number;
}

/** A case with its times: only reachable through a passed check. */
export interface Measured extends Case {
  readonly status: 'measured';
  readonly check: Check;
  readonly footprint: Footprint;
  /** Nanoseconds of encoding from CSR, of binding and planning; fastest of their repetitions. */
  readonly encodeNs: number;
  readonly prepareNs: number;
  readonly evaluationsPerSample: number;
  /** Nanoseconds an evaluation, in the order measured. */
  readonly samplesNs: readonly number[];
  /** Number of samples taken in each round, in order; their sum is samplesNs.length. */
  readonly rounds: readonly number[];
  /** Untimed batches until the batch times were steady; `settled` is false if they never were. */
  readonly warmup: { readonly batches: number; readonly settled: boolean };
  /** Weight copies rotated through; 1 when hot. */
  readonly copies: number;
  /** Tile sizes and variant, as the kernel says it. */
  readonly tiling: string;
}

/** A case whose answer was wrong: it has no time. */
export interface Wrong extends Case {
  readonly status: 'wrong';
  readonly worst: {
    readonly row: number;
    readonly col: number;
    readonly expected: number;
    readonly actual: number | null;
    readonly tolerance: number;
  };
  readonly detail: string;
}

/** A case that a library declines, with its reason. */
export interface Unsupported extends Case {
  readonly status: 'unsupported';
  readonly reason: string;
}

/** A case that ended its worker or ran out of time: `SIGSEGV`, `timeout`, `out of memory`, ... */
export interface Failed extends Case {
  readonly status: 'failed';
  readonly reason: string;
  readonly detail: string;
}

/** What became of one case. */
export type Measurement = Measured | Wrong | Unsupported | Failed;

/** Sustained rates of one core (`threads` 1) or several, measured by the addon itself. */
export interface Ceilings {
  readonly threads: number;
  /** Fused multiply-add peak in f32, 2 FLOPs each, by the widest instruction set. */
  readonly fmaGflops: number;
  readonly l1GBs: number;
  readonly l2GBs: number;
  readonly l3GBs: number;
  readonly dramGBs: number;
  /** Elements gathered from L1 in 1e9 a second; null where the instruction set has no gather. */
  readonly gatherGelems: number | null;
}

/** The machine a run was made on. */
export interface Machine {
  readonly hostname: string;
  readonly os: string;
  readonly kernelRelease: string;
  readonly arch: string;
  readonly cpuBrand: string;
  /** family-model-stepping on x86, part on arm; empty where unknown. */
  readonly cpuModel: string;
  readonly isa: readonly string[];
  readonly cpuFlags: readonly string[];
  readonly cores: number;
  readonly smt: boolean | null;
  readonly hypervisor: string | null;
  readonly memoryBytes: number;
  readonly caches: { readonly l1dBytes: number; readonly l2Bytes: number; readonly l3Bytes: number };
  readonly governor: string | null;
  readonly turbo: boolean | null;
  /** 1-minute load before the run. */
  readonly load1: number;
  /** Share of CPU time stolen by the hypervisor since boot, 0..1; null where unknown. */
  readonly stealShare: number | null;
  /** CPUs allowed by the cgroup quota; null for no limit. */
  readonly cgroupCpus: number | null;
  readonly transparentHugePages: string | null;
  readonly clockResolutionNs: number;
  readonly node: string;
  readonly ceilings: readonly Ceilings[];
  /** Short hash of what must agree for absolute times to be comparable. */
  readonly fingerprint: string;
}

/** How the addon and its kernels were built. */
export interface Build {
  /** `environment`, `checkout` or `prebuild`: where the binary was found. */
  readonly origin: string;
  readonly sha256: string;
  readonly compiler: string;
  readonly flags: string;
  readonly type: string;
  readonly sanitizer: string;
  readonly version: string;
  readonly gitCommit: string | null;
  readonly gitDirty: boolean | null;
}

/** A dense library held against our own GEMM before the run. */
export interface BaselineHealth {
  readonly library: string;
  readonly kernel: string;
  readonly isa: string;
  readonly gflops: number;
  /** Rate over the fastest dense kernel's and over the FMA peak. */
  readonly ofBest: number;
  readonly ofPeak: number;
  readonly healthy: boolean;
}

/** What a run was asked to do, and how it measured. */
export interface Protocol {
  readonly threads: readonly number[];
  /** CPUs the workers are pinned to; empty where pinning is not possible. */
  readonly pinnedCpus: readonly number[];
  readonly budgetSeconds: number;
  /** Relative half-width of the median's 95 % interval at which a case stops. */
  readonly targetHalfWidth: number;
  readonly minSamples: number;
  readonly maxSamples: number;
  readonly batchTargetNs: number;
  readonly orderSeed: number;
  readonly filter: string | null;
  /** The instruction set forced; null: the widest of each kernel. */
  readonly isa: string | null;
  /** The formats asked for beside dense; null: the suite's. */
  readonly formats: readonly string[] | null;
  /** Whether cells with a tuned plan were measured with it too, as kernels `<name>-tuned`; absent: none. */
  readonly tuned?: boolean;
  /** Which part of the workloads this run has; absent: all of them. */
  readonly shard?: Shard;
}

/** Part `index` (from 1) of `count`, of a list of `total` workloads. */
export interface Shard {
  readonly index: number;
  readonly count: number;
  readonly total: number;
}

/** What an evaluation has to do at the least. */
export interface Work {
  /** FLOPs (of int8: operations) that touch a nonzero, and that a dense kernel does. */
  readonly usefulFlops: number;
  readonly denseFlops: number;
  /** Bytes of all operands but A, and of the output, each moved once. */
  readonly operandBytes: number;
}

/** What a Result remembers of one workload beside its Measurements. */
export interface WorkloadRecord extends Workload {
  /** Of a shard: its place in the whole list, from 0. */
  readonly place?: number;
  readonly nnz: number;
  /** Absent in files of before there were other ops than products in f32. */
  readonly work?: Work;
  readonly achievedDensity: number;
  readonly statistics: NonzeroStatistics;
  readonly digest: string;
  /** Model quality (top-1 % or BLEU) of the network that the matrix comes from, where known. */
  readonly quality: { readonly model: string; readonly metric: string; readonly value: number } | null;
}

/** First line of a Result. */
export interface RunHeader {
  readonly schemaVersion: number;
  /** Unique, sortable: `<UTC time>-<random>`. */
  readonly runId: string;
  readonly startedAt: string;
  readonly command: string;
  readonly suite: Omit<Suite, 'workloads'> & { readonly workloadCount: number };
  readonly machine: Machine;
  readonly build: Build;
  readonly libraries: readonly Library[];
  readonly health: readonly BaselineHealth[];
  readonly protocol: Protocol;
}

/** The file one run writes: raw, nothing derived. */
export interface Result {
  readonly header: RunHeader;
  readonly workloads: readonly WorkloadRecord[];
  readonly measurements: readonly Measurement[];
  readonly end: {
    readonly endedAt: string;
    /** Whether every workload of the suite (after the filter) was finished. */
    readonly complete: boolean;
    readonly stopReason: string;
    readonly elapsedSeconds: number;
  } | null;
}

/** A place where a series takes another level. */
export interface ChangePoint {
  /** Index of the first point of the new level. */
  readonly index: number;
  /** Medians of the levels before and after it: up to the neighbouring changes, 256 points at the most. */
  readonly before: number;
  readonly after: number;
  /** 95 % interval of `after` minus `before`, by a seeded bootstrap. */
  readonly interval: readonly [low: number, high: number];
  /** Probability of a split as clear as this where nothing changes. */
  readonly pValue: number;
}

/** One case in one commit: its time over the anchor's, both measured in turns in one run. */
export interface HistoryPoint {
  readonly commit: string;
  /** When the run began. */
  readonly startedAt: string;
  readonly ratio: number;
  /** 95 % interval of the ratio; null where there were too few rounds for one. */
  readonly interval: readonly [low: number, high: number] | null;
}

/** A case over the commits of a history, on one machine and against one anchor, in the order they were added. */
export interface HistorySeries {
  /** `<workload>/<kernel>-<isa>-t<threads>`: the case without its library. */
  readonly id: string;
  /** Hex SHA-256 of the anchor. */
  readonly anchor: string;
  readonly points: readonly HistoryPoint[];
  /** In natural logarithms of the ratio. */
  readonly changes: readonly ChangePoint[];
}

/** Exit codes of the command. Precedence where several apply: 42, 2, 3, 1. Only 1 is worth a retry. */
export const exitCodes = {
  ok: 0,
  retryable: 1,
  finding: 2,
  unfit: 3,
  badInput: 42,
  internal: 70,
  interrupted: 130,
} as const;

/** Kinds of error; each belongs to one exit code. */
export type ErrorCode =
  | 'USAGE'
  | 'BAD_SUITE'
  | 'BAD_ACCELERATOR'
  | 'BAD_MATRIX'
  | 'BAD_ARCHIVE'
  | 'BAD_RESULT'
  | 'BAD_LIBRARY'
  | 'MISSING_FILE'
  | 'MISSING_DATA'
  | 'MISSING_ADDON'
  | 'UNSUPPORTED_PLATFORM'
  | 'DISK_FULL'
  | 'IO'
  | 'UNFIT'
  | 'INTERRUPTED'
  | 'INTERNAL';

const exitCodeOf: Record<ErrorCode, number> = {
  USAGE: exitCodes.badInput,
  BAD_SUITE: exitCodes.badInput,
  BAD_ACCELERATOR: exitCodes.badInput,
  BAD_MATRIX: exitCodes.badInput,
  BAD_ARCHIVE: exitCodes.badInput,
  BAD_RESULT: exitCodes.badInput,
  BAD_LIBRARY: exitCodes.badInput,
  MISSING_FILE: exitCodes.badInput,
  MISSING_DATA: exitCodes.badInput,
  MISSING_ADDON: exitCodes.badInput,
  UNSUPPORTED_PLATFORM: exitCodes.badInput,
  DISK_FULL: exitCodes.badInput,
  IO: exitCodes.retryable,
  UNFIT: exitCodes.unfit,
  INTERRUPTED: exitCodes.interrupted,
  INTERNAL: exitCodes.internal,
};

/** Where in a file something is wrong; line and column count from 1. */
export interface Place {
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
}

/**
 * The one error class. Its message follows one formula:
 * `Expected <what> for <name>, received <value>. <What to do.>`, with `file:line:column: ` before it where known.
 */
export class SparsemarkError extends Error {
  readonly code: ErrorCode;
  readonly place: Place;
  constructor(code: ErrorCode, message: string, place: Place = {}, options?: ErrorOptions) {
    const at = [place.file, place.line, place.column].filter((part) => part !== undefined).join(':');
    super(at === '' ? message : `${at}: ${message}`, options);
    this.name = 'SparsemarkError';
    this.code = code;
    this.place = place;
  }
  get exitCode(): number {
    return exitCodeOf[this.code];
  }
}
