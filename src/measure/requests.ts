/** What the parent asks of a worker and what it answers. Both sides import these types; nothing else. */
import type { Sampling } from '../terms/comparison.ts';
import type {
  CacheState,
  Check,
  Csr,
  Dtype,
  Footprint,
  Library,
  Operands,
  OpName,
  Reference,
  Shape,
  Wrong,
} from '../terms.ts';

/** Opens a kernel library: the first request of a worker. */
export interface OpenRequest {
  readonly kind: 'open';
  /** Path of the shared library, or of an engine's main file. */
  readonly path: string;
  /** The JavaScript engine of `backends/index.ts` that is found there; absent: a shared library. */
  readonly engine?: string;
  /** What to call it in case ids instead of its own name; null: its own. */
  readonly name: string | null;
  /** CPUs to pin to; empty for none. */
  readonly cpus: readonly number[];
  readonly memoryLimitBytes: number;
  /**
   * Opens a shared library in a process that `restart` starts anew; absent: in the worker itself. `waitAt`: path of the
   * socket at which it meets one that takes turns with it.
   */
  readonly apart?: { readonly patienceSeconds: number; readonly waitAt?: string };
}

/** Starts the process anew that the library was opened in, with nothing loaded. */
export interface RestartRequest {
  readonly kind: 'restart';
}

/** Hands over a problem; the one before it is forgotten. */
export interface LoadRequest {
  readonly kind: 'load';
  readonly shape: Shape;
  readonly op: OpName;
  readonly dtype: Dtype;
  readonly a: Csr;
  readonly operands: Operands;
  readonly reference: Reference;
  /** Path of a file in memory in which the operands and C lie in all workers that are told it; absent: each has its own. */
  readonly operandsAt?: string | undefined;
  /** The same for the arrays that A is stored in, as far as they are equal; absent: each has its own. */
  readonly weightsAt?: string | undefined;
}

/** Encodes, prepares, checks the answer, finds the batch size and warms up. */
export interface StartRequest {
  readonly kind: 'start';
  readonly key: string;
  readonly kernel: number;
  readonly format: string;
  readonly threads: number;
  readonly cache: CacheState;
  /** Bytes that the rotating copies must exceed together when cold. */
  readonly coldBytes: number;
  readonly batchTargetNs: number;
  /** How samples are taken in turns with another worker, or how long they shall last; absent: a sample is one batch. */
  readonly sampling?: Sampling | SamplingTargets;
  /** How often encoding is repeated for its fastest time; absent: as the worker does. */
  readonly encodeRepeats?: number;
  /** Makes every timed evaluation longer by this share, 0.05 for 5 %: only how the gate of `compare` tests itself. */
  readonly injectedSlowdown?: number;
  readonly maxWarmupBatches: number;
  /** A plan for a kernel with knobs; absent: the library's own. */
  readonly plan?: string;
}

/** How long the batches of a sample and of a turn shall last together. */
export interface SamplingTargets {
  readonly sampleTargetNs: number;
  readonly turnTargetNs: number;
}

/** Takes one sample of a case that was started with a `sampling`, in turns with another worker that is asked the same. */
export interface TurnsRequest {
  readonly kind: 'turns';
  readonly key: string;
  /** Socket where the two meet. */
  readonly path: string;
  /** Number of this pair of samples, the same for both sides. */
  readonly meeting: number;
  /** Whether this worker waits there: it was opened with that path. */
  readonly waits: boolean;
  readonly first: boolean;
}

/** Takes one sample of a started case. */
export interface SampleRequest {
  readonly kind: 'sample';
  readonly key: string;
}

/** Checks the answer and the guards once more, after timing; frees the case. */
export interface FinishRequest {
  readonly kind: 'finish';
  readonly key: string;
}

export type Request =
  | OpenRequest
  | RestartRequest
  | LoadRequest
  | StartRequest
  | SampleRequest
  | TurnsRequest
  | FinishRequest;

/** A case that is ready to be timed. */
export interface Started {
  readonly status: 'started';
  readonly check: Check;
  readonly footprint: Footprint;
  readonly encodeNs: number;
  readonly prepareNs: number;
  readonly evaluationsPerSample: number;
  /** How samples are taken in turns; null where a sample is one batch. */
  readonly sampling: Sampling | null;
  readonly warmup: { readonly batches: number; readonly settled: boolean };
  readonly copies: number;
  readonly tiling: string;
}

/** A case that ends before it has a time. */
export type Refused =
  | { readonly status: 'wrong'; readonly worst: Wrong['worst']; readonly detail: string }
  | { readonly status: 'unsupported'; readonly reason: string }
  | { readonly status: 'failed'; readonly reason: string; readonly detail: string };

/** What each request is answered with. */
export interface Answers {
  /** `knobs`: what can be chosen of a kernel's plan, by its index; kernels that plan by themselves alone are missing. */
  readonly open: {
    readonly library: Library;
    readonly pinned: boolean;
    readonly knobs: ReadonlyMap<number, string>;
  };
  readonly restart: null;
  readonly load: null;
  readonly start: Started | Refused;
  readonly sample: number;
  /** Lower quartile of the batches; null where the other worker did not come or went away. */
  readonly turns: number | null;
  /** null: still right. */
  readonly finish: Refused | null;
}

export type Reply =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | {
      readonly id: number;
      readonly ok: false;
      readonly code: string;
      readonly message: string;
      /** Of code GONE: what ended the process that the library was in. */
      readonly reason?: string;
    };
